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
/* systemd ends a run after ten minutes. */
#define WAIT_MAX_S 480u

bool lk_upload_is_written(const struct lk_upload *upload)
{
	/* Who opens it for writing while we have the lease makes the kernel
	 * send this. */
	(void)signal(SIGIO, SIG_IGN);
	/* A read lease is to be had where nobody has the file open for writing. */
	if (fcntl(upload->fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(upload->fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	/* Else the file system has no leases, and can't tell. */
	return errno == EAGAIN;
}

int lk_upload_wait(const struct lk_uc *uc, const struct lk_upload *upload, struct lk_err *err)
{
	const struct timespec nap = { .tv_nsec = 1000000000 / LOOKS_EACH_S };
	unsigned int still = 0, all = 0;
	struct stat st = { 0 };
	off_t size = -1;

	for (; lk_upload_is_written(upload); still++, all++) {
		if (size < 0)
			lk_log(LK_LOG_INFO,
			       "%s is still being written: waiting; other commands can be used meanwhile",
			       upload->where);
		if (fstat(upload->fd, &st) != 0 || st.st_size != size)
			still = 0;
		size = st.st_size;
		if (size > 0 && (uint64_t)size > uc->settings.max_blob)
			return lk_err_set(
				err, LK_E_INPUT, 0,
				"%s: %llu bytes and growing; at most %llu are allowed (max-blob)",
				upload->where, (unsigned long long)size,
				(unsigned long long)uc->settings.max_blob);
		if (still >= HELD_OPEN_S * LOOKS_EACH_S)
			return lk_err_set(
				err, LK_E_IO, 0,
				"%s: somebody has it open for writing, and doesn't write; a run after it was closed takes it",
				upload->where);
		if (all >= WAIT_MAX_S * LOOKS_EACH_S)
			return lk_err_set(
				err, LK_E_IO, 0,
				"%s: it has been written for eight minutes; a run after it was closed takes it",
				upload->where);
		(void)nanosleep(&nap, NULL);
	}
	return LK_OK;
}
