/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what was at the beginning of a device before a volume is made there, so that it can be put back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/luks/luks_format.h"

static int beginning_error(const char *path, const char *what, struct lk_err *err)
{
	int saved = errno;

	return lk_err_set(err, LK_E_IO, (uint32_t)saved, "%s: %s: %s", path, what, strerror(saved));
}

int lk_volume_beginning_save(const char *device, size_t len, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_FD fd = open(device, O_RDONLY | O_CLOEXEC);
	LK_OWNED_BUF saved = { malloc(len), 0 };
	ssize_t n;

	if (!saved.data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	n = fd < 0 ? -1 : lk_fs_read_full(fd, saved.data, len);
	if (n < 0)
		return beginning_error(device, "can't be read", err);
	saved.len = (size_t)n;
	*ret = saved;
	saved = LK_BUF_NONE;
	return LK_OK;
}

int lk_volume_beginning_restore(const char *device, const struct lk_buf *saved, struct lk_err *err)
{
	LK_OWNED_FD fd = open(device, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, saved->data, saved->len, 0) != (ssize_t)saved->len ||
	    fsync(fd) != 0)
		return beginning_error(device, "what was there can't be put back", err);
	return LK_OK;
}
