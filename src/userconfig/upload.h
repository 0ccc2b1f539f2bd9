/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the upload directory, which others write to: finding a blob there, taking it away, putting it aside. */
#ifndef LK_USERCONFIG_UPLOAD_H
#define LK_USERCONFIG_UPLOAD_H

#include "userconfig.h"

/** A file that was found, by descriptors: whatever is renamed meanwhile. */
struct lk_upload {
	int dir; /* -1: a file that the administrator named; it is left alone */
	int fd;
	const char *name;
	const char *where; /* for messages */
};
#define LK_UPLOAD_NONE ((struct lk_upload){ -1, -1, NULL, NULL })
void lk_upload_done(struct lk_upload *upload);
#define LK_OWNED_UPLOAD __attribute__((cleanup(lk_upload_done))) struct lk_upload

/**
 * lk_upload_open - the blob to apply
 * @ret_present: false where the upload directory has none
 *
 * Return: LK_OK, LK_E_REFUSED for a link or anything but a regular file, or
 * a link on the way to the directory, LK_E_IO.
 */
int lk_upload_open(const struct lk_uc *uc, bool *ret_present, struct lk_upload *ret,
		   struct lk_err *err);

/** Whether somebody has it open for writing, as far as that can be told. */
bool lk_upload_is_written(const struct lk_upload *upload);
/**
 * lk_upload_wait - until nobody has it open for writing
 *
 * A slow upload shows long before it is whole. Waits as long as it grows, and
 * a minute longer, but no more than eight minutes. The caller holds no lock
 * meanwhile: whoever uploads must not keep the administrator waiting.
 *
 * Return: LK_OK, LK_E_IO for one that is held open, LK_E_INPUT for one that has
 * grown beyond max-blob.
 */
int lk_upload_wait(const struct lk_uc *uc, const struct lk_upload *upload, struct lk_err *err);

/** Removes it; another that was put in its place meanwhile stays. */
int lk_upload_remove(const struct lk_upload *upload, struct lk_err *err);
/** Renames it to "<name>.refused", with @reason in "<name>.refused.txt". */
int lk_upload_refuse(const struct lk_upload *upload, const char *reason, struct lk_err *err);

/**
 * lk_upload_sweep - what a run that was killed has left in the upload directory
 *
 * A blob that was being moved away is an upload again, unless there is a newer
 * one; a reason that was being written is thrown away. Where that can't be
 * done, nothing is: it isn't ours alone.
 */
void lk_upload_sweep(const struct lk_uc *uc);

/** Whether it has the same bytes as the file @path beneath the root. */
int lk_upload_is(const struct lk_uc *uc, const struct lk_upload *upload, const char *path,
		 bool *ret, struct lk_err *err);

#endif
