/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns noting a reason of the appraisal, what it makes of the verdict, and reasons that lie below another. */
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

int lk_appraise_below(struct lk_appraising *a, uint32_t pcrs, struct lk_err *err)
{
	for (unsigned int pcr = 0; pcr < LK_IMA_BOOT_PCRS; pcr++) {
		struct lk_text_out words;
		struct lk_boot_diff diff;
		int rc;

		if (!(pcrs >> pcr & 1))
			continue;
		rc = lk_boot_diff_below(&a->diff, pcr, &diff, err);
		if (rc == LK_E_INPUT)
			continue;
		LK_TRY(rc);
		if (diff.told != LK_TOLD_EVENT)
			continue;
		lk_boot_diff_text(&a->diff.view, &diff, &words);
		lk_appraisal_reason(a, LK_PART_BOOT, LK_VERDICT_UNTRUSTED, pcr, "PCR %u (%s): %s",
				    pcr, lk_pcr_meaning(pcr), words.text);
	}
	return LK_OK;
}
