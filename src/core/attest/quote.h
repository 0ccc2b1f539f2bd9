/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whether a quote is one: signed by the key, over the nonce and the PCRs that were asked for, newer than the last. */
#ifndef LK_CORE_ATTEST_QUOTE_H
#define LK_CORE_ATTEST_QUOTE_H

#include "core/attest/attest.h"
#include "core/attest/attest_key.h"
#include "core/attest/message.h"
#include "core/attest/state.h"

/**
 * ECDSA over a digest. @ctx is the caller's, for a key that it keeps; lk_crypto_verify_key() of
 * sys/crypto/crypto.h is one that ignores it.
 * Return: LK_OK, LK_E_POLICY when it isn't that key's signature, LK_E_SYSTEM.
 */
typedef int (*lk_verify_fn)(void *ctx, const struct lk_policy_key *key,
			    const struct lk_digest *digest, struct lk_bytes signature,
			    struct lk_err *err);

struct lk_quote_terms {
	const struct lk_attest_key *key; /* the known one, by lk_attest_key_parse() */
	struct lk_bytes nonce;		 /* that was given out: lk_nonce_check() has passed it */
	struct lk_pcr_selection pcrs;	 /* that were asked for */
	lk_hash_fn hash;
	lk_verify_fn verify;
	void *verify_ctx;
};

/**
 * lk_signed_check - what all that a key attests has in common: kind, signature, signer, nonce
 * @ret: set on LK_OK alone; views lie in @in
 */
int lk_signed_check(const struct lk_quote_terms *terms, const struct lk_signed_attest *in,
		    enum lk_attest_kind kind, struct lk_attest *ret, struct lk_err *err);

/**
 * lk_quote_check - is this what was asked for, signed by the key?
 * @ret: set on LK_OK alone; views lie in @quote
 *
 * The signature is verified before the clock or the digest mean anything to the caller.
 *
 * Return: LK_OK; LK_E_INPUT or LK_E_POLICY with the refusal in @err's code: those of
 * lk_attest_parse() and lk_attest_signature_parse(), SIGNATURE, SIGNER, NONCE_OTHER, BANK,
 * SELECTION, DIGEST_SIZE; LK_E_SYSTEM.
 */
int lk_quote_check(const struct lk_quote_terms *terms, const struct lk_signed_attest *quote,
		   struct lk_attest *ret, struct lk_err *err);

/**
 * lk_quote_values - PCR values, proven by a quote that was checked
 * @values: each digest of the selection, ascending
 *
 * Return: LK_OK; LK_E_INPUT or LK_E_POLICY (VALUES); LK_E_SYSTEM.
 */
int lk_quote_values(const struct lk_attest *quote, struct lk_bytes values, lk_hash_fn hash,
		    struct lk_pcr_values *ret, struct lk_err *err);

/** Whether the values of @before are still those of the quote: nothing is new. */
bool lk_quote_is_same(const struct lk_attest *quote, const struct lk_attest_state *before,
		      lk_hash_fn hash);

/**
 * lk_floor_check - TPM2_NV_Certify of a floor: its value, with proof
 * @terms: key and nonce, as of the quote beside it
 *
 * The index's Name is computed from what a floor's public area has to be.
 *
 * Return: as lk_quote_check(), and FLOOR.
 */
int lk_floor_check(const struct lk_quote_terms *terms, const struct lk_signed_attest *floor,
		   enum lk_floor_kind which, uint64_t *ret_value, struct lk_err *err);

/** What became of the machine since the last quote that was accepted. */
enum lk_boot_change {
	LK_BOOT_FIRST, /* no quote before */
	LK_BOOT_SAME,
	LK_BOOT_RESUMED, /* the same boot, and restartCount has risen */
	LK_BOOT_NEW,
	LK_BOOT_CLEARED, /* resetCount has fallen: the TPM was cleared; what was known of boots is void */
};

/**
 * lk_quote_fresh - each quote counts once
 * @nonce_ms: when its nonce was given out
 *
 * In one boot the clock has to rise. A lower resetCount is that of a TPM that was cleared, if
 * the nonce is newer than the last one that was accepted; else it is an old quote. The caller
 * compares and sets (boot, clock, nonce) in its store in one step.
 *
 * Return: LK_OK, or LK_E_POLICY (CLOCK).
 */
int lk_quote_fresh(const struct lk_attest_state *before, const struct lk_attest *quote,
		   uint64_t nonce_ms, enum lk_boot_change *ret, struct lk_err *err);

#endif
