/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for what every program needs: hash, HMAC, random bytes, ECDSA verification. */
#include "sys/crypto/crypto.h"

#include <assert.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "core/policy/ecdsa_der.h"
#include "sys/crypto/crypto_openssl.h"

LK_OPENSSL_CLEANUP(EVP_MD, EVP_MD_free)
LK_OPENSSL_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

/* Orders of the base points, SP 800-186, 3.2.1.3 and 3.2.1.4. */
static const uint8_t order_p256[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
	0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};
static const uint8_t order_p384[48] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
	0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};

int lk_openssl_error(struct lk_err *err, enum lk_rc rc, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	if (!reason)
		return lk_err_set(err, rc, (uint32_t)code, "%s", what);
	return lk_err_set(err, rc, (uint32_t)code, "%s: OpenSSL says: %s", what, reason);
}

static bool hash_parts(const EVP_MD *md, const struct lk_bytes *parts, size_t n_parts, uint8_t *out)
{
	LK_OWNED_OPENSSL(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		return false;
	for (size_t i = 0; i < n_parts; i++)
		if (parts[i].len && EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1)
			return false;
	return EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

bool lk_crypto_hash(enum lk_alg alg, const struct lk_bytes *parts, size_t n_parts,
		    struct lk_digest *ret)
{
	struct lk_digest digest = { .len = (uint16_t)lk_alg_size(alg) };
	LK_OWNED_OPENSSL(EVP_MD) *md = NULL;

	if (alg == LK_ALG_SHA1) {
		digest.len = LK_SHA1_SIZE;
		if (!lk_crypto_sha1(parts, n_parts, digest.data))
			return false;
		*ret = digest;
		return true;
	}
	assert(digest.len);
	md = EVP_MD_fetch(NULL, lk_alg_name(alg), LK_OPENSSL_SOFTWARE);
	if (!md || (size_t)EVP_MD_get_size(md) != digest.len ||
	    !hash_parts(md, parts, n_parts, digest.data)) {
		ERR_clear_error();
		return false;
	}
	*ret = digest;
	return true;
}

bool lk_crypto_sha1(const struct lk_bytes *parts, size_t n_parts, uint8_t ret[static LK_SHA1_SIZE])
{
	LK_OWNED_OPENSSL(EVP_MD) *md = EVP_MD_fetch(NULL, "SHA1", LK_OPENSSL_SOFTWARE);
	bool done = md && hash_parts(md, parts, n_parts, ret);

	ERR_clear_error();
	return done;
}

bool lk_crypto_hmac(enum lk_alg alg, struct lk_bytes key, struct lk_bytes data,
		    struct lk_digest *ret)
{
	struct lk_digest digest = { .len = (uint16_t)lk_alg_size(alg) };
	size_t len = 0;
	bool done;

	assert(digest.len);
	done = EVP_Q_mac(NULL, "HMAC", LK_OPENSSL_SOFTWARE, lk_alg_name(alg), NULL, key.data,
			 key.len, data.data, data.len, digest.data, sizeof(digest.data), &len) &&
	       len == digest.len;
	if (done)
		*ret = digest;
	ERR_clear_error();
	OPENSSL_cleanse(&digest, sizeof(digest));
	return done;
}

/* 1 <= v < order, both big endian and of @size bytes. */
static bool in_range(const uint8_t *v, const uint8_t *order, size_t size)
{
	static const uint8_t zero[LK_COORD_MAX];

	return memcmp(v, zero, size) != 0 && memcmp(v, order, size) < 0;
}

static bool signature_in_range(enum lk_curve curve, struct lk_bytes signature)
{
	size_t size = lk_curve_size(curve);
	const uint8_t *order = curve == LK_CURVE_P384 ? order_p384 : order_p256;

	return signature.len == 2 * size && in_range(signature.data, order, size) &&
	       in_range(signature.data + size, order, size);
}

static EVP_PKEY *import_key(EVP_PKEY_CTX *ctx, const struct lk_policy_key *key)
{
	size_t size = lk_curve_size(key->curve);
	char group[] = "P-384";
	uint8_t point[1 + 2 * LK_COORD_MAX] = { 0x04 }; /* uncompressed */
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[3];

	if (key->curve == LK_CURVE_P256)
		memcpy(group, "P-256", sizeof(group));
	memcpy(point + 1, key->x, size);
	memcpy(point + 1 + size, key->y, size);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size);
	params[2] = OSSL_PARAM_construct_end();
	if (EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return pkey;
}

/* A key that OpenSSL can't import is one whose point is off the curve. */
static int verify_key_new(const struct lk_policy_key *key, EVP_PKEY **ret, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_PKEY_CTX) *import = NULL;
	LK_OWNED_OPENSSL(EVP_PKEY_CTX) *check = NULL;
	LK_OWNED_OPENSSL(EVP_PKEY) *pkey = NULL;

	import = EVP_PKEY_CTX_new_from_name(NULL, "EC", LK_OPENSSL_SOFTWARE);
	if (!import || EVP_PKEY_fromdata_init(import) != 1)
		return lk_openssl_error(err, LK_E_SYSTEM, "no elliptic curves in this OpenSSL");
	pkey = import_key(import, key);
	check = pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, pkey, LK_OPENSSL_SOFTWARE) : NULL;
	if (!check || EVP_PKEY_public_check_quick(check) != 1)
		return lk_openssl_error(err, LK_E_POLICY,
					"the policy key isn't a point on its curve");
	*ret = pkey;
	pkey = NULL;
	return LK_OK;
}

