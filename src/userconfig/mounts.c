/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which volumes have to be mounted before a file is read or written below their mount points. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/config/fstab.h"
#include "sys/os/fs.h"
#include "sys/os/tree.h"
#include "userconfig.h"

#define FSTAB "/etc/fstab"
/* Of Linux 5.8; not in every C library's headers. */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

static bool lies_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Does anything that this device's settings name lie there, or there below? */
static bool matters(const struct lk_uc *uc, const char *point)
{
	const struct lk_userconfig_file *s = &uc->settings;

	if (lies_in(s->state_directory.text, point) || lies_in(s->upload_directory.text, point))
		return true;
	for (size_t i = 0; i < s->n_prefixes; i++)
		if (lies_in(s->prefixes[i].text, point) || lies_in(point, s->prefixes[i].text))
			return true;
	return false;
}

static int is_mounted(const struct lk_uc *uc, const char *point, bool *ret, struct lk_err *err)
{
	LK_OWNED_FD fd = -1;
	struct lk_err why = { 0 };
	struct statx st;
	/* Opening it is what has an automount point mounted. */
	int rc = lk_tree_open_dir(uc->at, point, false, &fd, &why);

	/* Nothing is ever put beyond a link, so that volume doesn't matter. */
	*ret = rc == LK_E_REFUSED;
	if (rc != LK_OK)
		return LK_OK;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) != 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", point, strerror(errno));
	*ret = !(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) ||
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
	return LK_OK;
}

static int see(struct lk_uc *uc, const char *point, const char *named_by, struct lk_err *err)
{
	struct lk_uc_unmounted *more;
	bool mounted = false;

	if (!matters(uc, point))
		return LK_OK;
	LK_TRY(is_mounted(uc, point, &mounted, err));
	if (mounted)
		return LK_OK;
	more = realloc(uc->unmounted, (uc->n_unmounted + 1) * sizeof(*more));
	if (!more)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	uc->unmounted = more;
	more += uc->n_unmounted++;
	more->named_by = named_by;
	strcpy(more->point, point);
	return LK_OK;
}

static int see_fstab(struct lk_uc *uc, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	struct lk_bytes rest;
	char path[PATH_MAX], point[LK_FSTAB_POINT_MAX];
	bool present = false;

	LK_TRY(lk_uc_within(uc, FSTAB, &present, path, err));
	if (!present)
		return LK_OK;
	LK_TRY(lk_fs_read_regular(path, LK_FSTAB_MAX, &text, err));
	rest = (struct lk_bytes){ text.data, text.len };
	while (lk_fstab_next(&rest, point))
		LK_TRY(see(uc, point, FSTAB, err));
	return LK_OK;
}

static const struct lk_uc_unmounted *find(const struct lk_uc *uc, const char *path)
{
	for (size_t i = 0; i < uc->n_unmounted; i++)
		if (lies_in(path, uc->unmounted[i].point))
			return &uc->unmounted[i];
	return NULL;
}

bool lk_uc_is_mounted(const struct lk_uc *uc, const char *path)
{
	return find(uc, path) == NULL;
}

int lk_uc_check_mounted(const struct lk_uc *uc, const char *path, struct lk_err *err)
{
	const struct lk_uc_unmounted *u = find(uc, path);

	if (!u)
		return LK_OK;
	/* Never the blob's fault. */
	return lk_err_set(
		err, LK_E_IO, 0,
		"%s lies on %s, which is a mount point by %s, and nothing is mounted there: nothing is read or written below it until it is%s",
		path, u->point, u->named_by,
		uc->live
			? ""
			: "; early boot mounts the root alone, and what /etc/fstab marks with x-initrd.mount");
}

int lk_uc_find_unmounted(struct lk_uc *uc, struct lk_err *err)
{
	const struct lk_userconfig_file *s = &uc->settings;

	/* A try in a folder has no volumes of its own. Drop-ins are written by a generator: before
	 * anything is mounted, and while systemd, which mounts, waits for it. */
	if (!uc->real || uc->opts->folder)
		return LK_OK;
	LK_TRY(see_fstab(uc, err));
	for (size_t i = 0; i < s->n_mount_points; i++)
		LK_TRY(see(uc, s->mount_points[i].text, "mount-points of the settings", err));
	if (!lk_uc_is_mounted(uc, s->state_directory.text)) {
		(void)lk_uc_check_mounted(uc, s->state_directory.text, err);
		lk_err_prefix(err, "state-directory");
		return LK_E_IO;
	}
	return LK_OK;
}
