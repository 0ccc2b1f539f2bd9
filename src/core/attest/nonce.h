/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns nonces that a server needn't remember: when it was given out, chance, and a MAC over both. */
#ifndef LK_CORE_ATTEST_NONCE_H
#define LK_CORE_ATTEST_NONCE_H

#include "core/base/alg.h"
#include "core/base/bytes.h"
#include "core/base/rc.h"

/* 8 bytes of time (milliseconds since 1970, big-endian), 8 of chance, and the first 16 of
 * HMAC-SHA-256 over a tag and these. It fits the qualifying data of any TPM. */
#define LK_NONCE_SIZE	     32u
#define LK_NONCE_RANDOM_SIZE 8u
#define LK_NONCE_KEY_SIZE    32u
#define LK_NONCE_LIFE_MS     60000u
/** Verifiers that share a key have clocks that differ by less. */
#define LK_NONCE_AHEAD_MS 2000u

/** HMAC of the server's key; lk_crypto_hmac's type. False when the library failed. */
typedef bool (*lk_hmac_fn)(enum lk_alg alg, struct lk_bytes key, struct lk_bytes data,
			   struct lk_digest *ret);

/** What a server makes nonces with: all verifiers on one store have the same key. */
struct lk_nonce_maker {
	struct lk_bytes key; /* LK_NONCE_KEY_SIZE bytes of chance */
	lk_hmac_fn hmac;
};

/** Return: LK_OK or LK_E_SYSTEM. */
int lk_nonce_make(const struct lk_nonce_maker *maker, uint64_t now_ms,
		  const uint8_t chance[static LK_NONCE_RANDOM_SIZE],
		  uint8_t ret[static LK_NONCE_SIZE], struct lk_err *err);

/**
 * lk_nonce_check - did this server give it out, and lately?
 * @ret_given_ms: when; set on LK_OK alone
 *
 * That it wasn't used before is for lk_attest_fresh().
 *
 * Return: LK_OK; LK_E_INPUT (NONCE_FORM), LK_E_POLICY (NONCE_FOREIGN, NONCE_OLD), LK_E_SYSTEM.
 */
int lk_nonce_check(const struct lk_nonce_maker *maker, uint64_t now_ms, struct lk_bytes nonce,
		   uint64_t *ret_given_ms, struct lk_err *err);

#endif
