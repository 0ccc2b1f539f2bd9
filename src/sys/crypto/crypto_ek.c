/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns checking endorsement certificates by OpenSSL. */
#include "sys/crypto/crypto_ek.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "core/attest/refusal.h"
#include "core/base/bom.h"
#include "core/base/text.h"

#define CA_FILE_MAX	     (1024u * 1024u)
#define OID_TPM_MANUFACTURER "2.23.133.2.1"
#define OID_TPM_MODEL	     "2.23.133.2.2"
#define OID_TPM_VERSION	     "2.23.133.2.3"
#define OID_EK_CERTIFICATE   "2.23.133.8.1" /* tcg-kp-EKCertificate */
#define OID_TEXT_MAX	     64

struct lk_ek_ca {
	X509_STORE *store;
};

static int refuse_certificate(struct lk_err *err, enum lk_refusal why, const char *what)
{
	ERR_clear_error();
	return lk_err_set(err, why == LK_REFUSAL_CERTIFICATE ? LK_E_INPUT : LK_E_POLICY, why,
			  "the endorsement certificate %s", what);
}

void lk_ek_ca_free(struct lk_ek_ca *ca)
{
	if (ca)
		X509_STORE_free(ca->store);
	free(ca);
}

int lk_ek_ca_open(const char *path, struct lk_ek_ca **ret, struct lk_err *err)
{
	LK_OWNED_EK_CA ca = calloc(1, sizeof(*ca));
	LK_OWNED_BUF pem = LK_BUF_NONE;
	struct lk_bytes text;
	unsigned int count = 0;
	BIO *bio;
	X509 *x;

	if (ca)
		ca->store = X509_STORE_new();
	if (!ca || !ca->store)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	LK_TRY(lk_fs_read(path, CA_FILE_MAX, &pem, err));
	text = lk_bom_skip((struct lk_bytes){ pem.data, pem.len });
	bio = BIO_new_mem_buf(text.data, (int)text.len);
	while (bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		count += X509_STORE_add_cert(ca->store, x) == 1;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (!count)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: no certificate in it", path);
	*ret = ca;
	ca = NULL;
	return LK_OK;
}

size_t lk_ek_certificate_length(struct lk_bytes data)
{
	const uint8_t *p = data.data;
	X509 *x = data.len <= LONG_MAX ? d2i_X509(NULL, &p, (long)data.len) : NULL;
	size_t len = x ? (size_t)(p - data.data) : 0;

	X509_free(x);
	ERR_clear_error();
	return len;
}

bool lk_ek_certificates_from_pem(const char *pem, uint8_t *out, size_t cap, size_t *ret_len)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	char *name, *header;
	uint8_t *der;
	size_t len = 0;
	long n;
	bool good = bio != NULL;

	while (good && PEM_read_bio(bio, &name, &header, &der, &n) == 1) {
		good = strcmp(name, PEM_STRING_X509) == 0 && n > 0 && (size_t)n <= cap - len;
		if (good) {
			memcpy(out + len, der, (size_t)n);
			len += (size_t)n;
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(bio);
	ERR_clear_error();
	*ret_len = len;
	return good && len > 0;
}

/* Whose it is. By the key's bits: OpenSSL makes no key of those that some makers mark for OAEP. */
static bool is_for_key(X509 *x, struct lk_bytes spki)
{
	const uint8_t *p = spki.data, *has_bits, *want_bits;
	X509_PUBKEY *want = d2i_X509_PUBKEY(NULL, &p, (long)spki.len);
	ASN1_OBJECT *has_oid, *want_oid;
	X509_ALGOR *has_alg, *want_alg;
	int has_len, want_len;
	bool same = false;

	if (want && X509_PUBKEY_get0_param(&want_oid, &want_bits, &want_len, &want_alg, want) &&
	    X509_PUBKEY_get0_param(&has_oid, &has_bits, &has_len, &has_alg,
				   X509_get_X509_PUBKEY(x)) &&
	    has_len == want_len && !memcmp(has_bits, want_bits, (size_t)want_len)) {
		if (OBJ_obj2nid(want_oid) == NID_rsaEncryption)
			same = OBJ_obj2nid(has_oid) == NID_rsaEncryption ||
			       OBJ_obj2nid(has_oid) == NID_rsaesOaep;
		else
			same = X509_ALGOR_cmp(has_alg, want_alg) == 0;
	}
	X509_PUBKEY_free(want);
	ERR_clear_error();
	return same;
}

static bool has_oid(const ASN1_OBJECT *object, const char *oid)
{
	char text[OID_TEXT_MAX];

	return OBJ_obj2txt(text, sizeof(text), object, 1) > 0 && strcmp(text, oid) == 0;
}

/* What is visible of it; a device may have written anything. */
static void take_name(const X509_NAME_ENTRY *entry, char ret[static LK_EK_NAME_MAX])
{
	uint8_t *text = NULL;
	int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
	char name[LK_EK_NAME_MAX] = "";

	if (len > 0 && len < (int)LK_EK_NAME_MAX)
		memcpy(name, text, (size_t)len);
	OPENSSL_free(text);
	if (name[0] && lk_text_is_visible(name))
		memcpy(ret, name, LK_EK_NAME_MAX);
}

static void take_names(const X509_NAME *dir, struct lk_ek_names *ret)
{
	for (int i = 0; i < X509_NAME_entry_count(dir); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(dir, i);
		const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);

		if (has_oid(object, OID_TPM_MANUFACTURER))
			take_name(entry, ret->manufacturer);
		else if (has_oid(object, OID_TPM_MODEL))
			take_name(entry, ret->model);
		else if (has_oid(object, OID_TPM_VERSION))
			take_name(entry, ret->version);
	}
}

static int check_names(X509 *x, struct lk_ek_names *ret, struct lk_err *err)
{
	int critical = -1;
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DIRNAME)
			take_names(name->d.directoryName, ret);
	}
	GENERAL_NAMES_free(names);
	if (strncmp(ret->manufacturer, "id:", 3) != 0 || strlen(ret->manufacturer) != 11 ||
	    !ret->model[0] || !ret->version[0])
		return refuse_certificate(
			err, LK_REFUSAL_CERTIFICATE_NAMES,
			"lacks the TCG's names: manufacturer, model and version of the TPM");
	if (!X509_NAME_entry_count(X509_get_subject_name(x)) && critical != 1)
		return refuse_certificate(
			err, LK_REFUSAL_CERTIFICATE_NAMES,
			"has no subject, and its alternative name, which stands for that, isn't critical");
	return LK_OK;
}

