/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the memory that secrets live in: locked, undumpable, wiped when done. */
#ifndef LK_SYS_OS_SECRET_H
#define LK_SYS_OS_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/rc.h"

/** One secret in a mapping of its own. Moves by lk_secret_take, never copied. */
struct lk_secret {
	uint8_t *data;
	size_t len; /* bytes in use */
	size_t cap; /* bytes mapped */
};

#define LK_SECRET_NONE	((struct lk_secret){ NULL, 0, 0 })
#define LK_OWNED_SECRET __attribute__((cleanup(lk_secret_done))) struct lk_secret

/** Room for @cap bytes, zeroed, len 0. LK_E_SYSTEM when it can't be locked. */
LK_MUST_CHECK int lk_secret_init(struct lk_secret *s, size_t cap, struct lk_err *err);
/** Wipes and unmaps; takes an empty one, and leaves one empty. */
void lk_secret_done(struct lk_secret *s);
/** Hands over; @s is empty after. */
struct lk_secret lk_secret_take(struct lk_secret *s);
/** New secret holding a copy of @data; the caller wipes @data. */
int lk_secret_from(struct lk_secret *s, const void *data, size_t len, struct lk_err *err);
/** Wipes memory so that the compiler keeps it (explicit_bzero). */
void lk_wipe(void *p, size_t len);
/** Constant-time comparison of equal lengths. Nonzero when equal. */
LK_MUST_CHECK int lk_secret_equal(const uint8_t *a, const uint8_t *b, size_t len);
/** Wipes what the calls made so far have left on the stack below the caller. */
void lk_wipe_stack(void);
/**
 * lk_secret_harden_process - for a process that holds secrets
 *
 * No core dumps, no ptrace; memory is wiped as it is freed (glibc), and isn't swapped
 * where the process may lock memory (root).
 */
LK_MUST_CHECK int lk_secret_harden_process(struct lk_err *err);

#endif
