/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a blob's archive would put where: judged whole before a file of it is written. */
#ifndef LK_USERCONFIG_PLAN_H
#define LK_USERCONFIG_PLAN_H

#include <sys/types.h>

#include "admit.h"
#include "core/config/archive_rules.h"
#include "core/config/manifest.h"
#include "sys/os/fs.h"

/** One file to come. */
struct lk_plan_file {
	char *path;	   /* in the archive */
	char *destination; /* absolute */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	bool is_volatile;
	bool is_copy; /* a regular file at its destination, and no link */
};

struct lk_plan {
	struct lk_manifest manifest;
	struct lk_buf manifest_text; /* empty: there is none */
	struct lk_plan_file *files;  /* in the archive's order */
	size_t n_files;
	uint64_t disk_bytes; /* of those that aren't volatile */
	uint64_t volatile_bytes;
};
#define LK_PLAN_NONE  ((struct lk_plan){ .files = NULL })
#define LK_OWNED_PLAN __attribute__((cleanup(lk_plan_done))) struct lk_plan
void lk_plan_done(struct lk_plan *plan);

/**
 * lk_plan_make - read the archive once, and write nothing
 *
 * The archive's rules, the manifest, the settings' prefixes, owners, modes and
 * units, destinations that are each a place of their own, and what is at the
 * destinations now.
 *
 * Return: LK_OK, LK_E_INPUT for what the archive or manifest may not have,
 * LK_E_REFUSED for something at a destination that isn't ours to replace,
 * LK_E_IO, LK_E_SYSTEM.
 */
int lk_plan_make(const struct lk_uc *uc, const struct lk_admitted *blob, struct lk_plan *ret,
		 struct lk_err *err);

/** The same of a blob that was applied: neither the settings of now nor what is
 * at the destinations is of matter. */
int lk_plan_read(const struct lk_uc *uc, const struct lk_admitted *blob, struct lk_plan *ret,
		 struct lk_err *err);

/** What both readings of the archive are bounded by. */
int lk_plan_rules(const struct lk_uc *uc, const struct lk_admitted *blob,
		  struct lk_archive_rules **ret, struct lk_err *err);

#endif
