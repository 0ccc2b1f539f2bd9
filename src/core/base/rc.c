/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the wording container of errors and the table of exit codes. */
#include "core/base/rc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int lk_err_set(struct lk_err *err, enum lk_rc rc, uint32_t code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return rc;
	err->rc = rc;
	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return rc;
}

void lk_err_prefix(struct lk_err *err, const char *fmt, ...)
{
	char old[LK_ERR_MSG_MAX];
	va_list ap;
	int n;

	if (!err)
		return;
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(err->msg))
		return;
	(void)snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %.900s", old);
}

int lk_exit_code(int rc)
{
	switch (rc) {
	case LK_OK:
		return 0;
	case LK_E_USAGE:
		return 2;
	case LK_E_INPUT:
		return 3;
	case LK_E_NO_TPM:
		return 4;
	case LK_E_POLICY:
	case LK_E_AGAIN:
		return 5;
	case LK_E_LOCKED:
		return 6;
	case LK_E_OBJECT:
		return 7;
	case LK_E_NO_DEVICE:
		return 8;
	case LK_E_HEADER:
		return 9;
	case LK_E_VOLUME:
		return 10;
	case LK_E_IO:
		return 11;
	case LK_E_LATCH:
		return 12;
	case LK_E_REFUSED:
		return 13;
	case LK_E_SERVICE:
		return 14;
	case LK_E_PIN:
		return 15;
	case LK_E_UNKNOWN:
		return 16;
	default:
		return 1;
	}
}
