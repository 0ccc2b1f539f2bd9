/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whether what a provisioning record says of a TPM is what that TPM's attestation key has signed. */
#ifndef LK_CORE_ATTEST_RECORD_PROOF_H
#define LK_CORE_ATTEST_RECORD_PROOF_H

#include "core/attest/quote.h"

/** What a record says, as far as a key can sign for it. */
struct lk_record_claims {
	struct lk_bytes ek;  /* DER SubjectPublicKeyInfo of the endorsement key; len 0: none */
	struct lk_name root; /* storage root key */
	struct lk_name config_key;
	struct lk_name policy_key; /* the Name of the key, not of its NV index */
	uint64_t floor[LK_FLOOR_COUNT];
	struct lk_pcr_values pcrs; /* of one bank, all of them */
};

/** What "proof" in the record holds: TPM2_Certify, TPM2_NV_Certify and TPM2_Quote, each over
 * lk_record_binding(). */
struct lk_record_proof {
	struct lk_signed_attest root;
	struct lk_signed_attest config_key;
	struct lk_signed_attest policy_key;
	struct lk_signed_attest floor[LK_FLOOR_COUNT];
	struct lk_signed_attest quote;
};

/** What all of a record's proof is over: its attestation key and its endorsement key, so that no
 * part of it fits into another record. False when hashing failed. */
bool lk_record_binding(const struct lk_attest_key *key, struct lk_bytes ek, lk_hash_fn hash,
		       struct lk_digest *ret);

/**
 * lk_record_proof_check - does the key sign for what the record says?
 * @terms: key, hash and verify; its nonce and PCRs aren't looked at
 * @ret: the quote of the moment; set on LK_OK alone
 *
 * That the key is in the TPM whose endorsement key the record has is for enrolment to prove
 * (core/attest/credential.h).
 *
 * Return: as lk_quote_check(), VALUES where the PCR values aren't those quoted, FLOOR, and
 * RECORD where another object is certified than the one that the record names.
 */
int lk_record_proof_check(const struct lk_quote_terms *terms, const struct lk_record_claims *claims,
			  const struct lk_record_proof *proof, struct lk_attest *ret,
			  struct lk_err *err);

#endif