static int check_usage(X509 *x, struct lk_err *err)
{
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	uint32_t flags = X509_get_extension_flags(x);
	ASN1_OBJECT *oid = NULL;
	uint32_t want;
	bool found = false;

	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
		found |= has_oid(sk_ASN1_OBJECT_value(usages, i), OID_EK_CERTIFICATE);
	EXTENDED_KEY_USAGE_free(usages);
	if (!found)
		return refuse_certificate(err, LK_REFUSAL_CERTIFICATE_USAGE,
					  "isn't for an endorsement key (tcg-kp-EKCertificate)");
	if (flags & EXFLAG_CA)
		return refuse_certificate(err, LK_REFUSAL_CERTIFICATE_USAGE, "is an authority's");
	(void)X509_PUBKEY_get0_param(&oid, NULL, NULL, NULL, X509_get_X509_PUBKEY(x));
	want = OBJ_obj2nid(oid) == NID_X9_62_id_ecPublicKey ? KU_KEY_AGREEMENT
							    : KU_KEY_ENCIPHERMENT;
	if (!(flags & EXFLAG_KUSAGE) || !(X509_get_key_usage(x) & want))
		return refuse_certificate(
			err, LK_REFUSAL_CERTIFICATE_USAGE,
			"isn't for what an endorsement key does: key encipherment of RSA, key agreement of ECC");
	return LK_OK;
}

/* Certificates that stand one after the other; NULL for what isn't that, or too many. */
static STACK_OF(X509) * read_chain(struct lk_bytes chain)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	const uint8_t *p = chain.data, *end = p + chain.len;

	while (list && p < end) {
		X509 *x = d2i_X509(NULL, &p, end - p);

		if (!x || sk_X509_num(list) == (int)LK_EK_CHAIN_MAX || !sk_X509_push(list, x)) {
			X509_free(x);
			sk_X509_pop_free(list, X509_free);
			ERR_clear_error();
			return NULL;
		}
	}
	return list;
}

static int no_path(struct lk_err *err, const char *why)
{
	ERR_clear_error();
	return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_CERTIFICATE_PATH,
			  "the endorsement certificate leads to none of the CA file: %s", why);
}

/* Of a path that begins with an issuer: what that has issued is below all of it, and OpenSSL,
 * which hasn't seen it, counts one authority less below each of the others. */
static bool is_short_enough(STACK_OF(X509) * path)
{
	for (int i = 0; i < sk_X509_num(path); i++) {
		long most = X509_get_pathlen(sk_X509_value(path, i));

		if (most >= 0 && i > most)
			return false;
	}
	return true;
}

