/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for signing reports. */
#include "sys/crypto/crypto_jws.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/ecdsa_der.h"
#include "sys/crypto/crypto_openssl.h"

LK_OPENSSL_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

struct lk_jws_key {
	EVP_PKEY *key;
	struct lk_policy_key public;
};

void lk_jws_key_free(struct lk_jws_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

static bool take_bio(BIO *bio, struct lk_buf *ret)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	uint8_t *copy = len > 0 ? malloc((size_t)len + 1) : NULL;

	if (!copy)
		return false;
	memcpy(copy, data, (size_t)len);
	copy[len] = '\0';
	*ret = (struct lk_buf){ copy, (size_t)len };
	return true;
}

int lk_jws_key_make(struct lk_buf *ret_pem, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_PKEY) *key = EVP_EC_gen("P-256");
	LK_OWNED_OPENSSL(BIO) *bio = BIO_new(BIO_s_secmem());

	if (!key || !bio ||
	    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    !take_bio(bio, ret_pem))
		return lk_openssl_error(err, LK_E_SYSTEM, "a key for reports can't be made");
	return LK_OK;
}

int lk_jws_key_public_pem(const struct lk_jws_key *k, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(BIO) *bio = BIO_new(BIO_s_mem());

	if (!bio || PEM_write_bio_PUBKEY(bio, k->key) != 1 || !take_bio(bio, ret))
		return lk_openssl_error(err, LK_E_SYSTEM, "the public key can't be written");
	return LK_OK;
}

int lk_jws_key_read(struct lk_bytes pem, struct lk_jws_key **ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(BIO) *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	LK_OWNED_JWS_KEY k = calloc(1, sizeof(*k));
	LK_OWNED_BUF public = LK_BUF_NONE;

	if (!k || !bio)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the key of reports");
	k->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, "");
	if (!k->key)
		return lk_openssl_error(err, LK_E_INPUT, "the key of reports can't be read");
	LK_TRY(lk_jws_key_public_pem(k, &public, err));
	LK_TRY(lk_policy_key_from_pem((const char *)public.data, public.len, &k->public, err));
	*ret = k;
	k = NULL;
	return LK_OK;
}

const char *lk_jws_key_alg(const struct lk_jws_key *k)
{
	return lk_curve_size(k->public.curve) == 32 ? "ES256" : "ES384";
}

const struct lk_policy_key *lk_jws_key_public(const struct lk_jws_key *k)
{
	return &k->public;
}

int lk_jws_sign(const struct lk_jws_key *k, struct lk_bytes bytes,
		uint8_t ret[static 2 * LK_COORD_MAX], size_t *ret_len, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = lk_curve_size(k->public.curve) == 32 ? EVP_sha256() : EVP_sha384();
	uint8_t der[LK_ECDSA_DER_MAX];
	size_t len = sizeof(der);

	if (!ctx || EVP_DigestSignInit(ctx, NULL, md, NULL, k->key) != 1 ||
	    EVP_DigestSign(ctx, der, &len, bytes.data, bytes.len) != 1)
		return lk_openssl_error(err, LK_E_SYSTEM, "the report can't be signed");
	LK_TRY(lk_ecdsa_der_decode((struct lk_bytes){ der, len }, k->public.curve, ret, ret_len,
				   err));
	return LK_OK;
}
