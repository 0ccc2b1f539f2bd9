/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns plymouthd's boot protocol, from the side of who asks. */
#include "sys/ask/plymouth.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/os/fs.h"

#define NAME	     "/org/freedesktop/plymouthd" /* abstract */
#define PING_MS	     2000
#define QUESTION_MAX 254u
#define LINE_MAX_LEN 512u

/* Requests: a letter, then 2, a length with the end of the string, the string;
 * or 0 alone. Answers: one of these, and after ANSWER a length of 4 bytes. */
enum { ANSWER = 0x02, NO_ANSWER = 0x05, ACK = 0x06 };

static int nobody(struct lk_err *err, const char *why)
{
	return lk_err_set(err, LK_E_SYSTEM, 0, "plymouthd: %s", why);
}

/* Anybody may take an abstract name. */
static bool is_roots(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof(peer) &&
	       peer.uid == 0;
}

static int open_connection(int *ret, struct lk_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + sizeof(NAME);
	/* One that hangs may have a full queue, at which connect would wait. */
	LK_OWNED_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path + 1, NAME, sizeof(NAME) - 1);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, len) != 0)
		return nobody(err, "it isn't there");
	if (!is_roots(fd))
		return nobody(err, "it isn't root's");
	*ret = fd;
	fd = -1;
	return LK_OK;
}

static bool send_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* @timeout_ms: for each part of it; -1: none. */
static bool receive_all(int fd, uint8_t *data, size_t len, int timeout_ms)
{
	while (len) {
		struct pollfd p = { fd, POLLIN, 0 };
		int ready = poll(&p, 1, timeout_ms);
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return false;
		n = recv(fd, data, len, 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/** One that hangs would keep a person from the console for ever. */
static int ping(int fd, struct lk_err *err)
{
	static const uint8_t request[] = { 'P', 0 };
	uint8_t answer;

	if (!send_all(fd, request, sizeof(request)) || !receive_all(fd, &answer, 1, PING_MS) ||
	    answer != ACK)
		return nobody(err, "it doesn't answer");
	return LK_OK;
}

/* Nobody else is asked after the time is over. */
static int wait_for_answer(int fd, unsigned int seconds, struct lk_err *err)
{
	struct pollfd p = { fd, POLLIN, 0 };
	int n;

	do
		n = poll(&p, 1, seconds ? (int)seconds * 1000 : -1);
	while (n < 0 && errno == EINTR);
	return n ? LK_OK
		 : lk_err_set(err, LK_E_IO, 0, "nobody has typed it in %u seconds", seconds);
}

static int receive_answer(int fd, struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET line = LK_SECRET_NONE;
	uint8_t kind;
	uint8_t size[4];
	size_t len;

	if (!receive_all(fd, &kind, 1, -1))
		return nobody(err, "it went while it was to ask");
	if (kind != ANSWER)
		return nobody(err,
			      kind == NO_ANSWER ? "nobody could be asked there" : "it doesn't ask");
	if (!receive_all(fd, size, sizeof(size), PING_MS))
		return nobody(err, "its answer was cut short");
	len = (size_t)size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 |
	      (size_t)size[3] << 24;
	if (len > LINE_MAX_LEN)
		return nobody(err, "its answer is too long");
	LK_TRY(lk_secret_init(&line, LINE_MAX_LEN, err));
	if (!receive_all(fd, line.data, len, PING_MS))
		return nobody(err, "its answer was cut short");
	line.len = strnlen((const char *)line.data, len);
	*ret = lk_secret_take(&line);
	return LK_OK;
}

int lk_plymouth_ask(const char *question, unsigned int seconds, struct lk_secret *ret,
		    struct lk_err *err)
{
	uint8_t request[3 + QUESTION_MAX + 1] = { '*', 2 };
	size_t len = strlen(question);
	LK_OWNED_FD fd = -1;

	/* Its splashes put one after it. */
	if (len && question[len - 1] == ':')
		len--;
	if (len > QUESTION_MAX)
		return nobody(err, "the question is too long for it");
	LK_TRY(open_connection(&fd, err));
	LK_TRY(ping(fd, err));
	request[2] = (uint8_t)(len + 1);
	memcpy(request + 3, question, len);
	if (!send_all(fd, request, len + 4))
		return nobody(err, "it takes no question");
	LK_TRY(wait_for_answer(fd, seconds, err));
	return receive_answer(fd, ret, err);
}
