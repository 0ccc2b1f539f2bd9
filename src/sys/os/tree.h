/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns files and folders below a folder held open: no symbolic link on the way is ever followed. */
#ifndef LK_SYS_OS_TREE_H
#define LK_SYS_OS_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/rc.h"

/*
 * @at is a folder's descriptor; @path is resolved beneath it and nowhere else,
 * whether it begins with "/" or not (openat2(2): RESOLVE_BENEATH,
 * RESOLVE_NO_SYMLINKS). A link in the way is LK_E_REFUSED, other failures are
 * LK_E_IO; each message names the path.
 */

int lk_tree_open_root(const char *path, int *ret, struct lk_err *err);
/**
 * lk_tree_resolve - what a process whose root is that folder would open
 * @ret: the file's path for this process, symbolic links followed as in that root
 *	(openat2(2): RESOLVE_IN_ROOT)
 */
int lk_tree_resolve(int at, const char *path, bool *ret_present, char ret[static PATH_MAX],
		    struct lk_err *err);
/** @create: makes each folder that lacks, mode 0755, owned by who runs. */
int lk_tree_open_dir(int at, const char *path, bool create, int *ret, struct lk_err *err);
/** The folder that @path lies in, and its last component, a part of @path. */
int lk_tree_open_parent(int at, const char *path, bool create, int *ret, const char **ret_name,
			struct lk_err *err);

enum lk_tree_kind {
	LK_TREE_NONE, /* nothing there, its folder may lack too */
	LK_TREE_FILE,
	LK_TREE_LINK,
	LK_TREE_DIR,
	LK_TREE_OTHER,
};
int lk_tree_kind(int at, const char *path, enum lk_tree_kind *ret, struct lk_err *err);

/** A file to write that must not exist yet; folders are made. */
struct lk_tree_file {
	const char *path;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};
/** Owner and mode are set before a byte is written. */
int lk_tree_create(int at, const struct lk_tree_file *file, int *ret, struct lk_err *err);
/** A regular file to read; never waits, as opening a FIFO would. */
int lk_tree_open_file(int at, const char *path, int *ret, struct lk_err *err);
/** To the end of the file; one that doesn't end before @cap is LK_E_INPUT. */
int lk_tree_read(int fd, uint8_t *buf, size_t cap, size_t *ret_len, struct lk_err *err);
/** All of @len bytes at the descriptor's offset. */
int lk_tree_write(int fd, const void *data, size_t len, struct lk_err *err);

/** Whether two regular files have the same content, owner and mode. */
int lk_tree_same(int a_at, const char *a, int b_at, const char *b, bool *ret, struct lk_err *err);

#define LK_TREE_LINK_MAX 4096u
/** The link's text; "" where there is no link. */
int lk_tree_read_link(int at, const char *path, char ret[static LK_TREE_LINK_MAX],
		      struct lk_err *err);
/** Puts a link in place of whatever file or link is there, in one step. */
int lk_tree_set_link(int at, const char *path, const char *target, struct lk_err *err);

/*
 * What is renamed into place has a name of its own for a moment, which nobody
 * can guess and so occupy. It can be told from others, for a run after one that
 * was killed.
 */
#define LK_TREE_TEMPORARY      ".latchkey-"
#define LK_TREE_TEMPORARY_SIZE 27u
int lk_tree_temporary(char ret[static LK_TREE_TEMPORARY_SIZE], struct lk_err *err);
bool lk_tree_is_temporary(const char *name);
/** Removes the links of such names in a folder whose text begins with @text; a
 * folder that isn't there is LK_OK. */
int lk_tree_sweep_links(int at, const char *path, const char *text, struct lk_err *err);

/** Gives a file or folder a name; what had it has the other's, or there was
 * nothing. In one step where the file system can. */
int lk_tree_exchange(int at, const char *from, const char *to, struct lk_err *err);
int lk_tree_rename(int at, const char *from, const char *to, struct lk_err *err);
/** A file, link or whole folder; one that isn't there is LK_OK. */
int lk_tree_remove(int at, const char *path, struct lk_err *err);

/**
 * lk_tree_walk - each file and link below a folder, sorted
 * @path: absent: nothing is visited
 * @visit: gets paths beginning with "/", beneath @path
 */
struct lk_tree_visitor {
	int (*visit)(void *ctx, const char *path, enum lk_tree_kind kind, struct lk_err *err);
	void *ctx;
};
int lk_tree_walk(int at, const char *path, const struct lk_tree_visitor *visitor,
		 struct lk_err *err);

/** Each entry of one folder by its name, sorted; an absent folder has none. */
int lk_tree_list(int at, const char *path, const struct lk_tree_visitor *visitor,
		 struct lk_err *err);

/** What was written to that file system so far is on the disk after. */
int lk_tree_sync(int at, struct lk_err *err);
/** The folder's own entries are on the disk after. */
int lk_tree_sync_dir(int at, const char *path, struct lk_err *err);
/** Bytes that may still be written by who runs. */
int lk_tree_free_bytes(int at, uint64_t *ret, struct lk_err *err);

#endif
