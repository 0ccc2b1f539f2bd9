/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns systemd's password agent protocol, from the side of who asks. */
#include "sys/ask/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "sys/os/console.h"
#include "sys/crypto/crypto.h"
#include "sys/os/fs.h"
#include "sys/ask/plymouth.h"

#define DIR	   "/run/systemd/ask-password"
#define AGENT	   "/usr/bin/systemd-tty-ask-password-agent"
#define ANSWER_MAX 513u /* '+' and the line */

/** A question that lies there, and the socket that is answered on. */
struct question {
	int fd;
	char file[64];
	char socket[64];
};

static void question_done(struct question *q)
{
	lk_fd_closep(&q->fd);
	if (q->file[0])
		(void)unlink(q->file);
	if (q->socket[0])
		(void)unlink(q->socket);
}
#define OWNED_QUESTION __attribute__((cleanup(question_done))) struct question

static int failed(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "asking through " DIR ": %s: %s", what,
			  strerror(errno));
}

/* Whoever answers is root: agents send their own credentials. */
static int open_socket(struct question *q, const char *name, struct lk_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const int on = 1;
	char path[sizeof(q->socket)];

	(void)snprintf(path, sizeof(path), DIR "/sck.%s", name);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	q->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (q->fd < 0)
		return failed(err, "socket");
	if (bind(q->fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		return failed(err, addr.sun_path);
	memcpy(q->socket, path, sizeof(path));
	if (chmod(addr.sun_path, 0600) != 0 ||
	    setsockopt(q->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
		return failed(err, addr.sun_path);
	return LK_OK;
}

/* Agents take up what is renamed to "ask.*". */
static int put_question(struct question *q, const char *name, const char *text, const char *id,
			struct lk_err *err)
{
	char file[1024];
	int n = snprintf(file, sizeof(file),
			 "[Ask]\nPID=%ld\nSocket=%s\nAcceptCached=0\nEcho=0\n"
			 "NotAfter=0\nMessage=%s\nIcon=drive-harddisk\n"
			 "Id=latchkey:%s\n",
			 (long)getpid(), q->socket, text, id);

	if (n < 0 || (size_t)n >= sizeof(file))
		return lk_err_set(err, LK_E_SYSTEM, 0, "the question is too long");
	(void)snprintf(q->file, sizeof(q->file), DIR "/ask.%s", name);
	return lk_fs_replace(q->file, file, (size_t)n, 0644, err);
}

static bool is_from_root(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct ucred cred;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
	    c->cmsg_len != CMSG_LEN(sizeof(cred)))
		return false;
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	return cred.uid == 0;
}

/* Into @line; false for what is no answer. */
static bool receive(int fd, struct lk_secret *line, ssize_t *ret_len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { line->data, ANSWER_MAX };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	*ret_len = recvmsg(fd, &msg, MSG_TRUNC | MSG_CMSG_CLOEXEC);
	if (*ret_len < 0)
		return errno != EINTR && errno != EAGAIN;
	return *ret_len > 0 && is_from_root(&msg) && (line->data[0] == '+' || line->data[0] == '-');
}

static int wait_for_answer(int fd, unsigned int seconds, struct lk_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, seconds ? (int)seconds * 1000 : -1);
	while (n < 0 && errno == EINTR);
	return n ? LK_OK
		 : lk_err_set(err, LK_E_IO, 0, "nobody has typed it in %u seconds", seconds);
}

static int answer(const struct question *q, unsigned int seconds, struct lk_secret *ret,
		  struct lk_err *err)
{
	LK_OWNED_SECRET line = LK_SECRET_NONE;
	ssize_t n;

	LK_TRY(lk_secret_init(&line, ANSWER_MAX, err));
	LK_TRY(wait_for_answer(q->fd, seconds, err));
	while (!receive(q->fd, &line, &n))
		;
	if (n < 0)
		return failed(err, "receiving");
	if (line.data[0] == '-')
		return lk_err_set(err, LK_E_IO, 0, "nobody typed it");
	if ((size_t)n > ANSWER_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "more than %u characters", ANSWER_MAX - 1);
	/* Some agents send the end of the string too. */
	line.len = strnlen((const char *)line.data + 1, (size_t)n - 1);
	return lk_secret_from(ret, line.data + 1, line.len, err);
}

static int ask_agents(const char *text, const char *id, unsigned int seconds, struct lk_secret *ret,
		      struct lk_err *err)
{
	OWNED_QUESTION q = { .fd = -1 };
	uint8_t random[8];
	char name[17];

	if (!lk_crypto_random(random, sizeof(random)))
		return lk_err_set(err, LK_E_SYSTEM, 0, "the random generator gives nothing");
	lk_hex_encode(random, sizeof(random), name);
	(void)mkdir(DIR, 0755);
	LK_TRY(open_socket(&q, name, err));
	LK_TRY(put_question(&q, name, text, id, err));
	return answer(&q, seconds, ret, err);
}

int lk_ask_screen(const char *question, unsigned int seconds, struct lk_secret *ret,
		  struct lk_err *err)
{
	char prompt[256];
	int rc = lk_plymouth_ask(question, seconds, ret, err);

	if (rc != LK_E_SYSTEM)
		return rc;
	(void)snprintf(prompt, sizeof(prompt), "%s ", question);
	return lk_console_ask(prompt, seconds, ret, err);
}

int lk_ask(const char *question, const char *id, unsigned int seconds, struct lk_secret *ret,
	   struct lk_err *err)
{
	if (access("/run/systemd/system", F_OK) == 0 && access(AGENT, X_OK) == 0)
		return ask_agents(question, id, seconds, ret, err);
	return lk_ask_screen(question, seconds, ret, err);
}
