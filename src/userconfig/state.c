/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns where files of the system lie; of the state directory names in it, and writing a file of it whole or not at all. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/tree.h"
#include "userconfig.h"

void lk_uc_join(char ret[static PATH_MAX], const char *a, const char *b)
{
	size_t n = strlen(a);
	size_t m = strlen(b);

	if (n > PATH_MAX - 1)
		n = PATH_MAX - 1;
	if (m > PATH_MAX - 1 - n)
		m = PATH_MAX - 1 - n;
	memcpy(ret, a, n);
	memcpy(ret + n, b, m);
	ret[n + m] = '\0';
}

int lk_uc_within(const struct lk_uc *uc, const char *path, bool *ret_present,
		 char ret[static PATH_MAX], struct lk_err *err)
{
	if (!uc->live)
		return lk_tree_resolve(uc->at, path, ret_present, ret, err);
	/* What can't be looked at is told by whoever opens it. */
	*ret_present = access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
	lk_uc_join(ret, path, "");
	return LK_OK;
}

void lk_uc_state(const struct lk_uc *uc, const char *name, char ret[static PATH_MAX])
{
	char folder[PATH_MAX];

	lk_uc_join(folder, uc->settings.state_directory.text, "/");
	lk_uc_join(ret, folder, name);
}

int lk_uc_store(const struct lk_uc *uc, const char *name, const void *data, size_t len,
		struct lk_err *err)
{
	char path[PATH_MAX];
	char temporary[PATH_MAX];
	LK_OWNED_FD fd = -1;
	const struct lk_tree_file file = { temporary, 0600, geteuid(), getegid() };
	int rc;

	lk_uc_state(uc, name, path);
	lk_uc_state(uc, ".store", temporary);
	/* Left by a run that was cut; the lock is ours. */
	rc = lk_tree_remove(uc->at, temporary, err);
	if (rc == LK_OK)
		rc = lk_tree_create(uc->at, &file, &fd, err);
	if (rc == LK_OK)
		rc = lk_tree_write(fd, data, len, err);
	if (rc == LK_OK && fsync(fd) != 0)
		rc = lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", path, strerror(errno));
	if (rc == LK_OK)
		rc = lk_tree_rename(uc->at, temporary, path, err);
	return rc;
}
