/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns files: capped reads, whole-or-nothing writes, block devices by tag. */
#ifndef LK_SYS_OS_FS_H
#define LK_SYS_OS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/bytes.h"
#include "core/base/rc.h"
#include "sys/os/secret.h"

/** A file's contents; data has a NUL after len. Free with lk_buf_done. */
struct lk_buf {
	uint8_t *data;
	size_t len;
};
#define LK_BUF_NONE  ((struct lk_buf){ NULL, 0 })
#define LK_OWNED_BUF __attribute__((cleanup(lk_buf_done))) struct lk_buf
void lk_buf_done(struct lk_buf *buf); /* wipes, for keys pass through */
static inline struct lk_bytes lk_buf_bytes(const struct lk_buf *buf)
{
	return (struct lk_bytes){ buf->data, buf->len };
}

#define LK_OWNED_FD __attribute__((cleanup(lk_fd_closep))) int
void lk_fd_closep(int *fd);

/** The end of a name that mkstemp(3) and mkdtemp(3) complete. */
#define LK_TEMPORARY ".XXXXXX"

/** "@path: @what: <why>", by errno; for the files of this module. Return: @rc. */
int lk_fs_failed(struct lk_err *err, enum lk_rc rc, const char *path, const char *what);

/** Reads until end of file or until @cap is full; -1 with errno. */
ssize_t lk_fs_read_full(int fd, uint8_t *data, size_t cap);

/**
 * lk_fs_read - a whole regular file, pipe or standard input ("-")
 * @cap: more than that is LK_E_INPUT with the code EFBIG, found without reading it all
 */
int lk_fs_read(const char *path, size_t cap, struct lk_buf *ret, struct lk_err *err);
/**
 * lk_fs_wait_for_writer - until something can be read from a pipe or terminal
 * @fd: opened without blocking, which opening a named pipe does until somebody writes
 *	it; it blocks from here on, so that who began in time is read however slow
 *
 * Return: LK_OK, LK_E_INPUT where nothing comes in time, LK_E_IO.
 */
int lk_fs_wait_for_writer(int fd, const char *path, struct lk_err *err);
/** A regular file alone: no pipe, device or terminal, which reading might hang on, or
 * find no end of. For early boot. */
int lk_fs_read_regular(const char *path, size_t cap, struct lk_buf *ret, struct lk_err *err);
/** The same as lk_fs_read into locked memory. */
int lk_fs_read_secret(const char *path, size_t cap, struct lk_secret *ret, struct lk_err *err);

/**
 * lk_fs_write_new - create a file that must not exist yet; synced
 *
 * It is there whole or not at all, whenever the power goes.
 * Return: LK_OK, LK_E_REFUSED when it exists, LK_E_IO. Nothing is left on failure.
 */
int lk_fs_write_new(const char *path, const void *data, size_t len, mode_t mode,
		    struct lk_err *err);
/** Replaces a file by rename, synced; the old one stays on failure. "-": stdout. */
LK_MUST_CHECK int lk_fs_replace(const char *path, const void *data, size_t len, mode_t mode,
				struct lk_err *err);

/** Makes the directory that @path lies in; its parent must exist. */
int lk_fs_make_parent(const char *path, struct lk_err *err);
/** Appends under a lock, making the directory and the file where they lack. */
int lk_fs_append(const char *path, const void *data, size_t len, struct lk_err *err);

/**
 * lk_fs_list - what is in a directory but for directories and dot files, sorted
 * @ret_names: @ret_n malloc'd paths, directory included; free with lk_fs_list_free
 */
int lk_fs_list(const char *dir, size_t max, char ***ret_names, size_t *ret_n, struct lk_err *err);
void lk_fs_list_free(char **names, size_t n);
bool lk_fs_is_directory(const char *path);
/** LK_E_INPUT for anything else, and where it isn't there or may not be looked at. */
int lk_fs_check_directory(const char *path, struct lk_err *err);
/** LK_E_INPUT for a pipe, device or socket, which reading might hang on. */
int lk_fs_check_regular(const char *path, struct lk_err *err);
/** Bytes of a block device or file. */
int lk_fs_size(const char *path, uint64_t *ret, struct lk_err *err);

/**
 * lk_fs_wait_device - path of a device given as path or UUID=, LABEL=,
 * PARTUUID=, PARTLABEL=, waiting for it to appear
 * @timeout_s: 0 looks once
 * @ret: at least 512 bytes
 *
 * Return: LK_OK, LK_E_NO_DEVICE, LK_E_INPUT for a malformed tag.
 */
#define LK_DEVICE_PATH_MAX 512u
int lk_fs_wait_device(const char *spec, unsigned int timeout_s, char ret[static LK_DEVICE_PATH_MAX],
		      struct lk_err *err);

#endif
