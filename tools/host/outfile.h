/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns long output: a temporary file that becomes the real one, or nothing at all. */
#ifndef LK_HOST_OUTFILE_H
#define LK_HOST_OUTFILE_H

#include <limits.h>

#include "core/base/stream.h"
#include "documents.h"

struct lk_outfile {
	const struct lk_output *out;
	int fd; /* to write to, and read again */
	char temporary[PATH_MAX];
};
#define LK_OUTFILE_NONE	 ((struct lk_outfile){ .fd = -1 })
#define LK_OWNED_OUTFILE __attribute__((cleanup(lk_outfile_done))) struct lk_outfile

/** Before any work: is the place free, and can it be written to? */
int lk_outfile_check(const struct lk_output *out, struct lk_err *err);
int lk_outfile_open(const struct lk_output *out, struct lk_outfile *ret, struct lk_err *err);
/** Synced, and then there under its name, with mode 0644 or 0600. */
int lk_outfile_commit(struct lk_outfile *f, mode_t mode, struct lk_err *err);
/**
 * The same in steps, for many files: finish each, which begins to write it to
 * the disk; then place each, which waits for that and gives it its name; then
 * sync the folder, and the names last. Waiting for many together takes hardly
 * longer than for one.
 */
int lk_outfile_finish(struct lk_outfile *f, mode_t mode, struct lk_err *err);
int lk_outfile_place(struct lk_outfile *f, struct lk_err *err);
int lk_outfile_sync_folder(const char *folder, struct lk_err *err);
/** What wasn't committed is gone. */
void lk_outfile_done(struct lk_outfile *f);
/** Puts bytes at a descriptor's offset. */
struct lk_sink lk_fd_sink(int *fd);

/** A file without a name, in $TMPDIR or /var/tmp; gone when it is closed. */
int lk_nameless_file(int *ret, struct lk_err *err);

#endif
