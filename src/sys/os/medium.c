/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the process that reads a medium, and the pipe to it. */
#include "sys/os/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/reach.h"

#define CHUNK	16384u
#define FDS_MAX 1024 /* this program has a dozen */

int64_t lk_medium_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool lk_medium_is_device(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

/* One that hangs in the kernel is reaped by whoever is left when this program ends. */
void lk_medium_close(struct lk_medium *m)
{
	lk_fd_closep(&m->fd);
	if (m->reader > 0) {
		(void)kill(m->reader, SIGKILL);
		(void)waitpid(m->reader, NULL, WNOHANG);
	}
	m->reader = -1;
}

/* Not every C library has close_range(2), nor every kernel. */
static void close_all_but_input(void)
{
	if (syscall(SYS_close_range, STDIN_FILENO + 1, ~0u, 0) == 0)
		return;
	for (int fd = STDIN_FILENO + 1; fd < FDS_MAX; fd++)
		(void)close(fd);
}

/* In the child, which has memory of a program with secrets: it makes no call but of
 * the kernel, and keeps no descriptor, the TPM's above all, but @out. */
static _Noreturn void read_it(const char *path, size_t max, int out)
{
	uint8_t data[CHUNK];
	int fd;

	if (dup2(out, STDIN_FILENO) < 0)
		_exit(1);
	close_all_but_input();
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	while (fd >= 0 && max) {
		ssize_t n = read(fd, data, max < CHUNK ? max : CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		max -= (size_t)n;
		for (ssize_t at = 0; at < n;) {
			ssize_t sent = write(STDIN_FILENO, data + at, (size_t)(n - at));

			if (sent < 0 && errno != EINTR)
				_exit(1);
			at += sent > 0 ? sent : 0;
		}
	}
	_exit(0);
}

static int check_kind(const char *path, struct lk_err *err)
{
	char why[LK_REACH_MAX];
	struct stat st;

	if (stat(path, &st) != 0)
		return lk_err_set(err, LK_E_NO_DEVICE, (uint32_t)errno, "%s: %s", path,
				  lk_reach_why(path, errno, why));
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: neither a block device nor a file",
				  path);
	return LK_OK;
}

int lk_medium_open(const char *path, size_t max, int64_t end, struct lk_medium *ret,
		   struct lk_err *err)
{
	int ends[2];
	pid_t reader;

	LK_TRY(check_kind(path, err));
	if (pipe2(ends, O_CLOEXEC) != 0)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "%s: no pipe: %s", path,
				  strerror(errno));
	reader = fork();
	if (reader == 0)
		read_it(path, max, ends[1]);
	lk_fd_closep(&ends[1]);
	if (reader < 0) {
		lk_fd_closep(&ends[0]);
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "%s: no process: %s", path,
				  strerror(errno));
	}
	*ret = (struct lk_medium){ path, end, ends[0], reader };
	return LK_OK;
}

int lk_medium_read(struct lk_medium *m, uint8_t *data, size_t len, size_t *ret_len,
		   struct lk_err *err)
{
	size_t at = 0;

	while (at < len) {
		struct pollfd p = { m->fd, POLLIN, 0 };
		int64_t left = m->end - lk_medium_now();
		int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return lk_err_set(
				err, LK_E_IO, 0,
				"%s: it isn't read within the time limit (%zu bytes were)", m->path,
				at);
		n = read(m->fd, data + at, len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	*ret_len = at;
	return LK_OK;
}
