/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns resolving, reading and writing below a folder, by openat2(2) and its kin. */
#include "sys/os/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/log.h"

#define COPY_CHUNK (64u * 1024u)

static int tree_failed(struct lk_err *err, const char *path, const char *what)
{
	int saved = errno;

	if (saved == ELOOP || saved == EXDEV)
		return lk_err_set(err, LK_E_REFUSED, (uint32_t)saved,
				  "%s: %s: a symbolic link is in the way", path, what);
	return lk_err_set(err, saved == ENOTDIR ? LK_E_REFUSED : LK_E_IO, (uint32_t)saved,
			  "%s: %s: %s", path, what, strerror(saved));
}

static const char *relative(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

static int beneath(int at, const char *path, uint64_t flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* A rename elsewhere in the tree may disturb RESOLVE_BENEATH. */
	do
		fd = syscall(SYS_openat2, at, relative(path), &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return (int)fd;
}

int lk_tree_open_root(const char *path, int *ret, struct lk_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return tree_failed(err, path, "can't open");
	*ret = fd;
	return LK_OK;
}

int lk_tree_resolve(int at, const char *path, bool *ret_present, char ret[static PATH_MAX],
		    struct lk_err *err)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	LK_OWNED_FD fd = (int)syscall(SYS_openat2, at, path, &how, sizeof(how));
	char link[64];
	ssize_t len;

	*ret_present = fd >= 0;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return LK_OK;
	if (fd < 0)
		return tree_failed(err, path, "can't open");
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, ret, PATH_MAX);
	if (len < 0 || len >= PATH_MAX)
		return lk_err_set(err, LK_E_SYSTEM, len < 0 ? (uint32_t)errno : ENAMETOOLONG,
				  "%s: where it lies can't be found out: %s", path,
				  strerror(len < 0 ? errno : ENAMETOOLONG));
	ret[len] = '\0';
	return LK_OK;
}

/* Each folder of @path in turn, those that lack made. */
static int make_dirs(int at, const char *path, struct lk_err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return tree_failed(err, path, "can't make");
	}
	for (size_t i = 1; i <= len; i++) {
		LK_OWNED_FD parent = -1;
		const char *name;
		int rc;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		rc = lk_tree_open_parent(at, part, false, &parent, &name, err);
		if (rc != LK_OK)
			return rc;
		if (mkdirat(parent, name, 0755) != 0 && errno != EEXIST)
			return tree_failed(err, part, "can't make");
	}
	return LK_OK;
}

int lk_tree_open_dir(int at, const char *path, bool create, int *ret, struct lk_err *err)
{
	int fd = beneath(at, path, O_RDONLY | O_DIRECTORY, 0);
	int rc;

	if (fd < 0 && errno == ENOENT && create) {
		rc = make_dirs(at, path, err);
		if (rc != LK_OK)
			return rc;
		fd = beneath(at, path, O_RDONLY | O_DIRECTORY, 0);
	}
	if (fd < 0)
		return tree_failed(err, path, "can't open");
	*ret = fd;
	return LK_OK;
}

int lk_tree_open_parent(int at, const char *path, bool create, int *ret, const char **ret_name,
			struct lk_err *err)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int rc;

	if (!slash || slash == path) {
		rc = lk_tree_open_dir(at, "/", false, ret, err);
	} else if ((size_t)(slash - path) >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return tree_failed(err, path, "can't open");
	} else {
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
		rc = lk_tree_open_dir(at, dir, create, ret, err);
	}
	if (rc == LK_OK)
		*ret_name = slash ? slash + 1 : path;
	return rc;
}

static enum lk_tree_kind kind_of_mode(mode_t mode)
{
	if (S_ISREG(mode))
		return LK_TREE_FILE;
	if (S_ISLNK(mode))
		return LK_TREE_LINK;
	return S_ISDIR(mode) ? LK_TREE_DIR : LK_TREE_OTHER;
}

int lk_tree_kind(int at, const char *path, enum lk_tree_kind *ret, struct lk_err *err)
{
	/* O_NOFOLLOW with O_PATH gives a link itself, as a last component. */
	LK_OWNED_FD fd = -1;
	struct stat st;
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};

	fd = (int)syscall(SYS_openat2, at, relative(path), &how, sizeof(how));
	if (fd < 0 && errno == ENOENT) {
		*ret = LK_TREE_NONE;
		return LK_OK;
	}
	if (fd < 0 || fstat(fd, &st) != 0)
		return tree_failed(err, path, "can't look at");
	*ret = kind_of_mode(st.st_mode);
	return LK_OK;
}

