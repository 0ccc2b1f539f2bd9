/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for provisioning: PEM, RSA keys, endorsement certificates. */
#include "sys/crypto/crypto_admin.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "core/base/bom.h"

#define CA_FILE_MAX (1024u * 1024u)

static int openssl_error(struct lk_err *err, enum lk_rc rc, const char *step)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	return lk_err_set(err, rc, (uint32_t)code, "%s: %s", step, reason ? reason : "failed");
}

/** A copy that lk_buf_done may free, with the NUL that lk_buf promises. */
static int copy_out(const void *data, size_t len, struct lk_buf *ret, struct lk_err *err)
{
	uint8_t *copy = malloc(len + 1);

	if (!copy)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	memcpy(copy, data, len);
	copy[len] = 0;
	*ret = (struct lk_buf){ copy, len };
	return LK_OK;
}

static EVP_PKEY *rsa_key(struct lk_bytes modulus)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (bld && ctx && n && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_uint(bld, OSSL_PKEY_PARAM_RSA_E, 65537) &&
	    EVP_PKEY_fromdata_init(ctx) > 0 && (params = OSSL_PARAM_BLD_to_param(bld)))
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	return key;
}

int lk_crypto_rsa_spki(struct lk_bytes modulus, struct lk_buf *ret, struct lk_err *err)
{
	EVP_PKEY *key = modulus.len <= 1024 ? rsa_key(modulus) : NULL;
	uint8_t *der = NULL;
	int len = key ? i2d_PUBKEY(key, &der) : -1;
	int rc;

	EVP_PKEY_free(key);
	if (len <= 0)
		return openssl_error(err, LK_E_SYSTEM, "RSA public key");
	rc = copy_out(der, (size_t)len, ret, err);
	OPENSSL_free(der);
	return rc;
}

int lk_crypto_pem(const char *label, struct lk_bytes der, struct lk_buf *ret, struct lk_err *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;
	int rc;

	if (!bio || der.len > LONG_MAX ||
	    PEM_write_bio(bio, label, "", der.data, (long)der.len) <= 0 ||
	    (len = BIO_get_mem_data(bio, &text)) <= 0)
		rc = openssl_error(err, LK_E_SYSTEM, "writing PEM");
	else
		rc = copy_out(text, (size_t)len, ret, err);
	BIO_free(bio);
	return rc;
}

size_t lk_crypto_der_length(struct lk_bytes data)
{
	const uint8_t *p = data.data;
	X509 *x = data.len <= LONG_MAX ? d2i_X509(NULL, &p, (long)data.len) : NULL;
	size_t len = x ? (size_t)(p - data.data) : 0;

	X509_free(x);
	ERR_clear_error();
	return len;
}

static bool same_key(X509 *x, struct lk_bytes spki)
{
	uint8_t *der = NULL;
	EVP_PKEY *key = X509_get0_pubkey(x);
	int len = key ? i2d_PUBKEY(key, &der) : -1;
	bool same = len > 0 && (size_t)len == spki.len && memcmp(der, spki.data, spki.len) == 0;

	OPENSSL_free(der);
	return same;
}

static X509_STORE *load_store(const char *ca_file, struct lk_err *err)
{
	LK_OWNED_BUF pem = LK_BUF_NONE;
	X509_STORE *store = X509_STORE_new();
	struct lk_bytes text;
	unsigned int count = 0;
	BIO *bio;
	X509 *x;

	if (!store || lk_fs_read(ca_file, CA_FILE_MAX, &pem, err) != LK_OK) {
		X509_STORE_free(store);
		return NULL;
	}
	text = lk_bom_skip((struct lk_bytes){ pem.data, pem.len });
	bio = BIO_new_mem_buf(text.data, (int)text.len);
	while (bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		count += X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (count)
		return store;
	X509_STORE_free(store);
	lk_err_set(err, LK_E_INPUT, 0, "%s: no certificate in it", ca_file);
	return NULL;
}

static int verify_chain(X509 *x, const char *ca_file, struct lk_err *err)
{
	struct lk_err why = { .rc = LK_E_SYSTEM, .msg = "out of memory" };
	X509_STORE *store = load_store(ca_file, &why);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int rc = LK_E_SYSTEM;

	if (!store || !ctx || !X509_STORE_CTX_init(ctx, store, x, NULL)) {
		rc = lk_err_set(err, why.rc, why.code, "%s", why.msg);
		goto out;
	}
	/* Vendors publish intermediates rather than roots. */
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
	/* Its subject alternative name says of which TPM it is, and is
	 * critical; nothing there decides about trust. */
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_IGNORE_CRITICAL);
	if (X509_verify_cert(ctx) == 1)
		rc = LK_OK;
	else
		rc = lk_err_set(err, LK_E_POLICY, 0, "the endorsement certificate: %s",
				X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
out:
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return rc;
}

int lk_crypto_certificate_check(struct lk_bytes cert, struct lk_bytes spki, const char *ca_file,
				struct lk_err *err)
{
	const uint8_t *p = cert.data;
	X509 *x = cert.len <= LONG_MAX ? d2i_X509(NULL, &p, (long)cert.len) : NULL;
	int rc = LK_OK;

	if (!x)
		return openssl_error(err, LK_E_INPUT, "the endorsement certificate");
	if (!same_key(x, spki))
		rc = lk_err_set(err, LK_E_POLICY, 0,
				"the endorsement certificate is another key's");
	if (rc == LK_OK && ca_file)
		rc = verify_chain(x, ca_file, err);
	X509_free(x);
	return rc;
}
