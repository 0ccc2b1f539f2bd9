/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the result codes, the error that explains one, and the exit code each becomes. */
#ifndef LK_CORE_BASE_RC_H
#define LK_CORE_BASE_RC_H

#include <stddef.h>
#include <stdint.h>

/** What a caller can do about a failure. Zero is success. */
enum lk_rc {
	LK_OK = 0,
	LK_DIFFERENT = 2,    /* done, and two things aren't the same: no failure */
	LK_E_INPUT = -1,     /* malformed bytes: the message names the place */
	LK_E_POLICY = -2,    /* measured state or signature isn't the signed one */
	LK_E_AGAIN = -3,     /* PCRs moved in mid-session: a retry is safe */
	LK_E_LOCKED = -4,    /* TPM dictionary-attack lockout */
	LK_E_SYSTEM = -5,    /* operating system, library or memory */
	LK_E_NO_TPM = -6,    /* no TPM, or it can't be used: silent, full, busy, closed to us */
	LK_E_OBJECT = -7,    /* TPM object missing, or not the one expected */
	LK_E_NO_DEVICE = -8, /* block device missing */
	LK_E_HEADER = -9,    /* LUKS2 header refused */
	LK_E_VOLUME = -10,   /* secret doesn't open it, or another volume key */
	LK_E_IO = -11,	     /* reading, writing or mapping failed */
	LK_E_LATCH = -12,    /* the latch could not be closed */
	LK_E_REFUSED = -13,  /* would overwrite or destroy something */
	LK_E_USAGE = -14,    /* wrong command line */
	LK_E_SERVICE = -15,  /* a unit didn't come back with a new configuration */
	LK_E_PIN = -16,	     /* wrong PIN, or none to be had */
	LK_E_UNKNOWN = -17,  /* the question has no certain answer */
};

#define LK_ERR_MSG_MAX 1024

/** What a person needs to know of a failure. */
struct lk_err {
	enum lk_rc rc;
	uint32_t code;		  /* the library's own code, 0 when none */
	char msg[LK_ERR_MSG_MAX]; /* one sentence, no newline at the end */
};

/**
 * lk_err_set - record a failure and hand its code back
 * @err: may be NULL, when the caller wants the code alone
 * @rc: never LK_OK
 * @code: the native code of the library that failed (TSS2_RC, errno), or 0
 *
 * Return: @rc, so that one can write `return lk_err_set(...)`.
 */
int lk_err_set(struct lk_err *err, enum lk_rc rc, uint32_t code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** Puts "<prefix>: " before the message, for a caller that knows the place. */
void lk_err_prefix(struct lk_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** On a prototype: what the function returns has to be looked at. */
#define LK_MUST_CHECK __attribute__((warn_unused_result))

/** For a function that does one thing after another, and undoes nothing. */
#define LK_TRY(expr)                                                                               \
	do {                                                                                       \
		int lk_try_rc = (expr);                                                            \
		if (lk_try_rc != LK_OK)                                                            \
			return lk_try_rc;                                                          \
	} while (0)

/** What the end of latchkey-unseal with a code says of the latch. */
enum lk_latch_state {
	LK_LATCH_NEVER,	 /* latchkey-unseal doesn't end with it */
	LK_LATCH_OPEN,	 /* it may be open: nothing may be mounted in this boot */
	LK_LATCH_CLOSED, /* closed, or there was neither latch nor TPM to close it in */
};

/** A row of the table of exit codes, which all programs, their man pages and the
 * initramfs's scripts have them from. */
struct lk_exit {
	int rc; /* LK_OK, LK_DIFFERENT or LK_E_... */
	int number;
	const char *name;
	enum lk_latch_state latch;
	const char *sentence; /* without a full stop */
};

/** Row @i in the order of the numbers, each number once; NULL past the end. */
const struct lk_exit *lk_exit_at(size_t i);
/** The row of @rc; of what isn't a result that of LK_E_SYSTEM. Never NULL. */
const struct lk_exit *lk_exit_of(int rc);

/** The exit code of each result, as the man pages list them. */
int lk_exit_code(int rc);

#define LK_EXIT_LINE_MAX 160u
/** A row for programs to read: "5 policy closed sentence"; of the latch "-",
 * "open" or "closed". No newline. */
void lk_exit_line(const struct lk_exit *row, char out[static LK_EXIT_LINE_MAX]);

#endif