int lk_tree_create(int at, const struct lk_tree_file *file, int *ret, struct lk_err *err)
{
	LK_OWNED_FD dir = -1;
	LK_OWNED_FD fd = -1;
	const char *name;
	int rc = lk_tree_open_parent(at, file->path, true, &dir, &name, err);

	if (rc != LK_OK)
		return rc;
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return tree_failed(err, file->path, "can't create");
	/* The owner first: a change of owner takes bits of the mode away. */
	if ((file->uid != geteuid() || file->gid != getegid()) &&
	    fchown(fd, file->uid, file->gid) != 0)
		return tree_failed(err, file->path, "can't change the owner");
	if (fchmod(fd, file->mode) != 0)
		return tree_failed(err, file->path, "can't change the mode");
	lk_log(LK_LOG_DEBUG, "%s: made", file->path);
	*ret = fd;
	fd = -1;
	return LK_OK;
}

int lk_tree_open_file(int at, const char *path, int *ret, struct lk_err *err)
{
	LK_OWNED_FD fd = beneath(at, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return tree_failed(err, path, "can't open");
	if (!S_ISREG(st.st_mode))
		return lk_err_set(err, LK_E_REFUSED, 0, "%s: not a regular file", path);
	lk_log(LK_LOG_DEBUG, "%s: opened", path);
	*ret = fd;
	fd = -1;
	return LK_OK;
}

int lk_tree_read(int fd, uint8_t *buf, size_t cap, size_t *ret_len, struct lk_err *err)
{
	ssize_t n = lk_fs_read_full(fd, buf, cap);

	if (n < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "can't read: %s", strerror(errno));
	if ((size_t)n == cap)
		return lk_err_set(err, LK_E_INPUT, 0, "too large: %zu bytes are allowed", cap - 1);
	*ret_len = (size_t)n;
	return LK_OK;
}

int lk_tree_write(int fd, const void *data, size_t len, struct lk_err *err)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lk_err_set(err, LK_E_IO, (uint32_t)errno, "can't write: %s",
					  strerror(errno));
		p += n;
		len -= (size_t)n;
	}
	return LK_OK;
}

static int same_bytes(int a, int b, bool *ret)
{
	uint8_t left[COPY_CHUNK], right[COPY_CHUNK];

	for (;;) {
		ssize_t n = lk_fs_read_full(a, left, sizeof(left));
		ssize_t m = lk_fs_read_full(b, right, sizeof(right));

		if (n < 0 || m < 0)
			return -1;
		*ret = n == m && memcmp(left, right, (size_t)n) == 0;
		if (!*ret || n == 0)
			return 0;
	}
}

int lk_tree_same(int a_at, const char *a, int b_at, const char *b, bool *ret, struct lk_err *err)
{
	LK_OWNED_FD fa = -1;
	LK_OWNED_FD fb = -1;
	struct stat sa, sb;
	bool same;
	int rc = lk_tree_open_file(a_at, a, &fa, err);

	if (rc == LK_OK)
		rc = lk_tree_open_file(b_at, b, &fb, err);
	if (rc != LK_OK)
		return rc;
	if (fstat(fa, &sa) != 0 || fstat(fb, &sb) != 0)
		return tree_failed(err, a, "can't look at");
	same = sa.st_size == sb.st_size && sa.st_mode == sb.st_mode && sa.st_uid == sb.st_uid &&
	       sa.st_gid == sb.st_gid;
	if (same && same_bytes(fa, fb, &same) != 0)
		return tree_failed(err, a, "can't compare");
	*ret = same;
	return LK_OK;
}

int lk_tree_sync(int at, struct lk_err *err)
{
	return syncfs(at) == 0 ? LK_OK : tree_failed(err, "file system", "can't sync");
}

int lk_tree_sync_dir(int at, const char *path, struct lk_err *err)
{
	LK_OWNED_FD dir = -1;
	int rc = lk_tree_open_dir(at, path, false, &dir, err);

	if (rc != LK_OK)
		return rc;
	return fsync(dir) == 0 ? LK_OK : tree_failed(err, path, "can't sync");
}

int lk_tree_free_bytes(int at, uint64_t *ret, struct lk_err *err)
{
	struct statvfs st;

	if (fstatvfs(at, &st) != 0)
		return tree_failed(err, "file system", "can't look at");
	*ret = (uint64_t)st.f_bavail * st.f_frsize;
	return LK_OK;
}
