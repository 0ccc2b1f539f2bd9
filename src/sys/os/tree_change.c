/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns links, renaming, removing and walking below a folder. */
#include "sys/os/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/log.h"

/* Of Linux 5.8; not in every C library's headers. */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

static int change_failed(struct lk_err *err, const char *path, const char *what)
{
	return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s: %s", path, what, strerror(errno));
}

int lk_tree_read_link(int at, const char *path, char ret[static LK_TREE_LINK_MAX],
		      struct lk_err *err)
{
	LK_OWNED_FD dir = -1;
	const char *name;
	enum lk_tree_kind kind;
	ssize_t n;
	int rc = lk_tree_kind(at, path, &kind, err);

	ret[0] = '\0';
	if (rc != LK_OK || kind != LK_TREE_LINK)
		return rc;
	rc = lk_tree_open_parent(at, path, false, &dir, &name, err);
	if (rc != LK_OK)
		return rc;
	n = readlinkat(dir, name, ret, LK_TREE_LINK_MAX - 1);
	if (n < 0) {
		ret[0] = '\0';
		return change_failed(err, path, "can't read the link");
	}
	ret[n] = '\0';
	return LK_OK;
}

int lk_tree_temporary(char ret[static LK_TREE_TEMPORARY_SIZE], struct lk_err *err)
{
	uint64_t tag = 0;

	if (getrandom(&tag, sizeof(tag), 0) != (ssize_t)sizeof(tag))
		return change_failed(err, "a temporary name", "no random number");
	(void)snprintf(ret, LK_TREE_TEMPORARY_SIZE, LK_TREE_TEMPORARY "%016" PRIx64, tag);
	return LK_OK;
}

bool lk_tree_is_temporary(const char *name)
{
	const size_t len = sizeof(LK_TREE_TEMPORARY) - 1;

	return strncmp(name, LK_TREE_TEMPORARY, len) == 0 &&
	       strspn(name + len, "0123456789abcdef") == 16 && name[len + 16] == '\0';
}

static int sweep_entry(int dir, const char *name, const char *text)
{
	char is[LK_TREE_LINK_MAX];
	ssize_t n;

	if (!lk_tree_is_temporary(name))
		return 0;
	n = readlinkat(dir, name, is, sizeof(is));
	if (n < (ssize_t)strlen(text) || memcmp(is, text, strlen(text)) != 0)
		return 0;
	return unlinkat(dir, name, 0);
}

int lk_tree_sweep_links(int at, const char *path, const char *text, struct lk_err *err)
{
	struct dirent *entry;
	enum lk_tree_kind kind;
	DIR *stream;
	int fd = -1;
	int rc = lk_tree_kind(at, path, &kind, err);

	if (rc != LK_OK || kind != LK_TREE_DIR)
		return rc;
	rc = lk_tree_open_dir(at, path, false, &fd, err);
	if (rc != LK_OK)
		return rc;
	stream = fdopendir(fd);
	if (!stream) {
		rc = change_failed(err, path, "can't list");
		close(fd);
		return rc;
	}
	/* Entry by entry: others may have put there as many as they like. */
	while (rc == LK_OK && (entry = readdir(stream)))
		if (sweep_entry(dirfd(stream), entry->d_name, text) != 0)
			rc = change_failed(err, path, "can't remove a link");
	closedir(stream);
	return rc;
}

int lk_tree_set_link(int at, const char *path, const char *target, struct lk_err *err)
{
	LK_OWNED_FD dir = -1;
	const char *name;
	char temporary[LK_TREE_TEMPORARY_SIZE];
	int rc = lk_tree_open_parent(at, path, true, &dir, &name, err);

	if (rc == LK_OK)
		rc = lk_tree_temporary(temporary, err);
	if (rc != LK_OK)
		return rc;
	if (symlinkat(target, dir, temporary) != 0)
		return change_failed(err, path, "can't make a link");
	if (renameat(dir, temporary, dir, name) != 0) {
		rc = change_failed(err, path, "can't put a link in place");
		(void)unlinkat(dir, temporary, 0);
		return rc;
	}
	lk_log(LK_LOG_DEBUG, "%s: a link to %s", path, target);
	return fsync(dir) == 0 ? LK_OK : change_failed(err, path, "can't sync");
}

