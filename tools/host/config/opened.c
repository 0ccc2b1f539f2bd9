/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns opening blobs by their file names. */
#include "config/opened.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key/keys.h"
#include "outfile.h"
#include "sys/os/progress.h"

#define PIECE (256u * 1024u)

static int open_file(const char *path, int *ret, struct lk_err *err)
{
	if (!strcmp(path, "-"))
		return lk_err_set(err, LK_E_USAGE, 0,
				  "-: standard input won't do; a blob has to be a file");
	*ret = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret >= 0)
		return LK_OK;
	return lk_err_set(err, LK_E_INPUT, (uint32_t)errno, "%s: can't open: %s", path,
			  strerror(errno));
}

static int named(const char *path, int rc, struct lk_err *err)
{
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_peek(const char *path, struct lk_peeked *ret, struct lk_err *err)
{
	LK_OWNED_FD fd = -1;
	int rc = open_file(path, &fd, err);

	if (rc != LK_OK)
		return rc;
	return named(path, lk_blob_peek(fd, &ret->header, &ret->size, err), err);
}

/* Root can write to everything, and needs no such way. */
static bool others_can_write(int fd)
{
	struct stat st;

	return fstat(fd, &st) != 0 || st.st_mode & 022 ||
	       (st.st_uid != geteuid() && st.st_uid != 0);
}

static int copy_and_verify(int from, const struct lk_policy_key *key,
			   const struct lk_progress *progress, struct lk_verified_blob **ret,
			   struct lk_err *err)
{
	struct lk_blob_copy copy = { .from = from, .max = LK_BLOB_SIZE_MAX };
	int rc = lk_nameless_file(&copy.copy, err);

	return rc == LK_OK ? lk_blob_copy_verify(&copy, key, progress, ret, err) : rc;
}

static int verify(const char *path, const char *key_path, bool is_read_again,
		  struct lk_verified_blob **ret, struct lk_err *err)
{
	LK_OWNED_FD fd = -1;
	LK_OWNED_PROGRESS meter;
	struct lk_policy_key key;
	int rc;

	lk_progress_begin(&meter, "verifying");
	rc = lk_load_policy_key(key_path, &key, err);
	if (rc == LK_OK)
		rc = open_file(path, &fd, err);
	if (rc != LK_OK)
		return rc;
	if (is_read_again && others_can_write(fd)) {
		rc = copy_and_verify(fd, &key, &meter.progress, ret, err);
	} else {
		rc = lk_blob_verify(fd, &key, &meter.progress, ret, err);
		fd = -1; /* the result's */
	}
	return named(path, rc, err);
}

int lk_verify(const char *path, const char *key, struct lk_verified_blob **ret, struct lk_err *err)
{
	return verify(path, key, false, ret, err);
}

void lk_opened_done(struct lk_opened *o)
{
	lk_verified_blob_free(o->blob);
	lk_secret_done(&o->content_key);
	*o = LK_OPENED_NONE;
}

int lk_opened_init(const char *path, const struct lk_opening_keys *keys, struct lk_opened *ret,
		   struct lk_err *err)
{
	LK_OWNED_OPENED o = { .path = path };
	LK_OWNED_SECRET config_key = LK_SECRET_NONE;
	int rc = lk_load_config_key(keys->config_key, &config_key, err);

	if (rc == LK_OK)
		rc = verify(path, keys->policy_key, true, &o.blob, err);
	if (rc != LK_OK)
		return rc;
	rc = lk_blob_unwrap(o.blob, &config_key, &o.content_key, err);
	if (rc != LK_OK)
		return named(path, rc, err);
	o.plain_len = lk_verified_blob_header(o.blob)->plain_len;
	*ret = o;
	o = LK_OPENED_NONE;
	return LK_OK;
}

int lk_opened_walk(const struct lk_opened *o, const char *doing,
		   const struct lk_content_visitor *visitor, struct lk_err *err)
{
	LK_OWNED_BLOB_CONTENT content = NULL;
	LK_OWNED_PROGRESS meter;
	struct lk_source from;
	int rc;

	lk_progress_begin(&meter, doing);
	rc = lk_blob_content_open(o->blob, &o->content_key, &meter.progress, &content, err);
	if (rc == LK_OK) {
		from = lk_blob_content_source(content);
		rc = lk_content_walk(&from, o->plain_len, visitor, err);
	}
	return named(o->path, rc, err);
}

static int pump(const struct lk_source *from, const struct lk_sink *to, uint8_t *buf,
		struct lk_err *err)
{
	size_t len = 1;
	int rc = LK_OK;

	while (rc == LK_OK && len) {
		rc = from->read(from->ctx, buf, PIECE, &len, err);
		if (rc == LK_OK && len)
			rc = to->write(to->ctx, buf, len, err);
	}
	return rc;
}

int lk_opened_copy(const struct lk_opened *o, const struct lk_sink *to, struct lk_err *err)
{
	LK_OWNED_BLOB_CONTENT content = NULL;
	LK_OWNED_PROGRESS meter;
	struct lk_source from;
	uint8_t *buf = malloc(PIECE);
	int rc;

	lk_progress_begin(&meter, "decrypting");
	if (buf)
		rc = lk_blob_content_open(o->blob, &o->content_key, &meter.progress, &content, err);
	else
		rc = lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	if (rc == LK_OK) {
		from = lk_blob_content_source(content);
		rc = pump(&from, to, buf, err);
	}
	lk_wipe(buf, PIECE);
	free(buf);
	return rc;
}
