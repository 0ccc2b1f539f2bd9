/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the files that were at destinations before: kept in generation 0, bounded, and recorded there. */
#ifndef LK_USERCONFIG_KEEP_H
#define LK_USERCONFIG_KEEP_H

#include "agreement.h"

/**
 * lk_keep_measure - read a regular file once, and no further than it may be long
 * @path: beneath the root
 * @to: descriptor that gets the bytes; -1: none
 * @max: one more byte is LK_E_REFUSED, whatever fstat(2) said before
 * @ret: digest, size, mode and owner; its paths are left alone
 *
 * Return: LK_OK, LK_E_REFUSED (too long, or no regular file), LK_E_IO.
 */
int lk_keep_measure(const struct lk_uc *uc, const char *path, int to, uint64_t max,
		    struct lk_agreed_file *ret, struct lk_err *err);

/** Whether somebody but root can write to the folder of @destination or to one above it. */
bool lk_keep_is_others(const struct lk_uc *uc, const char *destination);

/** The record of generation 0; an empty one, with a message, where it isn't ours. */
int lk_keep_read_record(const struct lk_uc *uc, const struct lk_agreement_key *key,
			struct lk_agreed *ret, struct lk_err *err);

/**
 * lk_keep_file - the file at @destination into generation 0, and into its record
 *
 * In a folder of others the copy is root's. What can't be kept there is renamed
 * to "<name>.replaced", so that it bars no configuration.
 *
 * @ret_kept: false where there was nothing to keep
 *
 * Return: LK_OK; LK_E_REFUSED for what
 * can't be kept; LK_E_IO for a full disk.
 */
int lk_keep_file(const struct lk_uc *uc, const char *destination, struct lk_agreed *record,
		 bool *ret_kept, struct lk_err *err);

/**
 * lk_keep_earlier - a file that is about to be replaced, beside those that generation 0 keeps
 *
 * As "earlier<destination>.N" in generation 0's folder, N from 1 to 9. Nothing puts it back:
 * it is there to be found by who misses it.
 *
 * Return: LK_OK; LK_E_REFUSED where there are nine already, or it can't be kept; LK_E_IO.
 */
int lk_keep_earlier(const struct lk_uc *uc, const char *destination, struct lk_err *err);

/**
 * lk_keep_restore - a kept file, as it was recorded, at @to beneath the root
 * @ret_done: false where it isn't what was recorded, which is logged; then
 *	there is nothing at @to
 */
int lk_keep_restore(const struct lk_uc *uc, const struct lk_agreed *record, const char *destination,
		    const char *to, bool *ret_done, struct lk_err *err);

#endif
