/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the policy signing key's public half: its encodings, TPM form and Name. */
#ifndef LK_CORE_POLICY_POLICY_KEY_H
#define LK_CORE_POLICY_POLICY_KEY_H

#include "core/base/alg.h"
#include "core/base/bytes.h"
#include "core/base/rc.h"

enum lk_curve { LK_CURVE_P256 = 0x0003, LK_CURVE_P384 = 0x0004 };

#define LK_COORD_MAX	   48u
#define LK_SPKI_MAX	   120u
#define LK_TPMT_PUBLIC_MAX 160u
#define LK_NAME_MAX	   (2u + LK_DIGEST_MAX)

/** A point on a NIST curve; whether it is on the curve is for whoever uses it. */
struct lk_policy_key {
	enum lk_curve curve;
	uint8_t x[LK_COORD_MAX]; /* big endian, lk_curve_size bytes */
	uint8_t y[LK_COORD_MAX];
};

/** A TPM Name (Part 1, 16): algorithm and digest. */
struct lk_name {
	uint16_t len;
	uint8_t data[LK_NAME_MAX];
};
bool lk_name_equal(const struct lk_name *a, const struct lk_name *b);

size_t lk_curve_size(enum lk_curve curve);	/* 32 or 48 */
enum lk_alg lk_curve_hash(enum lk_curve curve); /* the name algorithm H */
const char *lk_curve_name(enum lk_curve curve); /* "p256", "p384" */

/**
 * lk_policy_key_from_spki - DER SubjectPublicKeyInfo (RFC 5480)
 *
 * Only the named curves P-256 and P-384 and uncompressed points; explicit
 * parameters, other curves and bytes after the end are LK_E_INPUT.
 */
int lk_policy_key_from_spki(const uint8_t *der, size_t len, struct lk_policy_key *ret,
			    struct lk_err *err);
/** The same from PEM ("BEGIN PUBLIC KEY"), with nothing but it in the text. */
int lk_policy_key_from_pem(const char *pem, size_t len, struct lk_policy_key *ret,
			   struct lk_err *err);
/** 120 bytes for P-384, 91 for P-256; exactly what openssl writes. */
size_t lk_policy_key_to_spki(const struct lk_policy_key *key, uint8_t out[static LK_SPKI_MAX]);

/**
 * lk_policy_key_to_tpmt_public - TPMT_PUBLIC (Part 2, 12.2.4)
 *
 * nameAlg H, sign and userWithAuth, ECDSA with H, no symmetric, no KDF: what
 * tpm2_loadexternal -G ecc384:ecdsa-sha384 -g sha384 -u loads.
 */
size_t lk_policy_key_to_tpmt_public(const struct lk_policy_key *key,
				    uint8_t out[static LK_TPMT_PUBLIC_MAX]);

/** H algorithm and H(TPMT_PUBLIC). */
int lk_policy_key_name(const struct lk_policy_key *key, lk_hash_fn hash, struct lk_name *ret);

#endif
