/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an archive of configuration may hold: names, kinds, sizes, and no name twice. */
#ifndef LK_CORE_CONFIG_ARCHIVE_RULES_H
#define LK_CORE_CONFIG_ARCHIVE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/rc.h"

#define LK_ARCHIVE_PATH_MAX	 1024u
#define LK_ARCHIVE_COMPONENT_MAX 255u
#define LK_ARCHIVE_DEPTH_MAX	 32u

enum lk_archive_kind {
	LK_ARCHIVE_FILE,
	LK_ARCHIVE_DIRECTORY,
	LK_ARCHIVE_SYMLINK,
	LK_ARCHIVE_HARDLINK,
	LK_ARCHIVE_DEVICE,
	LK_ARCHIVE_FIFO,
	LK_ARCHIVE_OTHER,
};

/** An entry as the archive has it; nothing of it is checked. */
struct lk_archive_entry {
	enum lk_archive_kind kind;
	const char *path;   /* as written; NULL when it can't be read */
	const char *target; /* of a link; NULL otherwise */
	uint32_t mode;	    /* permission, set-id and sticky bits */
	uint64_t size;
};

/**
 * lk_archive_path_check - a relative path that stays where it is put
 * @ret: the path without "./" at its start and "/" at its end; at least
 *	LK_ARCHIVE_PATH_MAX + 1 bytes; "" for the folder itself
 *
 * Refused: absolute, "..", "." or nothing as a component, characters that aren't seen,
 * bad UTF-8, a component or path that is too long or too deep.
 *
 * Return: LK_OK or LK_E_INPUT.
 */
int lk_archive_path_check(const char *path, char ret[static LK_ARCHIVE_PATH_MAX + 1],
			  struct lk_err *err);

struct lk_archive_limits {
	uint64_t max_entries;
	uint64_t max_file;  /* bytes of one file */
	uint64_t max_total; /* bytes of all files */
	/** Bytes of the blob: beyond a MiB, at most LK_ARCHIVE_RATIO_MAX times. */
	uint64_t packed;
};
#define LK_ARCHIVE_RATIO_MAX 200u

/** What has been seen of an archive so far. */
struct lk_archive_rules;
int lk_archive_rules_new(const struct lk_archive_limits *limits, struct lk_archive_rules **ret,
			 struct lk_err *err);
void lk_archive_rules_free(struct lk_archive_rules *rules);
static inline void lk_archive_rules_freep(struct lk_archive_rules **p)
{
	lk_archive_rules_free(*p);
}
#define LK_OWNED_ARCHIVE_RULES                                                                     \
	__attribute__((cleanup(lk_archive_rules_freep))) struct lk_archive_rules *

/**
 * lk_archive_rules_entry - may this entry come next?
 * @ret_path: its checked path, as lk_archive_path_check gives it
 *
 * Refused, each with its path and reason: any kind but file and directory,
 * set-id and sticky bits, a bad path, a path that was there before (a
 * directory may be repeated), a file where a directory was or below a file,
 * more or larger ones than the limits say. Nothing is to be asked after that.
 *
 * Return: LK_OK, LK_E_INPUT, or LK_E_SYSTEM for memory.
 */
int lk_archive_rules_entry(struct lk_archive_rules *rules, const struct lk_archive_entry *entry,
			   char ret_path[static LK_ARCHIVE_PATH_MAX + 1], struct lk_err *err);

#endif
