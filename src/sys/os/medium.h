/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading a medium that may hang, lie or be pulled, within a time limit. */
#ifndef LK_SYS_OS_MEDIUM_H
#define LK_SYS_OS_MEDIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/rc.h"

/** Milliseconds since some time before, which no clock that is set moves. */
int64_t lk_medium_now(void);

/** Whether a block device lies there, or is linked to. */
bool lk_medium_is_device(const char *path);

/**
 * One that is read from its start, by a process of its own: a read of a block device
 * can't be given up by who has begun it. Embedded; lk_medium_close.
 */
struct lk_medium {
	const char *path;
	int64_t end; /* of lk_medium_now, after which nothing is waited for */
	int fd;
	pid_t reader;
};
#define LK_OWNED_MEDIUM __attribute__((cleanup(lk_medium_close))) struct lk_medium
#define LK_MEDIUM_NONE	((struct lk_medium){ .fd = -1, .reader = -1 })
void lk_medium_close(struct lk_medium *m);

/**
 * lk_medium_open - begins to read
 * @path: a block device or a regular file; what else lies there is LK_E_INPUT,
 *	since opening or reading it might have an effect, or never end
 * @max: bytes that are read at most
 *
 * Return: LK_OK, LK_E_NO_DEVICE, LK_E_INPUT, or LK_E_SYSTEM.
 */
int lk_medium_open(const char *path, size_t max, int64_t end, struct lk_medium *ret,
		   struct lk_err *err);

/**
 * lk_medium_read - the next bytes
 * @ret_len: less than @len where the medium ends, or can't be read any further
 *
 * Return: LK_OK; LK_E_IO when the time is over.
 */
int lk_medium_read(struct lk_medium *m, uint8_t *data, size_t len, size_t *ret_len,
		   struct lk_err *err);

#endif
