/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading from a named pipe that may have nobody who writes it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "sys/os/fs.h"

#define WRITER_SECONDS 20

int lk_fs_wait_for_writer(int fd, const char *path, struct lk_err *err)
{
	struct pollfd begun = { fd, POLLIN, 0 };
	int flags = fcntl(fd, F_GETFL);
	int n;

	do
		n = poll(&begun, 1, WRITER_SECONDS * 1000);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"%s: nothing has come from there in %d seconds; is it a pipe that nobody writes?",
			path, WRITER_SECONDS);
	if (n < 0 || flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't read: %s", path,
				  strerror(errno));
	return LK_OK;
}