static int verify(X509 *x, STACK_OF(X509) * chain, struct lk_ek_ca *ca, struct lk_err *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int rc = LK_OK;

	if (!ctx || !X509_STORE_CTX_init(ctx, ca->store, x, chain)) {
		X509_STORE_CTX_free(ctx);
		ERR_clear_error();
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	}
	/* Makers publish intermediates rather than roots. */
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_CTX_set_depth(ctx, (int)LK_EK_CHAIN_MAX);
	if (X509_verify_cert(ctx) != 1)
		rc = no_path(err, X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	else if (X509_check_ca(x) && !is_short_enough(X509_STORE_CTX_get0_chain(ctx)))
		rc = no_path(err, "path length constraint exceeded");
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

static X509 *find_issuer(X509 *x, STACK_OF(X509) * among)
{
	for (int i = 0; i < sk_X509_num(among); i++) {
		X509 *issuer = sk_X509_value(among, i);
		EVP_PKEY *key = X509_get0_pubkey(issuer);

		if (key && X509_check_issued(issuer, x) == X509_V_OK && X509_check_ca(issuer) &&
		    X509_verify(x, key) == 1)
			return issuer;
	}
	return NULL;
}

/* OpenSSL verifies no certificate of a key that is marked for OAEP: its own signature is looked at
 * here, and its issuer goes the common way. */
static int verify_by_issuer(X509 *x, STACK_OF(X509) * chain, struct lk_ek_ca *ca,
			    struct lk_err *err)
{
	STACK_OF(X509) *trusted = X509_STORE_get1_all_certs(ca->store);
	X509 *issuer = find_issuer(x, chain);
	int rc;

	if (!issuer)
		issuer = find_issuer(x, trusted);
	if (!issuer)
		rc = no_path(err, "its issuer isn't there, or hasn't signed it");
	else if (X509_cmp_current_time(X509_get0_notBefore(x)) >= 0 ||
		 X509_cmp_current_time(X509_get0_notAfter(x)) <= 0 ||
		 X509_get_extension_flags(x) & EXFLAG_CRITICAL)
		rc = no_path(err, "it is too old or too new, or has what isn't known here");
	else
		rc = verify(issuer, chain, ca, err);
	sk_X509_pop_free(trusted, X509_free);
	ERR_clear_error();
	return rc;
}

static int check_path(X509 *x, STACK_OF(X509) * chain, struct lk_ek_ca *ca, struct lk_err *err)
{
	if (X509_get0_pubkey(x))
		return verify(x, chain, ca, err);
	ERR_clear_error();
	return verify_by_issuer(x, chain, ca, err);
}

static int check_whole(X509 *x, const struct lk_ek_certificate *c, struct lk_ek_ca *ca,
		       struct lk_ek_names *names, struct lk_err *err)
{
	STACK_OF(X509) * chain;
	int rc;

	LK_TRY(check_names(x, names, err));
	LK_TRY(check_usage(x, err));
	chain = c->chain.len <= LK_EK_CHAIN_BYTES_MAX ? read_chain(c->chain) : NULL;
	if (!chain)
		return lk_err_set(
			err, LK_E_INPUT, LK_REFUSAL_CERTIFICATE,
			"the endorsement certificate's chain is malformed, or longer than %u certificates",
			LK_EK_CHAIN_MAX);
	rc = check_path(x, chain, ca, err);
	sk_X509_pop_free(chain, X509_free);
	return rc;
}

int lk_ek_certificate_check(const struct lk_ek_certificate *c, struct lk_bytes spki,
			    struct lk_ek_ca *ca, struct lk_ek_names *ret, struct lk_err *err)
{
	const uint8_t *p = c->der.data;
	struct lk_ek_names names = { "", "", "" };
	int rc = LK_OK;
	X509 *x;

	if (c->der.len > LK_EK_CERTIFICATE_MAX)
		return refuse_certificate(err, LK_REFUSAL_CERTIFICATE,
					  "is longer than any that a TPM has");
	x = d2i_X509(NULL, &p, (long)c->der.len);
	if (!x)
		return refuse_certificate(err, LK_REFUSAL_CERTIFICATE, "can't be read");
	if (!is_for_key(x, spki))
		rc = refuse_certificate(err, LK_REFUSAL_CERTIFICATE_KEY, "is another key's");
	else if (ca)
		rc = check_whole(x, c, ca, &names, err);
	X509_free(x);
	if (rc == LK_OK && ret)
		*ret = names;
	return rc;
}
