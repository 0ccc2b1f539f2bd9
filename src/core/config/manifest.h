/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the manifest inside a configuration archive: where each file goes, and what to restart for it. */
#ifndef LK_CORE_CONFIG_MANIFEST_H
#define LK_CORE_CONFIG_MANIFEST_H

#include "core/config/archive_rules.h"
#include "core/base/doc.h"
#include "core/base/rc.h"
#include "core/config/userconfig_file.h"

/** Its name in the archive, of which it is the first file. */
#define LK_MANIFEST_NAME      "latchkey-manifest.yaml"
#define LK_MANIFEST_SIZE_MAX  (256u * 1024u)
#define LK_MANIFEST_FILES_MAX 1024u
#define LK_MANIFEST_UNITS_MAX 8u /* of one file, of each kind */
#define LK_MANIFEST_LABEL_MAX 128u

/** A file, or a folder: then every file below @path goes below @destination, to the same path there. */
struct lk_manifest_file {
	char path[LK_ARCHIVE_PATH_MAX + 1];   /* in the archive, without "/" at its end */
	char destination[LK_UC_DEST_MAX + 1]; /* absolute, without "/" at its end */
	char owner[LK_UC_NAME_MAX + 1];	      /* "root" when not said */
	char group[LK_UC_NAME_MAX + 1];	      /* "root" when not said */
	uint32_t mode;
	bool has_mode; /* else the archive's, within what is allowed */
	bool is_folder;
	bool is_volatile; /* kept in memory alone, and made anew at boot */
	bool is_copy;	  /* a regular file at its destination, where others are links */
	char restart[LK_MANIFEST_UNITS_MAX][LK_UC_NAME_MAX + 1];
	size_t n_restart;
	char reload[LK_MANIFEST_UNITS_MAX][LK_UC_NAME_MAX + 1];
	size_t n_reload;
};

struct lk_manifest {
	char label[LK_MANIFEST_LABEL_MAX + 1];
	struct lk_manifest_file *files; /* heap */
	size_t n_files;
};
#define LK_MANIFEST_NONE  ((struct lk_manifest){ .files = NULL })
#define LK_OWNED_MANIFEST __attribute__((cleanup(lk_manifest_done))) struct lk_manifest
void lk_manifest_done(struct lk_manifest *m);

/**
 * lk_manifest_from_doc - the manifest of an archive
 *
 * Refused: an unknown key, a path or destination twice, a path within a folder that is
 * listed, one file's destination below another's or in a folder's place, bad paths, a
 * volatile copy, modes beyond 0777, too many.
 *
 * Return: LK_OK, LK_E_INPUT with line and column, LK_E_SYSTEM.
 */
int lk_manifest_from_doc(const struct lk_doc *doc, struct lk_manifest *ret, struct lk_err *err);

/**
 * lk_manifest_check_place - is that a manifest in a place where nobody reads it?
 * @m: the manifest that was read, or an empty one
 * @path: of another file of the archive
 *
 * A manifest one folder down, as "tar -cf c.tar DIR" packs it, or spelled
 * otherwise, would be a file like the others: nothing that it says would hold,
 * and what it calls volatile would lie on the disk. Refused, unless the manifest
 * itself says where that file goes.
 *
 * Return: LK_OK or LK_E_INPUT, with how to pack it.
 */
int lk_manifest_check_place(const struct lk_manifest *m, const char *path, struct lk_err *err);

/** What is said of the file @path of the archive, by its name or its folder's; NULL: nothing. */
const struct lk_manifest_file *lk_manifest_find(const struct lk_manifest *m, const char *path);

/** Where the file @path goes that @f speaks of. LK_OK, or LK_E_INPUT: the whole is too long. */
int lk_manifest_destination(const struct lk_manifest_file *f, const char *path,
			    char ret[static LK_UC_DEST_MAX + 1], struct lk_err *err);

/** Does @f speak of what goes to @destination? Of a folder's place all that lies below it counts. */
bool lk_manifest_covers(const struct lk_manifest_file *f, const char *destination);

/**
 * lk_manifest_check - does it keep to what this device allows?
 *
 * Each destination within a prefix, owners, groups, mode bits and units among
 * those allowed.
 *
 * Return: LK_OK or LK_E_INPUT naming the file and the setting.
 */
int lk_manifest_check(const struct lk_manifest *m, const struct lk_userconfig_file *settings,
		      struct lk_err *err);

#endif
