/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading a certificate with OpenSSL to show it. */
#include "sys/crypto/crypto_cert_text.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sys/crypto/crypto_openssl.h"

LK_OPENSSL_CLEANUP(X509, X509_free)

static void take_text(BIO *bio, char ret[static LK_CERT_TEXT_MAX])
{
	int n = BIO_read(bio, ret, LK_CERT_TEXT_MAX - 1);

	ret[n > 0 ? n : 0] = '\0';
	for (char *at = ret; *at; at++)
		if (*at == '\n')
			*at = ' ';
}

static void name_text(const X509_NAME *name, char ret[static LK_CERT_TEXT_MAX])
{
	LK_OWNED_OPENSSL(BIO) *bio = BIO_new(BIO_s_mem());

	ret[0] = '\0';
	if (bio && X509_NAME_print_ex(bio, name, 0,
				      XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
		take_text(bio, ret);
}

static void other_names(const X509 *cert, char ret[static LK_CERT_TEXT_MAX])
{
	LK_OWNED_OPENSSL(BIO) *bio = BIO_new(BIO_s_mem());
	int at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1);

	ret[0] = '\0';
	if (bio && at >= 0 &&
	    X509V3_EXT_print(bio, X509_get_ext(cert, at), X509V3_EXT_DUMP_UNKNOWN, 0) == 1)
		take_text(bio, ret);
}

static void time_text(const ASN1_TIME *t, char ret[static 32])
{
	struct tm tm;

	(void)snprintf(ret, 32, "unknown");
	if (ASN1_TIME_to_tm(t, &tm) == 1)
		(void)strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

static void key_text(X509 *cert, char ret[static 64])
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	char group[32] = "";
	size_t len;

	if (!key)
		(void)snprintf(ret, 64, "a key that can't be read");
	else if (EVP_PKEY_is_a(key, "EC") &&
		 EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1)
		(void)snprintf(ret, 64, "EC %s", group);
	else
		(void)snprintf(ret, 64, "%.30s %d",
			       EVP_PKEY_get0_type_name(key) ? EVP_PKEY_get0_type_name(key) : "?",
			       EVP_PKEY_get_bits(key));
}

static void serial_text(const X509 *cert, char ret[static 96])
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = n ? BN_bn2hex(n) : NULL;

	(void)snprintf(ret, 96, "%s", hex ? hex : "?");
	OPENSSL_free(hex);
	BN_free(n);
}

bool lk_crypto_certificate_facts(struct lk_bytes pem, struct lk_certificate_facts *ret)
{
	LK_OWNED_OPENSSL(BIO) *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	LK_OWNED_OPENSSL(X509) *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	if (!cert)
		return false;
	name_text(X509_get_subject_name(cert), ret->subject);
	name_text(X509_get_issuer_name(cert), ret->issuer);
	other_names(cert, ret->names);
	serial_text(cert, ret->serial);
	time_text(X509_get0_notBefore(cert), ret->from);
	time_text(X509_get0_notAfter(cert), ret->to);
	key_text(cert, ret->key);
	return true;
}
