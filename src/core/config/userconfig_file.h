/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the settings of latchkey-userconfig (latchkey-userconfig.yaml(5)): model, defaults, and what a path or name may be. */
#ifndef LK_CORE_CONFIG_USERCONFIG_FILE_H
#define LK_CORE_CONFIG_USERCONFIG_FILE_H

#include <stdbool.h>

#include "core/base/doc.h"
#include "core/base/rc.h"

#define LK_UC_PATH_MAX 512u
#define LK_UC_NAME_MAX 255u
#define LK_UC_LIST_MAX 64u
#define LK_UC_DEST_MAX 1024u

struct lk_uc_path {
	char text[LK_UC_PATH_MAX + 1];
};
struct lk_uc_name {
	char text[LK_UC_NAME_MAX + 1];
};

/** Paths are absolute and plain: no "..", ".", empty component or "/" at the end. */
struct lk_userconfig_file {
	struct lk_uc_path upload_directory;
	struct lk_uc_name blob_name;
	struct lk_uc_path state_directory;
	struct lk_uc_path default_destination; /* lies in a prefix */
	struct lk_uc_path hooks;
	struct lk_uc_path prefixes[LK_UC_LIST_MAX];
	size_t n_prefixes;
	struct lk_uc_path mount_points[LK_UC_LIST_MAX]; /* beside those of fstab(5) */
	size_t n_mount_points;
	struct lk_uc_name owners[LK_UC_LIST_MAX]; /* names or numbers */
	size_t n_owners;
	struct lk_uc_name groups[LK_UC_LIST_MAX];
	size_t n_groups;
	uint32_t modes;				 /* bits that a file may have */
	struct lk_uc_name units[LK_UC_LIST_MAX]; /* that may be restarted */
	size_t n_units;
	uint64_t max_blob;  /* bytes */
	uint64_t max_total; /* bytes unpacked */
	uint64_t max_file;
	uint64_t max_files;	    /* and directories: entries of the archive */
	unsigned int settle;	    /* seconds that a unit has to stay up */
	unsigned int sequence_step; /* how far above the floor at once */
};

/** What holds where there is no file. */
void lk_userconfig_file_defaults(struct lk_userconfig_file *ret);
/** Strict: an unknown key is an error. Keys left out have their defaults. */
int lk_userconfig_file_from_doc(const struct lk_doc *doc, struct lk_userconfig_file *ret,
				struct lk_err *err);

/**
 * An absolute plain path of at most @max bytes: each component of 1 to 255
 * bytes and neither "." nor "..", UTF-8 that is seen (lk_text_is_visible()). "/" alone
 * is none.
 */
bool lk_path_is_plain(const char *path, size_t max);
/**
 * The longest prefix that @path lies in (never the prefix itself), or NULL.
 * The state directory, what lies in it and what it lies in are in no prefix.
 */
const char *lk_userconfig_prefix_of(const struct lk_userconfig_file *file, const char *path);
bool lk_userconfig_owner_allowed(const struct lk_userconfig_file *file, const char *owner);
bool lk_userconfig_group_allowed(const struct lk_userconfig_file *file, const char *group);
bool lk_userconfig_unit_allowed(const struct lk_userconfig_file *file, const char *unit);

#endif
