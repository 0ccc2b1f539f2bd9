/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libarchive: reading and writing tar archives as streams. */
#ifndef LK_SYS_FORMAT_ARCHIVE_H
#define LK_SYS_FORMAT_ARCHIVE_H

#include <stdbool.h>

#include "core/config/archive_rules.h"
#include "core/base/rc.h"
#include "core/base/stream.h"

/**
 * lk_archive_read - each entry of a tar archive, in its order
 * @from: tar (ustar, pax, GNU), bare or compressed with gzip or zstd; nothing
 *	else is recognized. zstd's window is at most LK_ZSTD_WINDOW_MAX, and no
 *	name has a zero byte inside
 * @entry: called for each; @data gives the content of a regular file, which
 *	the callee may leave unread. Anything but LK_OK ends the reading.
 *
 * It judges nothing but the format: see core/config/archive_rules.h. Bytes of @from
 * after the archive's end are read to their end, so that a source which checks
 * something there does.
 *
 * Return: LK_OK, LK_E_INPUT for what is no such archive or is cut short, an
 * error of @from or of @entry, LK_E_SYSTEM.
 */
struct lk_archive_visitor {
	int (*entry)(void *ctx, const struct lk_archive_entry *entry, const struct lk_source *data,
		     struct lk_err *err);
	void *ctx;
};
int lk_archive_read(const struct lk_source *from, const struct lk_archive_visitor *visitor,
		    struct lk_err *err);

enum lk_compression { LK_COMPRESS_NONE, LK_COMPRESS_GZIP, LK_COMPRESS_ZSTD };

/**
 * lk_archive_pack - a folder as a pax archive, the same bytes each time
 *
 * Entries sorted by path bytewise, @first before all others where it exists;
 * owner and group 0 without names, times @mtime, modes as they are (0777
 * masked). Refused (LK_E_INPUT, with the path): links, devices, sockets,
 * FIFOs, set-id bits, names that core/config/archive_rules.h refuses, and files
 * with holes of more than a MiB.
 */
struct lk_pack {
	const char *dir;
	const char *over;  /* folder whose files take the place of those of one path; or NULL */
	const char *first; /* file that comes first where it exists; or NULL */
	uint64_t mtime;	   /* seconds */
	enum lk_compression compression;
};
int lk_archive_pack(const struct lk_pack *pack, const struct lk_sink *to, struct lk_err *err);

#endif
