/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading a secret from the one line of a file. */
#include "sys/os/secret_line.h"

#include <errno.h>
#include <string.h>

#include "core/base/bom.h"
#include "sys/os/fs.h"

/* A byte order mark before it, and CR LF after it. */
#define AROUND_MAX 5u

static void drop_end(struct lk_secret *line)
{
	if (!line->len || line->data[line->len - 1] != '\n')
		return;
	line->len--;
	if (line->len && line->data[line->len - 1] == '\r')
		line->len--;
}

static void drop_mark(struct lk_secret *line)
{
	struct lk_bytes text = lk_bom_skip((struct lk_bytes){ line->data, line->len });

	memmove(line->data, text.data, text.len);
	line->len = text.len;
}

static int not_one_line(const char *path, size_t max, struct lk_err *err)
{
	return lk_err_set(err, LK_E_INPUT, 0, "%s: one line of 1 to %zu bytes is expected", path,
			  max);
}

int lk_secret_read_line(const char *path, size_t max, struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET line = LK_SECRET_NONE;
	const char *foreign;
	struct lk_err why = { 0 };
	int rc = lk_fs_read_secret(path, max + AROUND_MAX, &line, &why);

	if (rc == LK_E_INPUT && why.code == EFBIG)
		return not_one_line(path, max, err);
	if (rc != LK_OK)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	foreign = lk_bom_foreign((struct lk_bytes){ line.data, line.len });
	if (foreign)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"%s: it begins with the byte order mark of %s: save it as UTF-8, or plain ASCII",
			path, foreign);
	drop_end(&line);
	drop_mark(&line);
	if (line.len == 0 || line.len > max || memchr(line.data, '\n', line.len) ||
	    memchr(line.data, '\0', line.len))
		return not_one_line(path, max, err);
	*ret = lk_secret_take(&line);
	return LK_OK;
}
