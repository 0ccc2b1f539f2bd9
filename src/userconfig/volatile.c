/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns volatile files after a boot: decrypted anew from the blob that brought them. */
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "commit.h"
#include "generation.h"
#include "plan.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"
#include "unpack.h"

static void mark_path(uint64_t sequence, char ret[static PATH_MAX])
{
	lk_generation_volatile(sequence, ".complete", ret);
}

/* In a folder, /run may be anything. Early boot's own is bound there: see latchkey-initramfs(7). */
static void warn_of_disk(const struct lk_uc *uc)
{
	LK_OWNED_FD fd = -1;
	struct statfs st;

	if (uc->live || lk_tree_open_dir(uc->at, "/run", false, &fd, NULL) != LK_OK)
		return;
	if (fstatfs(fd, &st) == 0 && st.f_type != TMPFS_MAGIC && st.f_type != RAMFS_MAGIC)
		lk_log(LK_LOG_WARNING,
		       "%s/run isn't in memory: volatile files are written to the disk that it lies on",
		       uc->opts->root);
}

int lk_volatile_mark(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err)
{
	char path[PATH_MAX];
	const struct lk_tree_file mark = { path, 0600, geteuid(), getegid() };
	LK_OWNED_FD fd = -1;
	int rc;

	warn_of_disk(uc);
	mark_path(sequence, path);
	rc = lk_tree_remove(uc->at, path, err);
	return rc == LK_OK ? lk_tree_create(uc->at, &mark, &fd, err) : rc;
}

static int refresh(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err)
{
	LK_OWNED_ADMITTED blob = LK_ADMITTED_NONE;
	LK_OWNED_PLAN plan = LK_PLAN_NONE;
	int rc = lk_admit_stored(uc, sequence, lk_admission_of_kept(uc), &blob, err);

	if (rc == LK_OK)
		rc = lk_plan_read(uc, &blob, &plan, err);
	if (rc == LK_OK)
		rc = lk_unpack_volatile(uc, &blob, &plan, err);
	if (rc == LK_OK)
		rc = lk_volatile_mark(uc, sequence, err);
	if (rc == LK_OK)
		lk_log(LK_LOG_INFO, "the volatile files of configuration %llu are in place",
		       (unsigned long long)sequence);
	return rc;
}

int lk_volatile_refresh(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err)
{
	struct lk_uc_record rec;
	enum lk_tree_kind kind;
	char path[PATH_MAX];
	int rc = lk_uc_record_read(uc, sequence, &rec, err);

	if (rc != LK_OK || !rec.has_volatile)
		return rc;
	mark_path(sequence, path);
	rc = lk_tree_kind(uc->at, path, &kind, err);
	if (rc != LK_OK || kind == LK_TREE_FILE)
		return rc;
	return refresh(uc, sequence, err);
}
