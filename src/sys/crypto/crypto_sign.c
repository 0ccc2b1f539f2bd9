/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for private keys: making, encoding, signing. */
#include "sys/crypto/crypto_sign.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "core/policy/ecdsa_der.h"
#include "sys/crypto/crypto_key.h"
#include "sys/crypto/crypto_openssl.h"

LK_OPENSSL_CLEANUP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
LK_OPENSSL_CLEANUP(X509_SIG, X509_SIG_free)

/** OWASP's figure for PBKDF2 with HMAC-SHA-256; half a second at most. */
#define PBKDF2_ITERATIONS 600000

void lk_private_key_free(struct lk_private_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

/* By way of its DER, so that what we sign with obeys the rules that a policy
 * file's key obeys: a named curve of ours, an uncompressed point. */
static int read_public(EVP_PKEY *pkey, struct lk_policy_key *ret, struct lk_err *err)
{
	uint8_t *der = NULL;
	int len, rc;

	/* A key file may ask for compressed points; not every provider knows
	 * the parameter, and those that don't write uncompressed ones. */
	(void)EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
					     OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED);
	ERR_clear_error();
	len = i2d_PUBKEY(pkey, &der);
	if (len <= 0)
		return lk_openssl_error(err, LK_E_INPUT,
					"no public half comes with the private key");
	rc = lk_policy_key_from_spki(der, (size_t)len, ret, err);
	OPENSSL_free(der);
	return rc;
}

int lk_private_key_adopt(EVP_PKEY **pkey, struct lk_private_key **ret, struct lk_err *err)
{
	struct lk_policy_key public;
	struct lk_private_key *key;
	int rc = read_public(*pkey, &public, err);

	if (rc != LK_OK)
		return rc;
	key = calloc(1, sizeof(*key));
	if (!key)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	*key = (struct lk_private_key){ *pkey, public };
	*pkey = NULL;
	*ret = key;
	return LK_OK;
}

const struct lk_policy_key *lk_private_key_public(const struct lk_private_key *key)
{
	return &key->public;
}

int lk_private_key_generate(enum lk_curve curve, struct lk_private_key **ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_PKEY) *pkey = NULL;

	pkey = EVP_PKEY_Q_keygen(NULL, LK_OPENSSL_SOFTWARE, "EC",
				 curve == LK_CURVE_P384 ? "P-384" : "P-256");
	if (!pkey)
		return lk_openssl_error(err, LK_E_SYSTEM, "no key was made");
	return lk_private_key_adopt(&pkey, ret, err);
}

/* Keys pass through: the BIO's own memory is wiped, not only released. */
static int bio_take_secret(BIO *bio, struct lk_secret *ret, struct lk_err *err)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	int rc;

	if (len <= 0)
		return lk_err_set(err, LK_E_SYSTEM, 0, "nothing was encoded");
	rc = lk_secret_from(ret, data, (size_t)len, err);
	OPENSSL_cleanse(data, (size_t)len);
	return rc;
}

static bool write_encrypted(BIO *bio, PKCS8_PRIV_KEY_INFO *p8, const struct lk_secret *passphrase)
{
	LK_OWNED_OPENSSL(X509_SIG) *sig = NULL;
	X509_ALGOR *pbe = NULL;

	pbe = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ITERATIONS, NULL, 0, NULL,
				NID_hmacWithSHA256);
	if (!pbe)
		return false;
	sig = PKCS8_set0_pbe((const char *)passphrase->data, (int)passphrase->len, p8, pbe);
	if (!sig) {
		X509_ALGOR_free(pbe);
		return false;
	}
	return PEM_write_bio_PKCS8(bio, sig) == 1;
}

int lk_private_key_to_pem(const struct lk_private_key *key, const struct lk_secret *passphrase,
			  struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(PKCS8_PRIV_KEY_INFO) *p8 = NULL;
	LK_OWNED_OPENSSL(BIO) *bio = BIO_new(BIO_s_mem());
	bool done;

	p8 = EVP_PKEY2PKCS8(key->pkey);
	if (!bio || !p8)
		return lk_openssl_error(err, LK_E_SYSTEM, "the private key can't be encoded");
	done = passphrase ? write_encrypted(bio, p8, passphrase)
			  : PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, p8) == 1;
	if (!done)
		return lk_openssl_error(err, LK_E_SYSTEM, "the private key can't be encoded");
	return bio_take_secret(bio, ret, err);
}

/* Where the key is, there it signs. Left to choose, OpenSSL takes the first
 * provider that knows ECDSA, and to that a token hands its public half alone. */
static EVP_PKEY_CTX *context_of(EVP_PKEY *pkey)
{
	const OSSL_PROVIDER *provider = EVP_PKEY_get0_provider(pkey);
	char query[128];

	if (!provider)
		return EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	(void)snprintf(query, sizeof(query), "?provider=%s", OSSL_PROVIDER_get0_name(provider));
	return EVP_PKEY_CTX_new_from_pkey(NULL, pkey, query);
}

int lk_private_key_sign(const struct lk_private_key *key, const struct lk_digest *digest,
			uint8_t ret[static 2 * LK_COORD_MAX], size_t *ret_len, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_PKEY_CTX) *ctx = NULL;
	uint8_t der[2 * LK_ECDSA_DER_MAX]; /* an HSM may pad; checked after */
	size_t der_len = sizeof(der);
	enum lk_curve curve = key->public.curve;
	const EVP_MD *md;

	assert(digest->len == lk_alg_size(lk_curve_hash(curve)));
	ctx = context_of(key->pkey);
	/* A token has to be told of which hash the digest is. */
	md = curve == LK_CURVE_P384 ? EVP_sha384() : EVP_sha256();
	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, md) != 1 ||
	    EVP_PKEY_sign(ctx, der, &der_len, digest->data, digest->len) != 1)
		return lk_openssl_error(err, LK_E_SYSTEM, "the private key doesn't sign");
	return lk_ecdsa_der_decode((struct lk_bytes){ der, der_len }, curve, ret, ret_len, err);
}

int lk_policy_key_to_pem(const struct lk_policy_key *key, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(BIO) *bio = BIO_new(BIO_s_mem());
	uint8_t der[LK_SPKI_MAX];
	size_t len = lk_policy_key_to_spki(key, der);

	if (!bio || PEM_write_bio(bio, PEM_STRING_PUBLIC, "", der, (long)len) <= 0)
		return lk_openssl_error(err, LK_E_SYSTEM, "the public key can't be encoded");
	return lk_bio_to_buf(bio, ret, err);
}

int lk_bio_to_buf(BIO *bio, struct lk_buf *ret, struct lk_err *err)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	uint8_t *copy = len >= 0 ? malloc((size_t)len + 1) : NULL;

	if (!copy)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	memcpy(copy, data, (size_t)len);
	copy[len] = '\0';
	*ret = (struct lk_buf){ copy, (size_t)len };
	return LK_OK;
}

/* The kernel's own generator and not RAND_bytes: no generator state that
 * predicts the next secret stays behind in this process. */
int lk_random(struct lk_secret *ret, size_t len, struct lk_err *err)
{
	LK_OWNED_SECRET secret = LK_SECRET_NONE;
	int rc;

	assert(len > 0 && len <= 256); /* getrandom(2): never cut short */
	rc = lk_secret_init(&secret, len, err);
	if (rc != LK_OK)
		return rc;
	if (getrandom(secret.data, len, 0) != (ssize_t)len)
		return lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno, "getrandom: %s",
				  strerror(errno));
	secret.len = len;
	*ret = lk_secret_take(&secret);
	return LK_OK;
}