/** Both names of a move, and the folders that they lie in, which is where they are looked up. */
struct move {
	int old_dir, new_dir;
	const char *old, *new;
};
#define MOVE_NONE  ((struct move){ .old_dir = -1, .new_dir = -1 })
#define OWNED_MOVE __attribute__((cleanup(move_done))) struct move

static void move_done(struct move *m)
{
	lk_fd_closep(&m->old_dir);
	lk_fd_closep(&m->new_dir);
}

static int move_begin(int at, const char *from, const char *to, struct move *m, struct lk_err *err)
{
	LK_TRY(lk_tree_open_parent(at, from, false, &m->old_dir, &m->old, err));
	return lk_tree_open_parent(at, to, true, &m->new_dir, &m->new, err);
}

static int move_sync(const struct move *m, const char *to, struct lk_err *err)
{
	return fsync(m->old_dir) == 0 && fsync(m->new_dir) == 0
		       ? LK_OK
		       : change_failed(err, to, "can't sync");
}

int lk_tree_rename(int at, const char *from, const char *to, struct lk_err *err)
{
	OWNED_MOVE m = MOVE_NONE;

	LK_TRY(move_begin(at, from, to, &m, err));
	if (renameat(m.old_dir, m.old, m.new_dir, m.new) != 0)
		return change_failed(err, from, "can't rename");
	lk_log(LK_LOG_DEBUG, "%s: renamed to %s", from, to);
	return move_sync(&m, to, err);
}

int lk_tree_exchange(int at, const char *from, const char *to, struct lk_err *err)
{
	OWNED_MOVE m = MOVE_NONE;

	LK_TRY(move_begin(at, from, to, &m, err));
	if (renameat2(m.old_dir, m.old, m.new_dir, m.new, RENAME_EXCHANGE) != 0) {
		if (errno != ENOENT && errno != EINVAL && errno != ENOSYS)
			return change_failed(err, from, "can't exchange");
		LK_TRY(lk_tree_remove(at, to, err));
		return lk_tree_rename(at, from, to, err);
	}
	return move_sync(&m, to, err);
}

static int remove_entry(int dir, const char *name);

/* What is in the folder, which is @dir's own descriptor from here on. */
static int remove_content(int fd)
{
	DIR *stream = fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!stream) {
		close(fd);
		return -1;
	}
	while (rc == 0 && (entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = remove_entry(dirfd(stream), entry->d_name);
	closedir(stream);
	return rc;
}

/* Another file system, or a part of one that is bound there, isn't in the folder that is removed. */
static bool is_mount(int fd)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int remove_entry(int dir, const char *name)
{
	int fd;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && is_mount(fd)) {
		close(fd);
		errno = EBUSY;
		return -1;
	}
	if (fd < 0 || remove_content(fd) != 0)
		return -1;
	return unlinkat(dir, name, AT_REMOVEDIR);
}

int lk_tree_remove(int at, const char *path, struct lk_err *err)
{
	LK_OWNED_FD dir = -1;
	enum lk_tree_kind kind;
	const char *name;
	int rc = lk_tree_kind(at, path, &kind, err);

	if (rc != LK_OK || kind == LK_TREE_NONE)
		return rc;
	rc = lk_tree_open_parent(at, path, false, &dir, &name, err);
	if (rc != LK_OK)
		return rc;
	if (remove_entry(dir, name) != 0)
		return change_failed(err, path, "can't remove");
	lk_log(LK_LOG_DEBUG, "%s: removed", path);
	return LK_OK;
}

/** Names in a folder. */
struct names {
	char **name;
	size_t n;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
}
#define OWNED_NAMES __attribute__((cleanup(names_done))) struct names

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* 0, or -1 with errno. */
static int add_name(struct names *names, const char *name)
{
	char **more = realloc(names->name, (names->n + 1) * sizeof(*more));

	if (!more)
		return -1;
	names->name = more;
	more[names->n] = strdup(name);
	return more[names->n] && ++names->n ? 0 : -1;
}

