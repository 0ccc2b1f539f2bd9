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

/* What latchkey-unseal ends with before the latch is closed is LK_LATCH_OPEN here,
 * and it ends with nothing of LK_LATCH_CLOSED then: see lk_unseal_run. */
static const struct lk_exit table[] = {
	{ LK_OK, 0, "ok", LK_LATCH_CLOSED, "done" },
	{ LK_E_SYSTEM, 1, "system", LK_LATCH_OPEN,
	  "the operating system, a library or memory failed" },
	{ LK_E_USAGE, 2, "usage", LK_LATCH_OPEN, "wrong command line" },
	{ LK_E_INPUT, 3, "input", LK_LATCH_OPEN,
	  "an input is malformed or missing, or can't be read" },
	{ LK_E_NO_TPM, 4, "no-tpm", LK_LATCH_CLOSED, "no TPM, or it can't be used" },
	{ LK_E_POLICY, 5, "policy", LK_LATCH_CLOSED,
	  "a policy, signature or authorization isn't satisfied" },
	{ LK_E_LOCKED, 6, "lockout", LK_LATCH_CLOSED, "the TPM is in dictionary-attack lockout" },
	{ LK_E_OBJECT, 7, "object", LK_LATCH_CLOSED,
	  "an object of the TPM is missing, or not the one expected" },
	{ LK_E_NO_DEVICE, 8, "no-device", LK_LATCH_CLOSED, "a device is missing" },
	{ LK_E_HEADER, 9, "header", LK_LATCH_CLOSED, "a LUKS2 header was refused" },
	{ LK_E_VOLUME, 10, "volume", LK_LATCH_CLOSED,
	  "the secret doesn't open the volume, or it has another volume key" },
	{ LK_E_IO, 11, "io", LK_LATCH_CLOSED, "reading, writing or mapping failed" },
	{ LK_E_LATCH, 12, "latch", LK_LATCH_OPEN, "the latch could not be closed" },
	{ LK_E_REFUSED, 13, "refused", LK_LATCH_NEVER,
	  "refused: something would be overwritten, destroyed or opened that shouldn't" },
	{ LK_E_SERVICE, 14, "service", LK_LATCH_NEVER,
	  "a unit didn't come back with a new configuration" },
	{ LK_E_PIN, 15, "pin", LK_LATCH_CLOSED, "wrong PIN, or nobody to ask for it" },
	{ LK_E_UNKNOWN, 16, "unknown", LK_LATCH_NEVER, "the question has no certain answer" },
	{ LK_DIFFERENT, 20, "different", LK_LATCH_NEVER, "done, and there are differences" },
};
#define N_ROWS (sizeof(table) / sizeof(table[0]))

const struct lk_exit *lk_exit_at(size_t i)
{
	return i < N_ROWS ? &table[i] : NULL;
}

const struct lk_exit *lk_exit_of(int rc)
{
	/* PCRs that moved in every try: no boot that was signed for. */
	if (rc == LK_E_AGAIN)
		rc = LK_E_POLICY;
	for (size_t i = 0; i < N_ROWS; i++)
		if (table[i].rc == rc)
			return &table[i];
	return lk_exit_of(LK_E_SYSTEM);
}

int lk_exit_code(int rc)
{
	return lk_exit_of(rc)->number;
}

void lk_exit_line(const struct lk_exit *row, char out[static LK_EXIT_LINE_MAX])
{
	static const char *const latch[] = { "-", "open", "closed" };

	(void)snprintf(out, LK_EXIT_LINE_MAX, "%d %s %s %s", row->number, row->name,
		       latch[row->latch], row->sentence);
}
