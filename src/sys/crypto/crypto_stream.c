/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL's hashing and AES in pieces. */
#include "sys/crypto/crypto_stream.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "sys/crypto/crypto_openssl.h"

LK_OPENSSL_CLEANUP(EVP_MD, EVP_MD_free)
LK_OPENSSL_CLEANUP(EVP_CIPHER, EVP_CIPHER_free)
LK_OPENSSL_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

#define CFB_MAX 64u

struct lk_hasher {
	EVP_MD_CTX *ctx;
};

int lk_hasher_new(enum lk_alg alg, struct lk_hasher **ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_MD) *md = EVP_MD_fetch(NULL, lk_alg_name(alg), LK_OPENSSL_SOFTWARE);
	LK_OWNED_HASHER h = calloc(1, sizeof(*h));

	if (h)
		h->ctx = EVP_MD_CTX_new();
	if (!h || !h->ctx || !md || EVP_DigestInit_ex2(h->ctx, md, NULL) != 1)
		return lk_openssl_error(err, LK_E_SYSTEM, "a hash can't be begun");
	*ret = h;
	h = NULL;
	return LK_OK;
}

int lk_hasher_update(struct lk_hasher *h, const uint8_t *data, size_t len, struct lk_err *err)
{
	if (EVP_DigestUpdate(h->ctx, data, len) == 1)
		return LK_OK;
	return lk_openssl_error(err, LK_E_SYSTEM, "hashing failed");
}

int lk_hasher_final(struct lk_hasher *h, struct lk_digest *ret, struct lk_err *err)
{
	struct lk_digest digest;
	unsigned int len = 0;

	/* LK_DIGEST_MAX is the largest of the hashes that lk_alg_name knows. */
	if (EVP_DigestFinal_ex(h->ctx, digest.data, &len) != 1)
		return lk_openssl_error(err, LK_E_SYSTEM, "hashing failed");
	digest.len = (uint16_t)len;
	*ret = digest;
	return LK_OK;
}

void lk_hasher_free(struct lk_hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

/* One AES context: @mode is "CTR", "CFB" or "ECB". */
static int cipher_new(const char *mode, const struct lk_secret *key, const uint8_t *iv,
		      bool encrypt, EVP_CIPHER_CTX **ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_CIPHER) *cipher = NULL;
	LK_OWNED_OPENSSL(EVP_CIPHER_CTX) *ctx = EVP_CIPHER_CTX_new();
	char name[16];

	if (key->len != 16 && key->len != 32)
		return lk_err_set(err, LK_E_INPUT, 0, "an AES key of %zu bytes; 16 or 32 are known",
				  key->len);
	(void)snprintf(name, sizeof(name), "AES-%zu-%s", 8 * key->len, mode);
	cipher = EVP_CIPHER_fetch(NULL, name, LK_OPENSSL_SOFTWARE);
	if (!ctx || !cipher || EVP_CipherInit_ex2(ctx, cipher, key->data, iv, encrypt, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)
		return lk_openssl_error(err, LK_E_SYSTEM, "AES can't be begun");
	*ret = ctx;
	ctx = NULL;
	return LK_OK;
}

struct lk_ctr {
	EVP_CIPHER_CTX *ctx;
};

int lk_ctr_new(const struct lk_secret *key, const uint8_t iv[static 16], struct lk_ctr **ret,
	       struct lk_err *err)
{
	LK_OWNED_CTR c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	rc = cipher_new("CTR", key, iv, true, &c->ctx, err);
	if (rc != LK_OK)
		return rc;
	*ret = c;
	c = NULL;
	return LK_OK;
}

int lk_ctr_update(struct lk_ctr *c, const uint8_t *in, size_t len, uint8_t *out, struct lk_err *err)
{
	int done = 0;

	assert(len <= INT_MAX);
	if (EVP_CipherUpdate(c->ctx, out, &done, in, (int)len) == 1 && done == (int)len)
		return LK_OK;
	return lk_openssl_error(err, LK_E_SYSTEM, "AES failed");
}

void lk_ctr_free(struct lk_ctr *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->ctx);
	free(c);
}

static int one_go(EVP_CIPHER_CTX *ctx, struct lk_bytes in, uint8_t *out, struct lk_err *err)
{
	int done = 0;

	if (EVP_CipherUpdate(ctx, out, &done, in.data, (int)in.len) == 1 && done == (int)in.len)
		return LK_OK;
	return lk_openssl_error(err, LK_E_SYSTEM, "AES failed");
}

int lk_crypto_cfb_encrypt(const struct lk_secret *key, const uint8_t iv[static 16],
			  const struct lk_secret *in, uint8_t *out, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_CIPHER_CTX) *ctx = NULL;
	int rc = cipher_new("CFB", key, iv, true, &ctx, err);

	assert(in->len <= CFB_MAX);
	if (rc == LK_OK)
		rc = one_go(ctx, (struct lk_bytes){ in->data, in->len }, out, err);
	return rc;
}

int lk_crypto_cfb_decrypt(const struct lk_secret *key, const uint8_t iv[static 16],
			  struct lk_bytes in, struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_CIPHER_CTX) *ctx = NULL;
	LK_OWNED_SECRET out = LK_SECRET_NONE;
	int rc = cipher_new("CFB", key, iv, false, &ctx, err);

	assert(in.len <= CFB_MAX);
	if (rc == LK_OK)
		rc = lk_secret_init(&out, in.len, err);
	if (rc == LK_OK)
		rc = one_go(ctx, in, out.data, err);
	if (rc != LK_OK)
		return rc;
	out.len = in.len;
	*ret = lk_secret_take(&out);
	return LK_OK;
}

int lk_crypto_aes_zero_block(const struct lk_secret *key, uint8_t ret[static 16],
			     struct lk_err *err)
{
	static const uint8_t zeros[16];
	LK_OWNED_OPENSSL(EVP_CIPHER_CTX) *ctx = NULL;
	int rc = cipher_new("ECB", key, NULL, true, &ctx, err);

	if (rc == LK_OK)
		rc = one_go(ctx, (struct lk_bytes){ zeros, sizeof(zeros) }, ret, err);
	return rc;
}
