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

static int fail(struct lk_err *err, enum lk_rc rc, const char *path, const char *what)
{
	char why[LK_REACH_MAX];
	int saved = errno;

	return lk_err_set(err, rc, (uint32_t)saved, "%s: %s: %s", path, what,
			  lk_reach_why(path, saved, why));
}

ssize_t lk_fs_read_full(int fd, uint8_t *data, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, data + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/** What may be read: not larger than @cap; of @regular a file alone, whose opening
 * waits for nobody, else a pipe as well. */
struct reading {
	const char *path;
	size_t cap;
	bool regular;
};

static int open_to_read(const struct reading *r, int *ret, struct lk_err *err)
{
	const char *path = r->path;
	size_t cap = r->cap;
	struct stat st;

	if (!r->regular && strcmp(path, "-") == 0)
		*ret = dup(STDIN_FILENO);
	else
		*ret = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*ret < 0)
		return fail(err, LK_E_INPUT, path, "can't open");
	if (fstat(*ret, &st) != 0 || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode) ||
	    (r->regular && !S_ISREG(st.st_mode)))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: not a file", path);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > cap)
		return lk_err_set(err, LK_E_INPUT, EFBIG,
				  "%s: 1:1: %llu bytes, at most %zu are allowed", path,
				  (unsigned long long)st.st_size, cap);
	return S_ISREG(st.st_mode) || r->regular || strcmp(path, "-") == 0
		       ? LK_OK
		       : lk_fs_wait_for_writer(*ret, path, err);
}

static int too_large(const struct reading *r, struct lk_err *err)
{
	return lk_err_set(err, LK_E_INPUT, EFBIG, "%s: 1:1: more than the %zu bytes allowed",
			  r->path, r->cap);
}

/* A byte more than is allowed tells that there is more. */
static int read_secret(const struct reading *r, struct lk_secret *secret, struct lk_err *err)
{
	LK_OWNED_FD fd = -1;
	ssize_t n;

	LK_TRY(lk_secret_init(secret, r->cap + 1, err));
	LK_TRY(open_to_read(r, &fd, err));
	n = lk_fs_read_full(fd, secret->data, r->cap + 1);
	if (n < 0)
		return fail(err, LK_E_IO, r->path, "can't read");
	if ((size_t)n > r->cap)
		return too_large(r, err);
	secret->len = (size_t)n;
	return LK_OK;
}

int lk_fs_read_secret(const char *path, size_t cap, struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET secret = LK_SECRET_NONE;
	int rc = read_secret(&(struct reading){ path, cap, false }, &secret, err);

	if (rc == LK_OK)
		*ret = lk_secret_take(&secret);
	/* Not even how long it is. */
	lk_log(LK_LOG_DEBUG, "%s: %s", path,
	       rc == LK_OK ? "read into locked memory" : "a secret can't be read there");
	return rc;
}

/* What isn't a regular file, and what /proc has, says no size. */
static size_t expected_size(int fd, size_t cap)
{
	struct stat st;
	size_t size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0
			      ? (size_t)st.st_size
			      : 4095;

	return size < cap ? size : cap;
}

/* No more memory than the file takes: each page of it would be wiped. There is a byte
 * more than is expected, which tells whether there is more, or holds the NUL. */
static int read_growing(const struct reading *r, int fd, struct lk_buf *buf, struct lk_err *err)
{
	size_t room = expected_size(fd, r->cap) + 1;

	for (;; room = room > r->cap / 2 ? r->cap + 1 : 2 * room) {
		LK_OWNED_BUF more = { malloc(room), buf->len };
		ssize_t n;

		if (!more.data)
			return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
		if (buf->len)
			memcpy(more.data, buf->data, buf->len);
		n = lk_fs_read_full(fd, more.data + buf->len, room - buf->len);
		if (n < 0)
			return fail(err, LK_E_IO, r->path, "can't read");
		more.len += (size_t)n;
		lk_buf_done(buf);
		*buf = more;
		more = LK_BUF_NONE;
		if (buf->len < room)
			return LK_OK;
		if (room > r->cap)
			return too_large(r, err);
	}
}

