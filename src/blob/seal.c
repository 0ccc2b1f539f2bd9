/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making a configuration blob. */
#include "blob/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob/io.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_stream.h"

/** What is being made. */
struct work {
	const struct lk_seal *seal;
	int fd;
	struct lk_blob_header header;
	struct lk_secret content_key;
	struct lk_ctr *ctr;
	struct lk_hasher *hasher;
	bool hashed_on_the_way; /* the header was known before the content */
};

static int make_ivs(struct lk_blob_header *h, struct lk_err *err)
{
	LK_OWNED_SECRET bytes = LK_SECRET_NONE;
	int rc = lk_random(&bytes, sizeof(h->wrap_iv) + sizeof(h->iv), err);

	if (rc != LK_OK)
		return rc;
	memcpy(h->wrap_iv, bytes.data, sizeof(h->wrap_iv));
	memcpy(h->iv, bytes.data + sizeof(h->wrap_iv), sizeof(h->iv));
	return LK_OK;
}

static int make_keys(struct work *w, struct lk_err *err)
{
	struct lk_blob_header *h = &w->header;
	int rc = lk_random(&w->content_key, lk_suite_key_size(h->suite), err);

	if (rc == LK_OK)
		rc = make_ivs(h, err);
	if (rc == LK_OK)
		rc = lk_crypto_cfb_encrypt(w->seal->config_key, h->wrap_iv, &w->content_key,
					   h->wrapped, err);
	if (rc == LK_OK)
		rc = lk_blob_key_check_value(&w->content_key, h->check, err);
	if (rc == LK_OK)
		rc = lk_ctr_new(&w->content_key, h->iv, &w->ctr, err);
	return rc;
}

static int make_header(struct work *w, struct lk_err *err)
{
	struct lk_blob_header *h = &w->header;
	const struct lk_policy_key *public = lk_private_key_public(w->seal->key);
	uint8_t block[16];
	int rc;

	h->suite = lk_suite_of(public->curve);
	h->sequence = w->seal->sequence;
	h->created = w->seal->created;
	memcpy(h->target, w->seal->target, sizeof(h->target));
	rc = lk_policy_key_id(public, lk_crypto_hash, h->policy_key, err);
	if (rc == LK_OK)
		rc = lk_crypto_aes_zero_block(w->seal->config_key, block, err);
	if (rc == LK_OK)
		rc = lk_config_key_id(block, lk_crypto_hash, h->config_key, err);
	if (rc == LK_OK)
		rc = lk_hasher_new(lk_curve_hash(public->curve), &w->hasher, err);
	if (rc == LK_OK)
		rc = make_keys(w, err);
	return rc;
}

static int put_header(struct work *w, struct lk_err *err)
{
	uint8_t bytes[LK_BLOB_HEADER_SIZE];
	int rc;

	lk_blob_header_write(&w->header, bytes);
	rc = lk_blob_pwrite(w->fd, bytes, sizeof(bytes), 0, err);
	if (rc == LK_OK)
		rc = lk_hasher_update(w->hasher, bytes, sizeof(bytes), err);
	return rc;
}

static int put_piece(struct work *w, uint8_t *buf, size_t len, uint64_t at, struct lk_err *err)
{
	int rc = lk_ctr_update(w->ctr, buf, len, buf, err);

	if (rc == LK_OK && w->hashed_on_the_way)
		rc = lk_hasher_update(w->hasher, buf, len, err);
	if (rc == LK_OK)
		rc = lk_blob_pwrite(w->fd, buf, len, LK_BLOB_HEADER_SIZE + at, err);
	return rc;
}

static int put_content(struct work *w, const struct lk_source *content, uint8_t *buf,
		       struct lk_err *err)
{
	uint64_t known = w->seal->plain_len;
	uint64_t at = 0;
	size_t len = 0;
	int rc;

	for (;;) {
		rc = content->read(content->ctx, buf, LK_BLOB_CHUNK, &len, err);
		if (rc != LK_OK || len == 0)
			break;
		if (len > LK_BLOB_PLAIN_MAX - at)
			return lk_err_set(err, LK_E_INPUT, 0, "more than %" PRIu64 " bytes",
					  LK_BLOB_PLAIN_MAX);
		rc = put_piece(w, buf, len, at, err);
		if (rc != LK_OK)
			break;
		at += len;
		lk_progress_tell(w->seal->progress, at, w->hashed_on_the_way ? known : 0);
	}
	if (rc == LK_OK && at == 0)
		return lk_err_set(err, LK_E_INPUT, 0, "there is nothing in it");
	if (rc == LK_OK && w->hashed_on_the_way && at != known)
		return lk_err_set(err, LK_E_INPUT, 0, "changed while it was read");
	w->header.plain_len = at;
	return rc;
}

static int hash_afterwards(struct work *w, struct lk_err *err)
{
	const struct lk_blob_pump pump = { w->fd, -1, w->hasher, LK_BLOB_HEADER_SIZE,
					   LK_BLOB_HEADER_SIZE + w->header.plain_len };
	int rc = put_header(w, err);

	if (rc == LK_OK)
		rc = lk_blob_pump(&pump, NULL, err);
	return rc;
}

static int put_signature(struct work *w, struct lk_err *err)
{
	uint64_t at = LK_BLOB_HEADER_SIZE + w->header.plain_len;
	uint8_t raw[2 * LK_COORD_MAX];
	uint8_t der[LK_ECDSA_DER_MAX];
	struct lk_digest digest;
	size_t len = 0;
	int rc = lk_hasher_final(w->hasher, &digest, err);

	if (rc == LK_OK)
		rc = lk_private_key_sign(w->seal->key, &digest, raw, &len, err);
	if (rc != LK_OK)
		return rc;
	len = lk_ecdsa_der_encode((struct lk_bytes){ raw, len }, der);
	return lk_blob_pwrite(w->fd, der, len, at, err);
}

static int make(struct work *w, const struct lk_source *content, uint8_t *buf, struct lk_err *err)
{
	int rc = make_header(w, err);

	w->hashed_on_the_way = w->seal->plain_len != UINT64_MAX;
	if (rc == LK_OK && w->hashed_on_the_way) {
		w->header.plain_len = w->seal->plain_len;
		rc = put_header(w, err);
	}
	if (rc == LK_OK)
		rc = put_content(w, content, buf, err);
	if (rc == LK_OK && !w->hashed_on_the_way)
		rc = hash_afterwards(w, err);
	if (rc == LK_OK)
		rc = put_signature(w, err);
	return rc;
}

int lk_blob_seal(const struct lk_seal *seal, const struct lk_source *content, int fd,
		 struct lk_err *err)
{
	struct work w = { .seal = seal, .fd = fd, .content_key = LK_SECRET_NONE };
	uint8_t *buf = malloc(LK_BLOB_CHUNK);
	int rc;

	if (!buf)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	if (seal->plain_len == 0)
		rc = lk_err_set(err, LK_E_INPUT, 0, "there is nothing in it");
	else
		rc = make(&w, content, buf, err);
	lk_ctr_free(w.ctr);
	lk_hasher_free(w.hasher);
	lk_secret_done(&w.content_key);
	lk_wipe(buf, LK_BLOB_CHUNK);
	free(buf);
	return rc;
}
