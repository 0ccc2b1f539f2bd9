/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the second reading of an archive, which writes: a new generation, and volatile files in memory. */
#ifndef LK_USERCONFIG_UNPACK_H
#define LK_USERCONFIG_UNPACK_H

#include "plan.h"

/** The new generation's folder, empty, and the file that its blob goes into. */
int lk_unpack_begin(const struct lk_uc *uc, int *ret_blob, struct lk_err *err);
/** A file without a name for a blob that is judged alone: nothing is left of it. */
int lk_unpack_try(const struct lk_uc *uc, int *ret_blob, struct lk_err *err);
/** Throws it away; an absent one is LK_OK. */
int lk_unpack_discard(const struct lk_uc *uc, struct lk_err *err);

/**
 * lk_unpack - write what is planned, and give the generation its name
 *
 * Everything is on the disk when it returns.
 *
 * Return: LK_OK, LK_E_IO (full disk: before anything is written where it can be
 * told), LK_E_INPUT, LK_E_SYSTEM.
 */
int lk_unpack(const struct lk_uc *uc, const struct lk_admitted *blob, const struct lk_plan *plan,
	      struct lk_err *err);

/** The volatile files alone, where they lie in memory. */
int lk_unpack_volatile(const struct lk_uc *uc, const struct lk_admitted *blob,
		       const struct lk_plan *plan, struct lk_err *err);

#endif