static int read_to_buffer(const struct reading *r, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_BUF buf = LK_BUF_NONE;
	LK_OWNED_FD fd = -1;
	int rc = open_to_read(r, &fd, err);

	if (rc == LK_OK)
		rc = read_growing(r, fd, &buf, err);
	if (rc != LK_OK) {
		lk_log(LK_LOG_DEBUG, "%s: can't be read, or isn't there", r->path);
		return rc;
	}
	lk_log(LK_LOG_DEBUG, "%s: %zu bytes read", r->path, buf.len);
	buf.data[buf.len] = '\0';
	*ret = buf;
	buf = LK_BUF_NONE;
	return LK_OK;
}

int lk_fs_read(const char *path, size_t cap, struct lk_buf *ret, struct lk_err *err)
{
	return read_to_buffer(&(struct reading){ path, cap, false }, ret, err);
}

int lk_fs_read_regular(const char *path, size_t cap, struct lk_buf *ret, struct lk_err *err)
{
	return read_to_buffer(&(struct reading){ path, cap, true }, ret, err);
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
		return fail(err, LK_E_INPUT, path, "can't write");
	}
	fd = mkostemp(ret, O_CLOEXEC);
	if (fd < 0)
		return fail(err, LK_E_IO, path, "can't create");
	if (write_full(fd, data.data, data.len) != 0 || fchmod(fd, mode) != 0 || fsync(fd) != 0) {
		(void)fail(err, LK_E_IO, path, "can't write");
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
				     : fail(err, LK_E_IO, path, "can't create");
		(void)unlink(temporary);
		return rc;
	}
	if (sync_directory_of(path) == 0)
		return LK_OK;
	(void)fail(err, LK_E_IO, path, "can't write");
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
			       : fail(err, LK_E_IO, "standard output", "can't write");
	/* A rename would put a file in the place of /dev/null, too. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return lk_err_set(err, LK_E_IO, 0, "%s isn't a regular file, and is left as it is",
				  path);
	rc = write_temporary(path, (struct lk_bytes){ data, len }, mode, temporary, err);
	if (rc != LK_OK)
		return rc;
	if (rename(temporary, path) == 0 && sync_directory_of(path) == 0)
		return LK_OK;
	(void)fail(err, LK_E_IO, path, "can't write");
	(void)unlink(temporary);
	return LK_E_IO;
}

int lk_fs_make_parent(const char *path, struct lk_err *err)
{
	char dir[PATH_MAX];

	(void)snprintf(dir, sizeof(dir), "%s", path);
	if (mkdir(dirname(dir), 0755) != 0 && errno != EEXIST)
		return fail(err, LK_E_IO, path, "can't make its directory");
	return LK_OK;
}

int lk_fs_append(const char *path, const void *data, size_t len, struct lk_err *err)
{
	LK_OWNED_FD fd = -1;

	(void)lk_fs_make_parent(path, NULL);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(err, LK_E_IO, path, "can't open");
	if (flock(fd, LOCK_EX) != 0 || write_full(fd, data, len) != 0)
		return fail(err, LK_E_IO, path, "can't write");
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
		return fail(err, LK_E_INPUT, path, "can't open");
	if (S_ISDIR(st.st_mode))
		return LK_OK;
	return lk_err_set(err, LK_E_INPUT, 0, "%s: not a directory", path);
}

int lk_fs_check_regular(const char *path, struct lk_err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(err, LK_E_INPUT, path, "can't open");
	if (S_ISREG(st.st_mode))
		return LK_OK;
	return lk_err_set(err, LK_E_INPUT, 0, "%s: not a regular file", path);
}

int lk_fs_size(const char *path, uint64_t *ret, struct lk_err *err)
{
	LK_OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t end;

	if (fd < 0)
		return fail(err, LK_E_IO, path, "can't open");
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return fail(err, LK_E_IO, path, "has no size");
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
		return fail(err, LK_E_INPUT, dir, "can't list");
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
