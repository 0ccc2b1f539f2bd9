/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the calculation of policy digests as a TPM makes them (TPM 2.0 Part 3, 23). */
#ifndef LK_CORE_POLICY_POLICY_DIGEST_H
#define LK_CORE_POLICY_POLICY_DIGEST_H

#include "core/base/alg.h"
#include "core/policy/pcr.h"
#include "core/policy/policy_key.h"

/* Every step extends @digest in place; its length chooses nothing, @alg does.
 * Return: LK_OK, or LK_E_SYSTEM when hashing failed. */

/** All zeros, as in a session just started. */
void lk_policy_start(enum lk_alg alg, struct lk_digest *digest);
/** TPM2_PolicyPCR over @values (all PCRs of its selection). */
int lk_policy_pcr(enum lk_alg alg, const struct lk_pcr_values *values, lk_hash_fn hash,
		  struct lk_digest *digest);
/** TPM2_PolicyNV: floor counter at @nv_index is at most @version. */
int lk_policy_nv_floor(enum lk_alg alg, uint32_t nv_index, uint64_t version, lk_hash_fn hash,
		       struct lk_digest *digest);
/** TPM2_PolicyAuthorize: replaces the digest. */
int lk_policy_authorize(enum lk_alg alg, const struct lk_name *key_name, struct lk_bytes policy_ref,
			lk_hash_fn hash, struct lk_digest *digest);
/** TPM2_PolicyAuthValue: the object's own authorization is asked for too. */
int lk_policy_auth_value(enum lk_alg alg, lk_hash_fn hash, struct lk_digest *digest);
/** aHash: H(approved || policyRef), what the owner signs. */
int lk_policy_signed_digest(enum lk_alg alg, const struct lk_digest *approved,
			    struct lk_bytes policy_ref, lk_hash_fn hash, struct lk_digest *ret);

/**
 * The version floor's public area, the same on every device.
 * @written: with TPMA_NV_WRITTEN, as policies see it; without, to define it.
 */
#define LK_FLOOR_PUBLIC_SIZE 14u
void lk_floor_nv_public(uint32_t nv_index, bool written, uint8_t out[static LK_FLOOR_PUBLIC_SIZE]);
int lk_floor_name(uint32_t nv_index, lk_hash_fn hash, struct lk_name *ret);

#endif
