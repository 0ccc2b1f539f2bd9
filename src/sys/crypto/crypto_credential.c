/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making credentials: a seed for the endorsement key, and from it the keys that hide and guard the secret. */
#include "sys/crypto/crypto_credential.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "core/attest/refusal.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_openssl.h"
#include "sys/os/secret.h"

LK_OPENSSL_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

#define IDENTITY "IDENTITY"

/* A seed, and the bytes by which the TPM finds it. */
struct seed {
	uint8_t data[LK_DIGEST_MAX];
	size_t len;
};

static int failed(struct lk_err *err, const char *what)
{
	return lk_openssl_error(err, LK_E_SYSTEM, what);
}

static void put_2b(struct lk_writer *w, const uint8_t *data, size_t len)
{
	lk_write_be16(w, (uint16_t)len);
	lk_write_bytes(w, data, len);
}

/* KDFa (Part 1, 11.4.10.2): one block, since no key here is longer than the hash. */
static bool kdfa(enum lk_alg alg, const struct seed *seed, const char *label, struct lk_bytes u,
		 size_t bits, struct lk_digest *ret)
{
	uint8_t data[4 + 16 + LK_NAME_MAX + 4];
	struct lk_writer w = lk_writer_init(data, sizeof(data));

	lk_write_be32(&w, 1);
	lk_write_bytes(&w, label, strlen(label) + 1);
	lk_write_bytes(&w, u.data, u.len);
	lk_write_be32(&w, (uint32_t)bits);
	if (w.failed || bits > 8 * lk_alg_size(alg) ||
	    !lk_crypto_hmac(alg, (struct lk_bytes){ seed->data, seed->len },
			    (struct lk_bytes){ data, w.len }, ret))
		return false;
	ret->len = (uint16_t)(bits / 8);
	return true;
}

/* By OAEP with the label "IDENTITY" and its NUL (Part 1, B.10.4). */
static int seed_for_rsa(const struct lk_ek_key *ek, EVP_PKEY *key, struct seed *ret,
			struct lk_writer *out, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_PKEY_CTX) *ctx =
		EVP_PKEY_CTX_new_from_pkey(NULL, key, LK_OPENSSL_SOFTWARE);
	EVP_MD *md = EVP_MD_fetch(NULL, lk_alg_name(ek->name_alg), LK_OPENSSL_SOFTWARE);
	char *label = OPENSSL_strdup(IDENTITY);
	uint8_t cipher[LK_EK_MODULUS_MAX];
	size_t len = sizeof(cipher);
	bool done = ctx && md && label && lk_crypto_random(ret->data, ret->len) &&
		    EVP_PKEY_encrypt_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 &&
		    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;

	if (done && EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, sizeof(IDENTITY)) == 1)
		label = NULL; /* the context has it */
	else
		done = false;
	OPENSSL_free(label);
	EVP_MD_free(md);
	if (!done)
		return failed(err, "no credential can be made for this RSA key");
	/* That is the key's fault, which a stranger has sent, and none of this machine. */
	if (EVP_PKEY_encrypt(ctx, cipher, &len, ret->data, ret->len) != 1) {
		ERR_clear_error();
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_EK,
				  "endorsement key: nothing can be encrypted for its modulus");
	}
	lk_write_bytes(out, cipher, len);
	return LK_OK;
}

/* KDFe (Part 1, 11.4.10.3): one block. */
static bool kdfe(const struct lk_ek_key *ek, struct lk_bytes z, const uint8_t *ephemeral_x,
		 struct seed *ret)
{
	static const uint8_t counter[] = { 0, 0, 0, 1 };
	size_t size = lk_curve_size(ek->point.curve);
	const struct lk_bytes parts[] = { { counter, sizeof(counter) },
					  z,
					  { (const uint8_t *)IDENTITY, sizeof(IDENTITY) },
					  { ephemeral_x, size },
					  { ek->point.x, size } };
	struct lk_digest digest;

	if (!lk_crypto_hash(ek->name_alg, parts, 5, &digest))
		return false;
	memcpy(ret->data, digest.data, digest.len);
	ret->len = digest.len;
	lk_wipe(&digest, sizeof(digest));
	return true;
}

/* One-pass ECDH (Part 1, C.6.4): the point of a key that is used once goes along. */
static int seed_for_ecc(const struct lk_ek_key *ek, EVP_PKEY *key, struct seed *ret,
			struct lk_writer *out, struct lk_err *err)
{
	size_t size = lk_curve_size(ek->point.curve), len = 0, z_len = LK_COORD_MAX;
	LK_OWNED_OPENSSL(EVP_PKEY) *once = NULL;
	LK_OWNED_OPENSSL(EVP_PKEY_CTX) *ctx = NULL;
	uint8_t point[1 + 2 * LK_COORD_MAX], z[LK_COORD_MAX];
	bool done;

