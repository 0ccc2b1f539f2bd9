/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the terminal's echo. */
#include "sys/os/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "sys/os/fs.h"

#define LINE_MAX_BYTES 512u

/* A terminal on standard input serves only where it is the controlling one. */
static int open_terminal(void)
{
	static const char *const paths[] = { "/dev/tty", "/dev/console" };

	for (size_t i = isatty(STDIN_FILENO) ? 0 : 1; i < 2; i++) {
		int fd = open(paths[i], O_RDWR | O_NOCTTY | O_CLOEXEC);

		if (fd >= 0 && isatty(fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static int read_line(int fd, struct lk_secret *line, struct lk_err *err)
{
	for (;;) {
		uint8_t c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lk_err_set(err, LK_E_IO, 0, "the terminal was closed");
		if (c == '\n' || c == '\r')
			return LK_OK;
		if (line->len == LINE_MAX_BYTES)
			return lk_err_set(err, LK_E_INPUT, 0, "more than %u characters",
					  LINE_MAX_BYTES);
		line->data[line->len++] = c;
	}
}

/* A terminal gives its input by lines. */
static int wait_line(int fd, unsigned int seconds, struct lk_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	if (!seconds)
		return LK_OK;
	do
		n = poll(&p, 1, (int)seconds * 1000);
	while (n < 0 && errno == EINTR);
	return n ? LK_OK
		 : lk_err_set(err, LK_E_IO, 0, "nobody has typed it in %u seconds", seconds);
}

int lk_console_ask(const char *question, unsigned int seconds, struct lk_secret *ret,
		   struct lk_err *err)
{
	LK_OWNED_SECRET line = LK_SECRET_NONE;
	LK_OWNED_FD fd = open_terminal();
	struct termios old;
	struct termios silent;
	int rc = lk_secret_init(&line, LINE_MAX_BYTES, err);

	if (rc != LK_OK)
		return rc;
	if (fd < 0 || tcgetattr(fd, &old) != 0)
		return lk_err_set(err, LK_E_SYSTEM, 0, "there is no terminal to ask on");
	silent = old;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON;
	silent.c_iflag |= ICRNL;
	(void)tcsetattr(fd, TCSAFLUSH, &silent);
	if (write(fd, question, strlen(question)) < 0)
		rc = lk_err_set(err, LK_E_IO, 0, "the terminal was closed");
	if (rc == LK_OK)
		rc = wait_line(fd, seconds, err);
	if (rc == LK_OK)
		rc = read_line(fd, &line, err);
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	(void)!write(fd, "\n", 1);
	if (rc == LK_OK)
		*ret = lk_secret_take(&line);
	return rc;
}
