/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the wait for an upload that is still on its way. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "sys/os/log.h"
#include "upload.h"

#define HELD_OPEN_S  60u
#define LOOKS_EACH_S 4u

/* A read lease is to be had where nobody has the file open for writing. */
static bool is_being_written(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	/* Else the file system has no leases, and can't tell. */
	return errno == EAGAIN;
}

int lk_upload_wait(const struct lk_upload *upload, struct lk_err *err)
{
	const struct timespec nap = { .tv_nsec = 1000000000 / LOOKS_EACH_S };
	struct stat st = { 0 };
	unsigned int looks = 0;
	off_t size = -1;

	/* Who opens it for writing while we have the lease makes the kernel
	 * send this. */
	(void)signal(SIGIO, SIG_IGN);
	for (; is_being_written(upload->fd); looks++) {
		if (size < 0)
			lk_log(LK_LOG_INFO, "%s is still being written: waiting", upload->where);
		if (fstat(upload->fd, &st) != 0 || st.st_size != size)
			looks = 0;
		size = st.st_size;
		if (looks == HELD_OPEN_S * LOOKS_EACH_S)
			return lk_err_set(
				err, LK_E_IO, 0,
				"%s: somebody has it open for writing, and doesn't write; a run after it was closed takes it",
				upload->where);
		(void)nanosleep(&nap, NULL);
	}
	return LK_OK;
}
