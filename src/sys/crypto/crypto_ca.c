/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for certificates of a server that has none. */
#include "sys/crypto/crypto_ca.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/crypto/crypto_openssl.h"

LK_OPENSSL_CLEANUP(X509, X509_free)

#define DAY	   86400L
#define CA_DAYS	   3652
#define ISSUE_DAYS 730

void lk_certified_done(struct lk_certified *c)
{
	if (c->key.data)
		OPENSSL_cleanse(c->key.data, c->key.len);
	lk_buf_done(&c->key);
	lk_buf_done(&c->certificate);
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool added;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	added = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return added;
}

/* A number that nobody has used, in 16 bytes. */
static bool set_serial(X509 *cert)
{
	uint8_t bytes[16];
	BIGNUM *n;
	bool set;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	set = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return set;
}

static X509 *begin_certificate(EVP_PKEY *key, const char *name, int days)
{
	X509 *cert = X509_new();
	X509_NAME *subject;

	if (!cert)
		return NULL;
	subject = X509_get_subject_name(cert);
	if (X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1,
				       0) == 1 &&
	    X509_set_pubkey(cert, key) == 1)
		return cert;
	X509_free(cert);
	return NULL;
}

static bool take_bio(BIO *bio, struct lk_buf *ret)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	ret->data = len > 0 ? malloc((size_t)len + 1) : NULL;
	if (!ret->data)
		return false;
	memcpy(ret->data, data, (size_t)len);
	ret->data[len] = '\0';
	ret->len = (size_t)len;
	return true;
}

static bool write_pem(EVP_PKEY *key, X509 *cert, struct lk_certified *ret)
{
	LK_OWNED_OPENSSL(BIO) *k = BIO_new(BIO_s_secmem());
	LK_OWNED_OPENSSL(BIO) *c = BIO_new(BIO_s_mem());

	return k && c && PEM_write_bio_PKCS8PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	       PEM_write_bio_X509(c, cert) == 1 && take_bio(k, &ret->key) &&
	       take_bio(c, &ret->certificate);
}

static int finish_certificate(bool done, struct lk_certified *made, struct lk_certified *ret,
			      struct lk_err *err)
{
	if (!done) {
		lk_certified_done(made);
		return lk_openssl_error(err, LK_E_SYSTEM, "a certificate can't be made");
	}
	*ret = *made;
	return LK_OK;
}

int lk_crypto_ca_make(const char *name, struct lk_certified *ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_PKEY) *key = EVP_EC_gen("P-256");
	LK_OWNED_OPENSSL(X509) *cert = key ? begin_certificate(key, name, CA_DAYS) : NULL;
	struct lk_certified made = { LK_BUF_NONE, LK_BUF_NONE };
	bool done =
		cert && X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
		add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
		X509_sign(cert, key, EVP_sha256()) > 0 && write_pem(key, cert, &made);

	return finish_certificate(done, &made, ret, err);
}

int lk_crypto_ca_issue(const struct lk_certified *ca, const char *names, struct lk_certified *ret,
		       struct lk_err *err)
{
	LK_OWNED_OPENSSL(BIO) *k = BIO_new_mem_buf(ca->key.data, (int)ca->key.len);
	LK_OWNED_OPENSSL(BIO) *c = BIO_new_mem_buf(ca->certificate.data, (int)ca->certificate.len);
	LK_OWNED_OPENSSL(EVP_PKEY) *ca_key =
		k ? PEM_read_bio_PrivateKey(k, NULL, NULL, NULL) : NULL;
	LK_OWNED_OPENSSL(X509) *ca_cert = c ? PEM_read_bio_X509(c, NULL, NULL, NULL) : NULL;
	LK_OWNED_OPENSSL(EVP_PKEY) *key = EVP_EC_gen("P-256");
	LK_OWNED_OPENSSL(X509) *cert =
		key ? begin_certificate(key, "latchkey-verifier", ISSUE_DAYS) : NULL;
	struct lk_certified made = { LK_BUF_NONE, LK_BUF_NONE };
	bool done = ca_key && ca_cert && cert &&
		    X509_set_issuer_name(cert, X509_get_subject_name(ca_cert)) == 1 &&
		    add_extension(cert, ca_cert, NID_basic_constraints, "critical,CA:FALSE") &&
		    add_extension(cert, ca_cert, NID_key_usage, "critical,digitalSignature") &&
		    add_extension(cert, ca_cert, NID_ext_key_usage, "serverAuth") &&
		    add_extension(cert, ca_cert, NID_subject_key_identifier, "hash") &&
		    add_extension(cert, ca_cert, NID_authority_key_identifier, "keyid:always") &&
		    add_extension(cert, ca_cert, NID_subject_alt_name, names) &&
		    X509_sign(cert, ca_key, EVP_sha256()) > 0 && write_pem(key, cert, &made);

	return finish_certificate(done, &made, ret, err);
}

static X509 *read_certificate(struct lk_bytes pem)
{
	LK_OWNED_OPENSSL(BIO) *bio = BIO_new_mem_buf(pem.data, (int)pem.len);

	return bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

int lk_crypto_fingerprint(struct lk_bytes pem, char ret[static LK_FINGERPRINT_TEXT],
			  struct lk_err *err)
{
	LK_OWNED_OPENSSL(X509) *cert = read_certificate(pem);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!cert || X509_digest(cert, EVP_sha256(), digest, &len) != 1 || len != 32)
		return lk_openssl_error(err, LK_E_INPUT, "the certificate can't be read");
	for (unsigned int i = 0; i < len; i++)
		(void)snprintf(ret + 3 * i, 4, "%02X%s", digest[i], i + 1 < len ? ":" : "");
	return LK_OK;
}

int lk_crypto_days_left(struct lk_bytes pem, unsigned int *ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(X509) *cert = read_certificate(pem);
	int days = 0, seconds = 0;

	if (!cert || ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) != 1)
		return lk_openssl_error(err, LK_E_INPUT, "the certificate can't be read");
	*ret = days > 0 ? (unsigned int)days : 0;
	return LK_OK;
}

bool lk_crypto_is_for(struct lk_bytes pem, const char *names)
{
	LK_OWNED_OPENSSL(X509) *cert = read_certificate(pem);
	char name[256];
	bool all = cert != NULL;

	for (const char *at = names; all && *at; at += *at == ',') {
		size_t len = strcspn(at, ",");

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
		if (strncmp(name, "DNS:", 4) == 0)
			all = X509_check_host(cert, name + 4, 0, 0, NULL) == 1;
		else if (strncmp(name, "IP:", 3) == 0)
			all = X509_check_ip_asc(cert, name + 3, 0) == 1;
		at += len;
	}
	return all;
}
