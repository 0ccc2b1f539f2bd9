/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns files and block devices by path or tag. */
#include "sys/os/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/base/device_tag.h"
#include "sys/os/log.h"
#include "sys/os/reach.h"

void lk_buf_done(struct lk_buf *buf)
{
	if (buf->data) {
		lk_wipe(buf->data, buf->len);
		free(buf->data);
	}
	*buf = LK_BUF_NONE;
}

void lk_fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int lk_fs_failed(struct lk_err *err, enum lk_rc rc, const char *path, const char *what)
{
	char why[LK_REACH_MAX];
	int saved = errno;

	return lk_err_set(err, rc, (uint32_t)saved, "%s: %s: %s", path, what,
			  lk_reach_why(path, saved, why));
}

static int write_full(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int sync_directory_of(const char *path)
{
	char *copy = strdup(path);
	LK_OWNED_FD fd = -1;

	if (!copy)
		return -1;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	return fd < 0 ? -1 : fsync(fd);
}

/** The content under a name of its own, synced; nothing is left on failure. */
static int write_temporary(const char *path, struct lk_bytes data, mode_t mode,
			   char ret[static PATH_MAX], struct lk_err *err)
{
	LK_OWNED_FD fd = -1;

	if (snprintf(ret, PATH_MAX, "%s" LK_TEMPORARY, path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return lk_fs_failed(err, LK_E_INPUT, path, "can't write");
	}
	fd = mkostemp(ret, O_CLOEXEC);
	if (fd < 0)
		return lk_fs_failed(err, LK_E_IO, path, "can't create");
	if (write_full(fd, data.data, data.len) != 0 || fchmod(fd, mode) != 0 || fsync(fd) != 0) {
		(void)lk_fs_failed(err, LK_E_IO, path, "can't write");
		(void)unlink(ret);
		return LK_E_IO;
	}
	lk_log(LK_LOG_DEBUG, "%s: written, and not in its place yet", path);
	return LK_OK;
}

/** By a link, which never replaces; a file system without links can't do better than a look. */
static int name_new(const char *temporary, const char *path)
{
	struct stat st;

	if (link(temporary, path) == 0)
		return unlink(temporary);
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return -1;
	if (lstat(path, &st) != 0)
		return rename(temporary, path);
	errno = EEXIST;
	return -1;
}

static int already_there(const char *path, struct lk_err *err)
{
	return lk_err_set(err, LK_E_REFUSED, EEXIST, "%s exists already; it is left as it is",
			  path);
}

int lk_fs_write_new(const char *path, const void *data, size_t len, mode_t mode, struct lk_err *err)
{
	char temporary[PATH_MAX];
	struct stat st;
	int rc;

	if (lstat(path, &st) == 0)
		return already_there(path, err);
	rc = write_temporary(path, (struct lk_bytes){ data, len }, mode, temporary, err);
	if (rc != LK_OK)
		return rc;
	if (name_new(temporary, path) != 0) {
		rc = errno == EEXIST ? already_there(path, err)
				     : lk_fs_failed(err, LK_E_IO, path, "can't create");
		(void)unlink(temporary);
		return rc;
	}
	if (sync_directory_of(path) == 0)
		return LK_OK;
	(void)lk_fs_failed(err, LK_E_IO, path, "can't write");
	(void)unlink(path);
	return LK_E_IO;
}

int lk_fs_replace(const char *path, const void *data, size_t len, mode_t mode, struct lk_err *err)
{
	char temporary[PATH_MAX];
	struct stat st;
	int rc;

	if (strcmp(path, "-") == 0)
		return write_full(STDOUT_FILENO, data, len) == 0
			       ? LK_OK
			       : lk_fs_failed(err, LK_E_IO, "standard output", "can't write");
	/* A rename would put a file in the place of /dev/null, too. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return lk_err_set(err, LK_E_IO, 0, "%s isn't a regular file, and is left as it is",
				  path);
	rc = write_temporary(path, (struct lk_bytes){ data, len }, mode, temporary, err);
	if (rc != LK_OK)
		return rc;
	if (rename(temporary, path) == 0 && sync_directory_of(path) == 0)
		return LK_OK;
	(void)lk_fs_failed(err, LK_E_IO, path, "can't write");
	(void)unlink(temporary);
	return LK_E_IO;
}

int lk_fs_make_parent(const char *path, struct lk_err *err)
{
	char dir[PATH_MAX];

	(void)snprintf(dir, sizeof(dir), "%s", path);
	if (mkdir(dirname(dir), 0755) != 0 && errno != EEXIST)
		return lk_fs_failed(err, LK_E_IO, path, "can't make its directory");
	return LK_OK;
}

int lk_fs_append(const char *path, const void *data, size_t len, struct lk_err *err)
{
	LK_OWNED_FD fd = -1;

	(void)lk_fs_make_parent(path, NULL);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return lk_fs_failed(err, LK_E_IO, path, "can't open");
	if (flock(fd, LOCK_EX) != 0 || write_full(fd, data, len) != 0)
		return lk_fs_failed(err, LK_E_IO, path, "can't write");
	return LK_OK;
}

bool lk_fs_is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int lk_fs_check_directory(const char *path, struct lk_err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return lk_fs_failed(err, LK_E_INPUT, path, "can't open");
	if (S_ISDIR(st.st_mode))
		return LK_OK;
	return lk_err_set(err, LK_E_INPUT, 0, "%s: not a directory", path);
}

int lk_fs_check_regular(const char *path, struct lk_err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return lk_fs_failed(err, LK_E_INPUT, path, "can't open");
	if (S_ISREG(st.st_mode))
		return LK_OK;
	return lk_err_set(err, LK_E_INPUT, 0, "%s: not a regular file", path);
}

int lk_fs_size(const char *path, uint64_t *ret, struct lk_err *err)
{
	LK_OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t end;

	if (fd < 0)
		return lk_fs_failed(err, LK_E_IO, path, "can't open");
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return lk_fs_failed(err, LK_E_IO, path, "has no size");
	*ret = (uint64_t)end;
	return LK_OK;
}

void lk_fs_list_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int lk_fs_list(const char *dir, size_t max, char ***ret_names, size_t *ret_n, struct lk_err *err)
{
	struct dirent **entries = NULL;
	int found = scandir(dir, &entries, is_visible, alphasort);
	char **names = NULL;
	size_t n = 0;
	int rc = LK_OK;

	if (found < 0)
		return lk_fs_failed(err, LK_E_INPUT, dir, "can't list");
	if ((size_t)found > max)
		rc = lk_err_set(err, LK_E_INPUT, 0, "%s: %d files, at most %zu are allowed", dir,
				found, max);
	else
		names = calloc((size_t)found + 1, sizeof(*names));
	for (int i = 0; i < found; i++) {
		if (names && asprintf(&names[n], "%s/%s", dir, entries[i]->d_name) < 0)
			rc = lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
		else if (names && lk_fs_is_directory(names[n]))
			free(names[n]);
		else if (names)
			n++;
		free(entries[i]);
	}
	free(entries);
	if (rc == LK_OK && !names)
		rc = lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	if (rc != LK_OK) {
		lk_fs_list_free(names, n);
		return rc;
	}
	*ret_names = names;
	*ret_n = n;
	return LK_OK;
}

/* Fills in where udev puts a link for TAG=value; a path stands for itself. */
static int device_path(const char *spec, char ret[static LK_DEVICE_PATH_MAX], struct lk_err *err)
{
	if (lk_device_tag_is(spec)) {
		if (lk_device_tag_link(spec, ret, LK_DEVICE_PATH_MAX))
			return LK_OK;
		return lk_err_set(err, LK_E_INPUT, 0, "device \"%.200s\": the value is too long",
				  spec);
	}
	if (spec[0] != '/' || strlen(spec) >= LK_DEVICE_PATH_MAX)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"device \"%.200s\": expected an absolute path, or UUID=, LABEL=, PARTUUID= or PARTLABEL=",
			spec);
	(void)snprintf(ret, LK_DEVICE_PATH_MAX, "%s", spec);
	return LK_OK;
}

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* After access() has failed. */
static int no_device(const char *spec, const char *path, unsigned int timeout_s, struct lk_err *err)
{
	bool same = strcmp(spec, path) == 0;
	char why[LK_REACH_MAX];
	int saved = errno;

	/* What can't be looked for may well be there. */
	if (saved != ENOENT)
		return lk_err_set(err, LK_E_NO_DEVICE, (uint32_t)saved, "device %s%s%s: %s", spec,
				  same ? "" : ": ", same ? "" : path,
				  lk_reach_why(path, saved, why));
	if (!timeout_s)
		return lk_err_set(err, LK_E_NO_DEVICE, 0, "device %s%s%s isn't there", spec,
				  same ? "" : ": ", same ? "" : path);
	return lk_err_set(err, LK_E_NO_DEVICE, 0, "device %s%s%s didn't appear within %u s", spec,
			  same ? "" : ": ", same ? "" : path, timeout_s);
}

int lk_fs_wait_device(const char *spec, unsigned int timeout_s, char ret[static LK_DEVICE_PATH_MAX],
		      struct lk_err *err)
{
	const struct timespec pause = { 0, 5 * 1000 * 1000 };
	double end = now() + timeout_s;
	char path[LK_DEVICE_PATH_MAX];
	int rc = device_path(spec, path, err);

	if (rc != LK_OK)
		return rc;
	while (access(path, F_OK) != 0) {
		if (now() >= end)
			return no_device(spec, path, timeout_s, err);
		(void)nanosleep(&pause, NULL);
	}
	memcpy(ret, path, sizeof(path));
	return LK_OK;
}
