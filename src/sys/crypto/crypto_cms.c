/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns encryption to a recipient in CMS (RFC 5652). */
#include "sys/crypto/crypto_sign.h"

#include <openssl/pem.h> /* before cms.h, which then declares its PEM forms */
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "sys/crypto/crypto_key.h"
#include "sys/crypto/crypto_openssl.h"
#include "core/base/bom.h"
#include "core/base/pem.h"

LK_OPENSSL_CLEANUP(X509, X509_free)
LK_OPENSSL_CLEANUP(CMS_ContentInfo, CMS_ContentInfo_free)

#define RECIPIENT_MAX (64u * 1024u)
#define CMS_FLAGS     (CMS_BINARY | CMS_PARTIAL)

static bool add_key_identifier(X509 *cert)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool done;

	X509V3_set_ctx(&ctx, NULL, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_key_identifier, "hash");
	done = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return done;
}

/*
 * CMS_add1_recipient_cert takes certificates alone, of which it uses the key
 * and its identifier. One made for the call, signed with a key that nobody
 * keeps, is what a bare public key needs to be taken; it isn't in the message.
 */
static X509 *certificate_around(EVP_PKEY *recipient)
{
	LK_OWNED_OPENSSL(EVP_PKEY) *signer =
		EVP_PKEY_Q_keygen(NULL, LK_OPENSSL_SOFTWARE, "EC", "P-256");
	LK_OWNED_OPENSSL(X509) *cert = X509_new();
	X509 *ret;

	if (!signer || !cert || X509_set_version(cert, X509_VERSION_3) != 1 ||
	    !X509_gmtime_adj(X509_getm_notBefore(cert), 0) ||
	    !X509_gmtime_adj(X509_getm_notAfter(cert), 0) ||
	    X509_set_pubkey(cert, recipient) != 1 || !add_key_identifier(cert) ||
	    X509_sign(cert, signer, EVP_sha256()) <= 0)
		return NULL;
	ret = cert;
	cert = NULL;
	return ret;
}

static int recipient_load(const char *path, X509 **ret, bool *ret_bare, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_PKEY) *pkey = NULL;
	LK_OWNED_OPENSSL(BIO) *bio = NULL;
	LK_OWNED_BUF text = LK_BUF_NONE;
	struct lk_bytes pem;
	X509 *cert;
	int rc;

	rc = lk_fs_read(path, RECIPIENT_MAX, &text, err);
	if (rc != LK_OK)
		return rc;
	pem = lk_bom_skip((struct lk_bytes){ text.data, text.len });
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	*ret_bare = !cert;
	if (!cert && bio && BIO_reset(bio) == 1) {
		pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
		cert = pkey ? certificate_around(pkey) : NULL;
	}
	if (!cert) {
		ERR_clear_error();
		return lk_err_set(err, LK_E_INPUT, 0, "%s: no certificate or public key in PEM%s%s",
				  path, lk_pem_kind(pem) ? ": this is " : "",
				  lk_pem_kind(pem) ? lk_pem_kind(pem) : "");
	}
	*ret = cert;
	return LK_OK;
}

/* The defaults are PKCS #1 v1.5 and a key derivation with SHA-1. */
static bool set_parameters(CMS_RecipientInfo *ri)
{
	EVP_PKEY_CTX *ctx = CMS_RecipientInfo_get0_pkey_ctx(ri);

	if (!ctx)
		return false;
	if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_TRANS)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
		       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
		       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
	return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0;
}

static int encrypt_to(X509 *cert, bool bare, BIO *plain, BIO *out)
{
	LK_OWNED_OPENSSL(CMS_ContentInfo) *cms =
		CMS_encrypt(NULL, NULL, EVP_aes_256_cbc(), CMS_FLAGS);
	unsigned int flags = CMS_KEY_PARAM | (bare ? CMS_USE_KEYID : 0);
	CMS_RecipientInfo *ri;

	ri = cms ? CMS_add1_recipient_cert(cms, cert, flags) : NULL;
	if (!ri || !set_parameters(ri) || CMS_final(cms, plain, NULL, CMS_FLAGS) != 1)
		return -1;
	return PEM_write_bio_CMS(out, cms) == 1 ? 0 : -1;
}

int lk_cms_encrypt(const char *recipient, struct lk_bytes plain, struct lk_buf *ret_pem,
		   struct lk_err *err)
{
	LK_OWNED_OPENSSL(X509) *cert = NULL;
	LK_OWNED_OPENSSL(BIO) *in = NULL;
	LK_OWNED_OPENSSL(BIO) *out = NULL;
	bool bare = false;
	int rc;

	rc = recipient_load(recipient, &cert, &bare, err);
	if (rc != LK_OK)
		return rc;
	in = BIO_new_mem_buf(plain.data, (int)plain.len);
	out = BIO_new(BIO_s_mem());
	if (!in || !out || encrypt_to(cert, bare, in, out) != 0) {
		rc = lk_openssl_error(err, LK_E_SYSTEM,
				      "nothing can be encrypted to this recipient");
		lk_err_prefix(err, "%s", recipient);
		return rc;
	}
	return lk_bio_to_buf(out, ret_pem, err);
}
