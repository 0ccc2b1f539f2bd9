/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns copies of LUKS2 headers in memory, to rehearse a change on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/luks/luks_format.h"

#define COPY_MAX (32u * 1024u * 1024u) /* a header as cryptsetup makes it has 16 MiB */
#define CHUNK	 (1024u * 1024u)

static int system_error(const char *path, const char *what, struct lk_err *err)
{
	int saved = errno;

	return lk_err_set(err, LK_E_IO, (uint32_t)saved, "%s: %s: %s", path, what, strerror(saved));
}

static int copy_beginning(const char *device, int to, uint64_t len, struct lk_err *err)
{
	LK_OWNED_BUF chunk = { malloc(CHUNK), CHUNK };
	LK_OWNED_FD from = open(device, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (!chunk.data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	if (from < 0)
		return system_error(device, "can't open", err);
	while (len && n > 0) {
		n = lk_fs_read_full(from, chunk.data, len < CHUNK ? (size_t)len : CHUNK);
		if (n > 0 && write(to, chunk.data, (size_t)n) != n)
			n = -1;
		len -= n > 0 ? (uint64_t)n : 0;
	}
	return n < 0 ? system_error(device, "can't be copied", err) : LK_OK;
}

int lk_volume_header_copy(const char *device, int *ret_fd, struct lk_volume_header **ret,
			  struct lk_err *err)
{
	LK_OWNED_FD fd = memfd_create("latchkey-header", MFD_CLOEXEC);
	char path[40];
	uint64_t size;

	LK_TRY(lk_fs_size(device, &size, err));
	if (fd < 0)
		return system_error(device, "no memory for a copy", err);
	LK_TRY(copy_beginning(device, fd, size < COPY_MAX ? size : COPY_MAX, err));
	/* Beyond the header there are holes, which take no memory. */
	if (ftruncate(fd, (off_t)size) != 0)
		return system_error(device, "no memory for a copy", err);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	LK_TRY(lk_volume_header_open(path, ret, err));
	*ret_fd = fd;
	fd = -1;
	return LK_OK;
}
