/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns noting a reason of the appraisal, and what it makes of the verdict. */
#include "core/attest/appraising.h"

#include <stdarg.h>
#include <stdio.h>

void lk_appraisal_reason(struct lk_appraising *a, enum lk_part part, enum lk_verdict verdict,
			 unsigned int pcr, const char *fmt, ...)
{
	struct lk_appraisal *ret = a->ret;
	struct lk_reason *reason;
	va_list args;

	if (verdict > ret->part[part])
		ret->part[part] = verdict;
	if (verdict > ret->verdict)
		ret->verdict = verdict;
	/* The verdict counts those too for which there is no row left. */
	if (ret->n == LK_REASONS_MAX)
		return;
	reason = &ret->reason[ret->n++];
	*reason = (struct lk_reason){ .part = part, .verdict = verdict, .pcr = pcr };
	va_start(args, fmt);
	vsnprintf(reason->text, sizeof(reason->text), fmt, args);
	va_end(args);
}