/* Sorted; as scandirat(3), which not every C library has. */
static int read_names(int dir, struct names *ret)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int error = 0;

	if (!stream) {
		error = errno;
		lk_fd_closep(&fd);
		errno = error;
		return -1;
	}
	while (!error) {
		errno = 0;
		entry = readdir(stream);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    add_name(ret, entry->d_name) != 0)
			error = ENOMEM;
	}
	error = error ? error : errno;
	closedir(stream);
	errno = error;
	if (error)
		return -1;
	if (ret->n)
		qsort(ret->name, ret->n, sizeof(*ret->name), compare_names);
	return 0;
}

/* What has gone since it was listed is LK_TREE_NONE; what can't be looked at is an error. */
static int kind_of_name(int dir, const char *name, enum lk_tree_kind *ret)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		*ret = LK_TREE_NONE;
		return errno == ENOENT ? 0 : -1;
	}
	if (S_ISREG(st.st_mode))
		*ret = LK_TREE_FILE;
	else if (S_ISLNK(st.st_mode))
		*ret = LK_TREE_LINK;
	else
		*ret = S_ISDIR(st.st_mode) ? LK_TREE_DIR : LK_TREE_OTHER;
	return 0;
}

/* @prefix goes before each name. */
static int visit_each(int dir, const char *prefix, const struct lk_tree_visitor *visitor,
		      struct lk_err *err)
{
	OWNED_NAMES names = { NULL, 0 };
	int rc = LK_OK;

	if (read_names(dir, &names) != 0)
		return change_failed(err, *prefix ? prefix : "/", "can't list");
	for (size_t i = 0; rc == LK_OK && i < names.n; i++) {
		char path[PATH_MAX];
		enum lk_tree_kind kind;

		if (snprintf(path, sizeof(path), "%s%s", prefix, names.name[i]) >=
		    (int)sizeof(path)) {
			errno = ENAMETOOLONG;
			return change_failed(err, prefix, "can't list");
		}
		if (kind_of_name(dir, names.name[i], &kind) != 0)
			return change_failed(err, path, "can't look at it");
		rc = visitor->visit(visitor->ctx, path, kind, err);
	}
	return rc;
}

int lk_tree_list(int at, const char *path, const struct lk_tree_visitor *visitor,
		 struct lk_err *err)
{
	LK_OWNED_FD dir = -1;
	enum lk_tree_kind kind;
	int rc = lk_tree_kind(at, path, &kind, err);

	if (rc != LK_OK || kind == LK_TREE_NONE)
		return rc;
	rc = lk_tree_open_dir(at, path, false, &dir, err);
	return rc == LK_OK ? visit_each(dir, "", visitor, err) : rc;
}

/** A walk under way: beneath which folder, and for whom. */
struct walk {
	int at;
	const struct lk_tree_visitor *visitor;
};

static int walk_entry(void *ctx, const char *path, enum lk_tree_kind kind, struct lk_err *err)
{
	const struct walk *w = ctx;
	const struct lk_tree_visitor down = { walk_entry, ctx };
	LK_OWNED_FD dir = -1;
	char prefix[PATH_MAX];
	int rc;

	if (kind != LK_TREE_DIR)
		return w->visitor->visit(w->visitor->ctx, path, kind, err);
	rc = lk_tree_open_dir(w->at, path, false, &dir, err);
	if (rc != LK_OK)
		return rc;
	(void)snprintf(prefix, sizeof(prefix), "%.*s/", PATH_MAX - 2, path);
	return visit_each(dir, prefix, &down, err);
}

int lk_tree_walk(int at, const char *path, const struct lk_tree_visitor *visitor,
		 struct lk_err *err)
{
	struct walk w = { -1, visitor };
	const struct lk_tree_visitor down = { walk_entry, &w };
	LK_OWNED_FD dir = -1;
	enum lk_tree_kind kind;
	int rc = lk_tree_kind(at, path, &kind, err);

	if (rc != LK_OK || kind == LK_TREE_NONE)
		return rc;
	rc = lk_tree_open_dir(at, path, false, &dir, err);
	w.at = dir;
	return rc == LK_OK ? visit_each(dir, "/", &down, err) : rc;
}
