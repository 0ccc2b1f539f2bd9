/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for what every program needs: hash, HMAC, random bytes, ECDSA verification. */
#ifndef LK_SYS_CRYPTO_CRYPTO_H
#define LK_SYS_CRYPTO_CRYPTO_H

#include "core/base/alg.h"
#include "core/policy/policy_key.h"
#include "core/base/rc.h"

/**
 * lk_crypto_begin - have OpenSSL make what its first use makes
 * @configured: false where no openssl.cnf is to be read or believed
 *
 * Before all else of OpenSSL, in programs that must not crash where memory lacks.
 *
 * Return: LK_OK, LK_E_SYSTEM.
 */
int lk_crypto_begin(bool configured, struct lk_err *err);

/** An lk_hash_fn. */
LK_MUST_CHECK bool lk_crypto_hash(enum lk_alg alg, const struct lk_bytes *parts, size_t n_parts,
				  struct lk_digest *ret);

/** For what other programs have measured: nothing here relies on it. */
#define LK_SHA1_SIZE 20u
bool lk_crypto_sha1(const struct lk_bytes *parts, size_t n_parts, uint8_t ret[static LK_SHA1_SIZE]);

/** HMAC with @alg over @data. @ret untouched on failure (false). */
bool lk_crypto_hmac(enum lk_alg alg, struct lk_bytes key, struct lk_bytes data,
		    struct lk_digest *ret);

/** Bytes that nobody can foretell; false when there are none to be had. */
bool lk_crypto_random(uint8_t *out, size_t len);

/**
 * lk_crypto_verify - ECDSA over a digest (FIPS 186-5, 6.4)
 * @digest: of the key's hash algorithm's size
 * @signature: r || s, each of the curve's size
 *
 * Return: LK_OK, LK_E_POLICY when it isn't that key's signature (r or s out of
 * range and a point off the curve included), LK_E_SYSTEM.
 */
LK_MUST_CHECK int lk_crypto_verify(const struct lk_policy_key *key, const struct lk_digest *digest,
				   struct lk_bytes signature, struct lk_err *err);
/** The same, as an lk_verify_fn of core/attest/quote.h; @ctx isn't used. */
LK_MUST_CHECK int lk_crypto_verify_key(void *ctx, const struct lk_policy_key *key,
				       const struct lk_digest *digest, struct lk_bytes signature,
				       struct lk_err *err);

#endif