/* FIPS 186-5, 6.4.2, step 7: then the signature is refused. OpenSSL calls it an
 * error of its own, as if memory were short. */
static bool is_at_infinity(void)
{
	unsigned long first = ERR_peek_error();

	return ERR_GET_LIB(first) == ERR_LIB_EC && ERR_GET_REASON(first) == EC_R_POINT_AT_INFINITY;
}

bool lk_crypto_random(uint8_t *out, size_t len)
{
	return RAND_bytes(out, (int)len) == 1;
}

int lk_crypto_verify(const struct lk_policy_key *key, const struct lk_digest *digest,
		     struct lk_bytes signature, struct lk_err *err)
{
	LK_OWNED_OPENSSL(EVP_PKEY) *pkey = NULL;
	LK_OWNED_OPENSSL(EVP_PKEY_CTX) *ctx = NULL;
	uint8_t der[LK_ECDSA_DER_MAX];
	size_t der_len;
	int rc;

	assert(digest->len == lk_alg_size(lk_curve_hash(key->curve)));
	if (!signature_in_range(key->curve, signature))
		return lk_err_set(err, LK_E_POLICY, 0, "signature: r or s is out of range");
	rc = verify_key_new(key, &pkey, err);
	if (rc != LK_OK)
		return rc;
	der_len = lk_ecdsa_der_encode(signature, der);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, LK_OPENSSL_SOFTWARE);
	if (!ctx || EVP_PKEY_verify_init(ctx) != 1)
		return lk_openssl_error(err, LK_E_SYSTEM, "a signature can't be verified");
	ERR_clear_error();
	rc = EVP_PKEY_verify(ctx, der, der_len, digest->data, digest->len);
	if (rc < 0 && is_at_infinity())
		rc = 0;
	if (rc < 0)
		return lk_openssl_error(err, LK_E_SYSTEM, "a signature can't be verified");
	ERR_clear_error();
	if (rc == 1)
		return LK_OK;
	return lk_err_set(
		err, LK_E_POLICY, 0,
		"signature: not made by the policy key, or what it is over was changed or damaged");
}

int lk_crypto_verify_key(void *ctx, const struct lk_policy_key *key, const struct lk_digest *digest,
			 struct lk_bytes signature, struct lk_err *err)
{
	(void)ctx;
	return lk_crypto_verify(key, digest, signature, err);
}
