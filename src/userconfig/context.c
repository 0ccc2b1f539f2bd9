/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the beginning of each command: settings read, root opened, lock taken. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sys/format/document.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"
#include "userconfig.h"

static int parse_settings(struct lk_uc *uc, const char *path, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_document_read(path, LK_YAML_SIZE_MAX, &yaml, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_userconfig_file_from_doc(lk_yaml_root(yaml), &uc->settings, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

static int read_settings(struct lk_uc *uc, struct lk_err *err)
{
	char path[PATH_MAX];
	bool present = false;

	lk_userconfig_file_defaults(&uc->settings);
	if (uc->opts->config)
		return parse_settings(uc, uc->opts->config, err);
	LK_TRY(lk_uc_within(uc, LK_UC_SETTINGS, &present, path, err));
	return present ? parse_settings(uc, path, err) : LK_OK;
}

/* Another run is short: what it leaves is what this one goes on from. */
static int wait_for_lock(int fd)
{
	int rc = flock(fd, LOCK_EX | LOCK_NB);

	if (rc == 0 || errno != EWOULDBLOCK)
		return rc;
	lk_log(LK_LOG_INFO, "another run of latchkey-userconfig is under way: waiting for its end");
	do
		rc = flock(fd, LOCK_EX);
	while (rc != 0 && errno == EINTR);
	return rc;
}

int lk_uc_lock(struct lk_uc *uc, struct lk_err *err)
{
	LK_OWNED_FD state = -1;
	int rc = lk_tree_open_dir(uc->at, uc->settings.state_directory.text, true, &state, err);

	if (rc != LK_OK)
		return rc;
	LK_TRY(lk_uc_repair_lock(uc, err));
	uc->lock = openat(state, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (uc->lock < 0 || wait_for_lock(uc->lock) != 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s/lock: %s%s",
				  uc->settings.state_directory.text, strerror(errno),
				  errno == EACCES && geteuid() != 0 ? ": run it as root" : "");
	return lk_uc_repair(uc, err);
}

void lk_uc_unlock(struct lk_uc *uc)
{
	lk_fd_closep(&uc->lock);
	uc->lock = -1;
}

int lk_uc_open(const struct lk_uc_options *opts, bool write, struct lk_uc **ret, struct lk_err *err)
{
	LK_OWNED_UC uc = calloc(1, sizeof(*uc));
	int rc;

	if (!uc)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	uc->opts = opts;
	uc->at = -1;
	uc->lock = -1;
	uc->live = !opts->root || strcmp(opts->root, "/") == 0;
	uc->real = uc->live || opts->raise_floor;
	rc = lk_tree_open_root(opts->root ? opts->root : "/", &uc->at, err);
	if (rc == LK_OK)
		rc = read_settings(uc, err);
	if (rc == LK_OK)
		rc = lk_uc_find_unmounted(uc, err);
	if (rc == LK_OK && write)
		rc = lk_uc_lock(uc, err);
	if (rc != LK_OK)
		return rc;
	*ret = uc;
	uc = NULL;
	return LK_OK;
}

void lk_uc_close(struct lk_uc *uc)
{
	if (!uc)
		return;
	lk_fd_closep(&uc->lock);
	lk_fd_closep(&uc->at);
	free(uc->unmounted);
	free(uc);
}
