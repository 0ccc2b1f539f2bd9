/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns overwriting a header, in an order that a power cut can't turn into something else. */
#include "sys/luks/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "sys/os/reach.h"

#define MARK	  "LATCHKEY RESET 1\n"
#define MARK_SIZE 4096u /* the binary header of a LUKS2 volume */
#define CHUNK	  (64u * 1024u)
/* The largest header that cryptsetup makes, and behind ours what dm-integrity writes first. */
#define HEAD	     (17u * 1024u * 1024u)
#define COPY_LEAST   (16u * 1024u)
#define COPY_MOST    (4u * 1024u * 1024u)
#define COPY_DEFAULT (128u * 1024u) /* as we make them */

static int open_alone(const char *device, int flags, int *ret, struct lk_err *err)
{
	char why[LK_REACH_MAX];
	struct stat st;
	bool block = stat(device, &st) == 0 && S_ISBLK(st.st_mode);
	int fd = open(device, flags | O_CLOEXEC | (block ? O_EXCL : 0));

	if (fd < 0 && errno == EBUSY)
		return lk_err_set(
			err, LK_E_REFUSED, EBUSY,
			"%s is in use: close what is mapped (\"cryptsetup close NAME\"), unmount what is mounted, or do this from another system; nothing was changed",
			device);
	if (fd < 0)
		return lk_err_set(err, LK_E_NO_DEVICE, (uint32_t)errno, "%s: can't open: %s",
				  device, lk_reach_why(device, errno, why));
	*ret = fd;
	return LK_OK;
}

int lk_device_check_unused(const char *device, struct lk_err *err)
{
	LK_OWNED_FD fd = -1;

	return open_alone(device, O_RDONLY, &fd, err);
}

bool lk_device_is_reset(const char *device)
{
	LK_OWNED_FD fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char is[sizeof(MARK) - 1];

	return fd >= 0 && pread(fd, is, sizeof(is), 0) == (ssize_t)sizeof(is) &&
	       memcmp(is, MARK, sizeof(is)) == 0;
}

static int fail(const char *device, const char *what, struct lk_err *err)
{
	return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't %s: %s", device, what,
			  strerror(errno));
}

/** A part of a device, from its first byte to the one behind its last. */
struct part {
	const char *device;
	int fd;
	uint64_t from;
	uint64_t to;
};

static int write_all(const struct part *p, const uint8_t *data, size_t len, uint64_t at,
		     struct lk_err *err)
{
	while (len) {
		ssize_t n = pwrite(p->fd, data, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(p->device, "write", err);
		data += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return LK_OK;
}

static int overwrite(const struct part *p, bool random, struct lk_err *err)
{
	uint8_t buf[CHUNK] = { 0 };

	for (uint64_t at = p->from; at < p->to;) {
		size_t len = p->to - at < CHUNK ? (size_t)(p->to - at) : CHUNK;

		for (size_t got = 0; random && got < len; got += 256)
			if (getrandom(buf + got, 256, 0) != 256)
				return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno,
						  "no random bytes");
		LK_TRY(write_all(p, buf, len, at, err));
		at += len;
	}
	return fsync(p->fd) == 0 ? LK_OK : fail(p->device, "sync", err);
}

static int put_mark(const struct part *p, struct lk_err *err)
{
	uint8_t buf[MARK_SIZE] = { 0 };

	memcpy(buf, MARK, sizeof(MARK) - 1);
	LK_TRY(write_all(p, buf, sizeof(buf), 0, err));
	return fsync(p->fd) == 0 ? LK_OK : fail(p->device, "sync", err);
}

static void discard(const struct part *p)
{
	uint64_t range[2] = { p->from, p->to - p->from };

	if (p->to > p->from && ioctl(p->fd, BLKDISCARD, range) != 0)
		lk_log(LK_LOG_DEBUG, "%s: nothing is discarded: %s", p->device, strerror(errno));
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Bytes of one of the header's two copies, by the first (LUKS2 On-Disk Format Specification, 2.1). */
static uint64_t size_of_copy(int fd)
{
	static const uint8_t magic[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 2 };
	uint8_t is[sizeof(magic) + sizeof(uint64_t)];
	uint64_t size = 0;

	if (pread(fd, is, sizeof(is), 0) != (ssize_t)sizeof(is) ||
	    memcmp(is, magic, sizeof(magic)) != 0)
		return COPY_DEFAULT;
	for (size_t i = sizeof(magic); i < sizeof(is); i++)
		size = size << 8 | is[i];
	return size >= COPY_LEAST && size <= COPY_MOST ? size : COPY_DEFAULT;
}

int lk_device_wipe(const char *device, struct lk_err *err)
{
	LK_OWNED_FD fd = -1;
	uint64_t size = 0, end, metadata;

	LK_TRY(lk_fs_size(device, &size, err));
	LK_TRY(open_alone(device, O_RDWR, &fd, err));
	end = least(HEAD, size);
	metadata = least(size_of_copy(fd), end / 2);
	const struct part keyslots = { device, fd, 2 * metadata, end };
	const struct part second = { device, fd, metadata, 2 * metadata };
	const struct part rest = { device, fd, MARK_SIZE, end };
	const struct part data = { device, fd, end, size };

	LK_TRY(overwrite(&keyslots, true, err));
	LK_TRY(overwrite(&second, false, err));
	LK_TRY(put_mark(&rest, err));
	LK_TRY(overwrite(&rest, false, err));
	discard(&data);
	return LK_OK;
}
