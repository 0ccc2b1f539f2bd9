/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns verifying a blob, and decrypting what was verified. */
#include "blob/blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob/io.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_stream.h"
#include "sys/os/fs.h"

struct lk_verified_blob {
	int fd;
	struct lk_blob_header header;
	struct lk_digest digest;
};

void lk_verified_blob_free(struct lk_verified_blob *blob)
{
	if (!blob)
		return;
	if (blob->fd >= 0)
		close(blob->fd);
	free(blob);
}

const struct lk_blob_header *lk_verified_blob_header(const struct lk_verified_blob *blob)
{
	return &blob->header;
}

const struct lk_digest *lk_verified_blob_digest(const struct lk_verified_blob *blob)
{
	return &blob->digest;
}

/** A file of which nothing is believed but its size and its first bytes. */
struct candidate {
	int fd;
	uint64_t size;
	uint8_t start[LK_BLOB_HEADER_SIZE];
	struct lk_blob_header header;
};

static int look(int fd, struct candidate *ret, struct lk_err *err)
{
	struct candidate c = { .fd = fd };
	struct stat st;
	size_t len = LK_BLOB_HEADER_SIZE;
	int rc;

	if (fstat(fd, &st) != 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return lk_err_set(err, LK_E_INPUT, 0, "not a regular file");
	c.size = (uint64_t)st.st_size;
	if (c.size < len)
		len = (size_t)c.size;
	rc = lk_blob_pread(fd, c.start, len, 0, err);
	if (rc == LK_OK)
		rc = lk_blob_header_read(c.start, len, &c.header, err);
	if (rc == LK_OK)
		rc = lk_blob_check_size(&c.header, c.size, err);
	if (rc == LK_OK)
		*ret = c;
	return rc;
}

int lk_blob_peek(int fd, struct lk_blob_header *ret, uint64_t *ret_size, struct lk_err *err)
{
	struct candidate c = { .fd = -1 };
	int rc = look(fd, &c, err);

	if (rc != LK_OK)
		return rc;
	*ret = c.header;
	*ret_size = c.size;
	return LK_OK;
}

/* Not the decision, which is the signature's: it says why that would fail. */
static int check_key(const struct lk_blob_header *header, const struct lk_policy_key *key,
		     struct lk_err *err)
{
	uint8_t id[LK_BLOB_ID_SIZE];
	char theirs[17], ours[17];
	int rc;

	if (lk_suite_curve(header->suite) != key->curve)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "offset 10: signed by a key on curve %s; the policy key is on %s",
				  lk_curve_name(lk_suite_curve(header->suite)),
				  lk_curve_name(key->curve));
	rc = lk_policy_key_id(key, lk_crypto_hash, id, err);
	if (rc != LK_OK)
		return rc;
	if (memcmp(id, header->policy_key, sizeof(id)) == 0)
		return LK_OK;
	lk_hex_encode(header->policy_key, 8, theirs);
	lk_hex_encode(id, 8, ours);
	return lk_err_set(err, LK_E_POLICY, 0,
			  "offset 72: signed by another policy key (ID %s...; expected %s...)",
			  theirs, ours);
}

/* @start is what was parsed and nothing that was read since. */
static int digest_of(const struct candidate *c, int copy, const struct lk_progress *progress,
		     struct lk_digest *ret, struct lk_err *err)
{
	LK_OWNED_HASHER hasher = NULL;
	struct lk_blob_pump pump = { c->fd, copy, NULL, LK_BLOB_HEADER_SIZE,
				     LK_BLOB_HEADER_SIZE + c->header.plain_len };
	int rc = lk_hasher_new(lk_curve_hash(lk_suite_curve(c->header.suite)), &hasher, err);

	pump.hasher = hasher;
	if (rc == LK_OK && copy >= 0)
		rc = lk_blob_pwrite(copy, c->start, LK_BLOB_HEADER_SIZE, 0, err);
	if (rc == LK_OK)
		rc = lk_hasher_update(hasher, c->start, LK_BLOB_HEADER_SIZE, err);
	if (rc == LK_OK)
		rc = lk_blob_pump(&pump, progress, err);
	if (rc == LK_OK)
		rc = lk_hasher_final(hasher, ret, err);
	return rc;
}

static int check_signature(const struct candidate *c, int copy, const struct lk_policy_key *key,
			   const struct lk_digest *digest, struct lk_err *err)
{
	uint64_t at = LK_BLOB_HEADER_SIZE + c->header.plain_len;
	uint8_t der[LK_ECDSA_DER_MAX];
	uint8_t raw[2 * LK_COORD_MAX];
	size_t raw_len = 0;
	/* lk_blob_check_size has bounded it. */
	struct lk_bytes bytes = { der, (size_t)(c->size - at) };
	int rc = lk_blob_pread(c->fd, der, bytes.len, at, err);

	if (rc == LK_OK && copy >= 0)
		rc = lk_blob_pwrite(copy, der, bytes.len, at, err);
	if (rc == LK_OK)
		rc = lk_ecdsa_der_decode(bytes, key->curve, raw, &raw_len, err);
	if (rc == LK_OK)
		rc = lk_crypto_verify(key, digest, (struct lk_bytes){ raw, raw_len }, err);
	return rc;
}