	once = EVP_PKEY_Q_keygen(NULL, LK_OPENSSL_SOFTWARE, "EC", size == 48 ? "P-384" : "P-256");
	ctx = once ? EVP_PKEY_CTX_new_from_pkey(NULL, once, LK_OPENSSL_SOFTWARE) : NULL;
	done = ctx &&
	       EVP_PKEY_get_octet_string_param(once, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
					       &len) == 1 &&
	       len == 1 + 2 * size && EVP_PKEY_derive_init(ctx) == 1 &&
	       EVP_PKEY_derive_set_peer(ctx, key) == 1 && EVP_PKEY_derive(ctx, z, &z_len) == 1 &&
	       z_len == size && kdfe(ek, (struct lk_bytes){ z, z_len }, point + 1, ret);
	lk_wipe(z, sizeof(z));
	if (!done)
		return failed(err, "no credential can be made for this ECC key");
	put_2b(out, point + 1, size);
	put_2b(out, point + 1 + size, size);
	return LK_OK;
}

static bool encrypt(const struct lk_digest *key, struct lk_bytes plain, uint8_t *out)
{
	LK_OWNED_OPENSSL(EVP_CIPHER_CTX) *ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, key->len == 32 ? "AES-256-CFB" : "AES-128-CFB",
					      LK_OPENSSL_SOFTWARE);
	static const uint8_t zeros[16];
	int len = 0;
	bool done = ctx && cipher &&
		    EVP_EncryptInit_ex2(ctx, cipher, key->data, zeros, NULL) == 1 &&
		    EVP_EncryptUpdate(ctx, out, &len, plain.data, (int)plain.len) == 1 &&
		    (size_t)len == plain.len;

	EVP_CIPHER_free(cipher);
	return done;
}

/* TPM2B_DIGEST of the HMAC, then what it is over: the secret, hidden, and the Name (Part 1, 24.4). */
static int hide(const struct lk_ek_key *ek, const struct seed *seed, const struct lk_name *object,
		struct lk_bytes secret, struct lk_credential *ret)
{
	uint8_t plain[2 + LK_CREDENTIAL_SECRET_SIZE], guarded[sizeof(plain) + LK_NAME_MAX];
	struct lk_writer p = lk_writer_init(plain, sizeof(plain));
	struct lk_writer g = lk_writer_init(guarded, sizeof(guarded));
	struct lk_writer out = lk_writer_init(ret->blob, sizeof(ret->blob));
	const struct lk_bytes name = { object->data, object->len };
	struct lk_digest key, hmac_key, hmac;

	put_2b(&p, secret.data, secret.len);
	if (p.failed || !kdfa(ek->name_alg, seed, "STORAGE", name, ek->aes_bits, &key) ||
	    !encrypt(&key, (struct lk_bytes){ plain, p.len }, guarded))
		return LK_E_SYSTEM;
	g.len = p.len;
	lk_write_bytes(&g, name.data, name.len);
	if (!kdfa(ek->name_alg, seed, "INTEGRITY", (struct lk_bytes){ NULL, 0 },
		  8 * lk_alg_size(ek->name_alg), &hmac_key) ||
	    !lk_crypto_hmac(ek->name_alg, (struct lk_bytes){ hmac_key.data, hmac_key.len },
			    (struct lk_bytes){ guarded, g.len }, &hmac))
		return LK_E_SYSTEM;
	put_2b(&out, hmac.data, hmac.len);
	lk_write_bytes(&out, guarded, p.len);
	ret->blob_len = out.len;
	lk_wipe(plain, sizeof(plain));
	lk_wipe(&key, sizeof(key));
	lk_wipe(&hmac_key, sizeof(hmac_key));
	return out.failed ? LK_E_SYSTEM : LK_OK;
}

int lk_credential_make(const struct lk_ek_key *ek, const struct lk_name *object,
		       struct lk_bytes secret, struct lk_credential *ret, struct lk_err *err)
{
	struct lk_credential out = { .blob_len = 0 };
	struct lk_writer w = lk_writer_init(out.secret, sizeof(out.secret));
	struct seed seed = { .len = lk_alg_size(ek->name_alg) };
	LK_OWNED_OPENSSL(EVP_PKEY) *key = NULL;
	uint8_t spki[LK_EK_SPKI_MAX];
	const uint8_t *p = spki;
	int rc;

	key = d2i_PUBKEY(NULL, &p, (long)lk_ek_spki(ek, spki));
	ERR_clear_error();
	if (!key)
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_EK,
				  "endorsement key: it isn't a point on its curve");
	rc = ek->rsa ? seed_for_rsa(ek, key, &seed, &w, err)
		     : seed_for_ecc(ek, key, &seed, &w, err);
	out.secret_len = w.len;
	if (rc == LK_OK && (w.failed || hide(ek, &seed, object, secret, &out) != LK_OK))
		rc = failed(err, "a credential can't be made");
	lk_wipe(&seed, sizeof(seed));
	if (rc == LK_OK)
		*ret = out;
	return rc;
}
