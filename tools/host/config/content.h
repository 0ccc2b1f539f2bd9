/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns going through a blob's content: each file of an archive that keeps to the rules. */
#ifndef LK_HOST_CONFIG_CONTENT_H
#define LK_HOST_CONFIG_CONTENT_H

#include "core/config/archive_rules.h"
#include "core/base/stream.h"

/** More than a device takes; a bound for the memory that paths need. */
#define LK_CONTENT_ENTRIES_MAX 1000000u

struct lk_content_file {
	char path[LK_ARCHIVE_PATH_MAX + 1];
	uint32_t mode;
	uint64_t size;
	const struct lk_source *data; /* may be left unread */
};

struct lk_content_visitor {
	int (*file)(void *ctx, const struct lk_content_file *file, struct lk_err *err);
	void *ctx;
};

/**
 * lk_content_walk - the archive to its end
 * @packed: bytes that @from gives
 * @visitor: NULL: the rules alone are checked
 *
 * What the rules refuse isn't visited; what comes before it is, so whoever
 * must not begin in vain walks twice.
 */
int lk_content_walk(const struct lk_source *from, uint64_t packed,
		    const struct lk_content_visitor *visitor, struct lk_err *err);

/**
 * lk_content_check - is this fit to be sealed?
 *
 * The rules, at least one file, and where there is a manifest: that it is the
 * first file, can be read, and names only files that are there.
 */
int lk_content_check(const struct lk_source *from, uint64_t packed, struct lk_err *err);

/** A file's bytes from its start, whatever its offset is. */
struct lk_fd_reader {
	int fd;
	uint64_t at;
};
struct lk_source lk_fd_source(struct lk_fd_reader *reader);

#endif