/* @copy: where its bytes go as well, and what the result then holds; or -1. */
static int verify(const struct candidate *c, int copy, const struct lk_policy_key *key,
		  const struct lk_progress *progress, struct lk_verified_blob *blob,
		  struct lk_err *err)
{
	int rc = check_key(&c->header, key, err);

	if (rc == LK_OK)
		rc = digest_of(c, copy, progress, &blob->digest, err);
	if (rc == LK_OK)
		rc = check_signature(c, copy, key, &blob->digest, err);
	if (rc == LK_OK)
		blob->header = c->header;
	return rc;
}

static int blob_new(int fd, struct lk_verified_blob **ret, struct lk_err *err)
{
	*ret = calloc(1, sizeof(**ret));
	if (*ret) {
		(*ret)->fd = fd;
		return LK_OK;
	}
	close(fd);
	return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
}

int lk_blob_verify(int fd, const struct lk_policy_key *key, const struct lk_progress *progress,
		   struct lk_verified_blob **ret, struct lk_err *err)
{
	LK_OWNED_VERIFIED_BLOB blob = NULL;
	struct candidate c = { .fd = -1 };
	int rc = blob_new(fd, &blob, err);

	if (rc == LK_OK)
		rc = look(fd, &c, err);
	if (rc == LK_OK)
		rc = verify(&c, -1, key, progress, blob, err);
	if (rc != LK_OK)
		return rc;
	*ret = blob;
	blob = NULL;
	return LK_OK;
}

int lk_blob_copy_verify(const struct lk_blob_copy *copy, const struct lk_policy_key *key,
			const struct lk_progress *progress, struct lk_verified_blob **ret,
			struct lk_err *err)
{
	LK_OWNED_VERIFIED_BLOB blob = NULL;
	struct candidate c = { .fd = -1 };
	int rc = blob_new(copy->copy, &blob, err);

	if (rc == LK_OK)
		rc = look(copy->from, &c, err);
	if (rc == LK_OK && c.size > copy->max)
		rc = lk_err_set(err, LK_E_INPUT, 0,
				"%llu bytes; at most %llu are allowed (max-blob)",
				(unsigned long long)c.size, (unsigned long long)copy->max);
	if (rc == LK_OK)
		rc = verify(&c, copy->copy, key, progress, blob, err);
	if (rc != LK_OK)
		return rc;
	*ret = blob;
	blob = NULL;
	return LK_OK;
}

int lk_blob_content_key_check(const struct lk_blob_header *header,
			      const struct lk_secret *content_key, struct lk_err *err)
{
	uint8_t check[LK_BLOB_CHECK_SIZE];
	int rc = lk_blob_key_check_value(content_key, check, err);

	if (rc != LK_OK)
		return rc;
	if (lk_secret_equal(check, header->check, sizeof(check)))
		return LK_OK;
	return lk_err_set(err, LK_E_POLICY, 0, "encrypted to another configuration key");
}

int lk_blob_unwrap(const struct lk_verified_blob *blob, const struct lk_secret *config_key,
		   struct lk_secret *ret, struct lk_err *err)
{
	const struct lk_blob_header *h = &blob->header;
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	int rc = lk_crypto_cfb_decrypt(config_key, h->wrap_iv,
				       (struct lk_bytes){ h->wrapped, lk_suite_key_size(h->suite) },
				       &key, err);

	if (rc == LK_OK)
		rc = lk_blob_content_key_check(h, &key, err);
	if (rc == LK_OK)
		*ret = lk_secret_take(&key);
	return rc;
}

struct lk_blob_content {
	int fd; /* the blob's */
	struct lk_ctr *ctr;
	const struct lk_progress *progress;
	uint64_t at;
	uint64_t end;
};

int lk_blob_content_open(const struct lk_verified_blob *blob, const struct lk_secret *content_key,
			 const struct lk_progress *progress, struct lk_blob_content **ret,
			 struct lk_err *err)
{
	LK_OWNED_BLOB_CONTENT c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	c->fd = blob->fd;
	c->progress = progress;
	c->at = LK_BLOB_HEADER_SIZE;
	c->end = LK_BLOB_HEADER_SIZE + blob->header.plain_len;
	rc = lk_ctr_new(content_key, blob->header.iv, &c->ctr, err);
	if (rc != LK_OK)
		return rc;
	*ret = c;
	c = NULL;
	return LK_OK;
}

static int content_read(void *ctx, uint8_t *buf, size_t cap, size_t *ret_len, struct lk_err *err)
{
	struct lk_blob_content *c = ctx;
	uint64_t left = c->end - c->at;
	size_t len = left < cap ? (size_t)left : cap;
	int rc;

	if (len > LK_BLOB_CHUNK)
		len = LK_BLOB_CHUNK;
	rc = lk_blob_pread(c->fd, buf, len, c->at, err);
	if (rc == LK_OK && len)
		rc = lk_ctr_update(c->ctr, buf, len, buf, err);
	if (rc != LK_OK)
		return rc;
	c->at += len;
	lk_progress_tell(c->progress, c->at - LK_BLOB_HEADER_SIZE, c->end - LK_BLOB_HEADER_SIZE);
	*ret_len = len;
	return LK_OK;
}

struct lk_source lk_blob_content_source(struct lk_blob_content *content)
{
	return (struct lk_source){ content_read, content };
}

void lk_blob_content_free(struct lk_blob_content *content)
{
	if (!content)
		return;
	lk_ctr_free(content->ctr);
	free(content);
}
