/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns counting reboots in efivarfs. */
#include "sys/boot/reboots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/os/fs.h"

#define ATTRIBUTES 0x07 /* non-volatile, boot service and run-time access */
#define SIZE	   5u	/* 4 bytes of attributes, little endian, and the count */

void lk_reboots_mount(void)
{
	if (access(LK_EFIVARS_DIR, F_OK) == 0)
		(void)mount("efivarfs", LK_EFIVARS_DIR, "efivarfs",
			    MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* The kernel sets the flag on variables that it doesn't know, so that rm doesn't take them.
 * By the system call: C libraries differ in the type of ioctl's request. */
static void make_changeable(const char *path)
{
	LK_OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int flags;

	if (fd < 0 || syscall(SYS_ioctl, fd, FS_IOC_GETFLAGS, &flags) != 0)
		return;
	flags &= ~FS_IMMUTABLE_FL;
	(void)syscall(SYS_ioctl, fd, FS_IOC_SETFLAGS, &flags);
}

/* What isn't a count is as good as too many. */
static int read_count(const char *path, unsigned int *ret, struct lk_err *err)
{
	LK_OWNED_BUF bytes = LK_BUF_NONE;

	*ret = 0;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return LK_OK;
	LK_TRY(lk_fs_read_regular(path, SIZE, &bytes, err));
	*ret = bytes.len == SIZE ? bytes.data[SIZE - 1] : LK_REBOOTS_MAX;
	return LK_OK;
}

/* efivarfs takes a variable by one write. */
static int write_count(const char *path, unsigned int count, struct lk_err *err)
{
	const uint8_t bytes[SIZE] = { ATTRIBUTES, 0, 0, 0, (uint8_t)count };
	LK_OWNED_FD fd = -1;
	unsigned int again;

	make_changeable(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't write: %s", path,
				  strerror(errno));
	LK_TRY(read_count(path, &again, err));
	if (again != count)
		return lk_err_set(err, LK_E_IO, 0, "%s: it doesn't keep what is written", path);
	return LK_OK;
}

static int path_of(const char *dir, char ret[static PATH_MAX], struct lk_err *err)
{
	if (snprintf(ret, PATH_MAX, "%s/" LK_REBOOTS_VAR, dir) < PATH_MAX)
		return LK_OK;
	return lk_err_set(err, LK_E_IO, 0, "%.80s...: too long", dir);
}

int lk_reboots_count(const char *dir, unsigned int *ret, struct lk_err *err)
{
	char path[PATH_MAX];
	unsigned int count;

	LK_TRY(path_of(dir, path, err));
	if (read_count(path, &count, err) != LK_OK)
		return lk_err_set(err, LK_E_IO, 0, "%s: it can't be read", path);
	if (count >= LK_REBOOTS_MAX)
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "%u refused boots in a row have ended in a reboot",
				  LK_REBOOTS_MAX);
	if (write_count(path, count + 1, err) != LK_OK)
		return LK_E_IO;
	*ret = count + 1;
	return LK_OK;
}

void lk_reboots_forget(const char *dir)
{
	char path[PATH_MAX];

	if (path_of(dir, path, NULL) != LK_OK || access(path, F_OK) != 0)
		return;
	make_changeable(path);
	(void)unlink(path);
}
