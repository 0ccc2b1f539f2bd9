/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading whole files, of which no more is taken than is allowed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/log.h"

ssize_t lk_fs_read_full(int fd, uint8_t *data, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, data + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/** What may be read: not larger than @cap; of @regular a file alone, whose opening
 * waits for nobody, else a pipe as well. */
struct reading {
	const char *path;
	size_t cap;
	bool regular;
};

static int open_to_read(const struct reading *r, int *ret, struct lk_err *err)
{
	const char *path = r->path;
	size_t cap = r->cap;
	struct stat st;

	if (!r->regular && strcmp(path, "-") == 0)
		*ret = dup(STDIN_FILENO);
	else
		*ret = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*ret < 0)
		return lk_fs_failed(err, LK_E_INPUT, path, "can't open");
	if (fstat(*ret, &st) != 0 || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode) ||
	    (r->regular && !S_ISREG(st.st_mode)))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: not a file", path);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > cap)
		return lk_err_set(err, LK_E_INPUT, EFBIG,
				  "%s: 1:1: %llu bytes, at most %zu are allowed", path,
				  (unsigned long long)st.st_size, cap);
	return S_ISREG(st.st_mode) || r->regular || strcmp(path, "-") == 0
		       ? LK_OK
		       : lk_fs_wait_for_writer(*ret, path, err);
}

static int too_large(const struct reading *r, struct lk_err *err)
{
	return lk_err_set(err, LK_E_INPUT, EFBIG, "%s: 1:1: more than the %zu bytes allowed",
			  r->path, r->cap);
}

/* A byte more than is allowed tells that there is more. */
static int read_secret(const struct reading *r, struct lk_secret *secret, struct lk_err *err)
{
	LK_OWNED_FD fd = -1;
	ssize_t n;

	LK_TRY(lk_secret_init(secret, r->cap + 1, err));
	LK_TRY(open_to_read(r, &fd, err));
	n = lk_fs_read_full(fd, secret->data, r->cap + 1);
	if (n < 0)
		return lk_fs_failed(err, LK_E_IO, r->path, "can't read");
	if ((size_t)n > r->cap)
		return too_large(r, err);
	secret->len = (size_t)n;
	return LK_OK;
}

int lk_fs_read_secret(const char *path, size_t cap, struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET secret = LK_SECRET_NONE;
	int rc = read_secret(&(struct reading){ path, cap, false }, &secret, err);

	if (rc == LK_OK)
		*ret = lk_secret_take(&secret);
	/* Not even how long it is. */
	lk_log(LK_LOG_DEBUG, "%s: %s", path,
	       rc == LK_OK ? "read into locked memory" : "a secret can't be read there");
	return rc;
}

/* What isn't a regular file, and what /proc has, says no size. */
static size_t expected_size(int fd, size_t cap)
{
	struct stat st;
	size_t size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0
			      ? (size_t)st.st_size
			      : 4095;

	return size < cap ? size : cap;
}

/* No more memory than the file takes: each page of it would be wiped. There is a byte
 * more than is expected, which tells whether there is more, or holds the NUL. */
static int read_growing(const struct reading *r, int fd, struct lk_buf *buf, struct lk_err *err)
{
	size_t room = expected_size(fd, r->cap) + 1;

	for (;; room = room > r->cap / 2 ? r->cap + 1 : 2 * room) {
		LK_OWNED_BUF more = { malloc(room), room };
		ssize_t n;

		if (!more.data)
			return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
		if (buf->len)
			memcpy(more.data, buf->data, buf->len);
		/* Its length is the whole room until then: what a failing read left is wiped too. */
		n = lk_fs_read_full(fd, more.data + buf->len, room - buf->len);
		if (n < 0)
			return lk_fs_failed(err, LK_E_IO, r->path, "can't read");
		more.len = buf->len + (size_t)n;
		lk_buf_done(buf);
		*buf = more;
		more = LK_BUF_NONE;
		if (buf->len < room)
			return LK_OK;
		if (room > r->cap)
			return too_large(r, err);
	}
}

static int read_to_buffer(const struct reading *r, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_BUF buf = LK_BUF_NONE;
	LK_OWNED_FD fd = -1;
	int rc = open_to_read(r, &fd, err);

	if (rc == LK_OK)
		rc = read_growing(r, fd, &buf, err);
	if (rc != LK_OK) {
		lk_log(LK_LOG_DEBUG, "%s: can't be read, or isn't there", r->path);
		return rc;
	}
	lk_log(LK_LOG_DEBUG, "%s: %zu bytes read", r->path, buf.len);
	buf.data[buf.len] = '\0';
	*ret = buf;
	buf = LK_BUF_NONE;
	return LK_OK;
}

int lk_fs_read(const char *path, size_t cap, struct lk_buf *ret, struct lk_err *err)
{
	return read_to_buffer(&(struct reading){ path, cap, false }, ret, err);
}

int lk_fs_read_regular(const char *path, size_t cap, struct lk_buf *ret, struct lk_err *err)
{
	return read_to_buffer(&(struct reading){ path, cap, true }, ret, err);
}
