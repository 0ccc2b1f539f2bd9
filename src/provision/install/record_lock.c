/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the lock of a record: of two commands that read it and write it again, neither loses what the other has written. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "install/record.h"
#include "sys/os/log.h"

#define STEP_MS 50u

/* The record itself is replaced by another file with each change, so that it can't be what is locked. */
static int open_lock(const char *path)
{
	return open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
}

/* Who had it may have taken the file away when it was done: then this is none any more. */
static bool is_there(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

static void wait_a_step(void)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };

	(void)nanosleep(&step, NULL);
}

/* Return: 1 where it is ours, 0 where another has it, -1 where there are no locks. */
static int try_lock(struct lk_record_lock *lock)
{
	lk_fd_closep(&lock->fd);
	lock->fd = open_lock(lock->path);
	if (lock->fd < 0)
		return -1;
	if (flock(lock->fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
	return is_there(lock->fd, lock->path);
}

int lk_record_lock(const char *record, struct lk_record_lock *ret, struct lk_err *err)
{
	LK_OWNED_RECORD_LOCK lock = LK_RECORD_LOCK_NONE;
	char real[PATH_MAX];
	int ours;

	lk_record_follow(record, real);
	if (snprintf(lock.path, sizeof(lock.path), "%s.lock", real) >= (int)sizeof(lock.path))
		return LK_OK;
	ours = try_lock(&lock);
	if (ours == 0)
		lk_log(LK_LOG_INFO,
		       "%s: another command has this record: waiting for its end, at most %u s",
		       record, LK_RECORD_WAIT_S);
	for (unsigned int i = 0; ours == 0 && i < LK_RECORD_WAIT_S * 1000u / STEP_MS; i++) {
		wait_a_step();
		ours = try_lock(&lock);
	}
	if (ours == 0) {
		lk_fd_closep(&lock.fd); /* it is another's: it stays */
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"%s: another command has had this record for %u s, and nothing was changed; try again when that one has ended",
			record, LK_RECORD_WAIT_S);
	}
	if (ours < 0)
		lk_fd_closep(&lock.fd);
	*ret = lock;
	lock = LK_RECORD_LOCK_NONE;
	return LK_OK;
}

void lk_record_unlock(struct lk_record_lock *lock)
{
	if (lock->fd >= 0)
		(void)unlink(lock->path); /* while it is ours */
	lk_fd_closep(&lock->fd);
}
