/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the endorsement key's public area: read, checked to be one, its Name computed. */
#ifndef LK_CORE_ATTEST_EK_H
#define LK_CORE_ATTEST_EK_H

#include "core/base/bytes.h"
#include "core/policy/policy_key.h"

#define LK_EK_AREA_MAX	  600u /* bytes of a TPMT_PUBLIC: RSA-4096 is the longest */
#define LK_EK_MODULUS_MAX 512u
#define LK_EK_SPKI_MAX	  560u
/* Of its certificate, in bytes; and of what leads from there to an authority. */
#define LK_EK_CERTIFICATE_MAX 16384u
#define LK_EK_CHAIN_BYTES_MAX 32768u

/** One that was checked; views lie in the bytes that were read. */
struct lk_ek_key {
	bool rsa;
	struct lk_bytes modulus;    /* of RSA; the exponent is 65537 */
	struct lk_policy_key point; /* else */
	enum lk_alg name_alg;	    /* of its Name, of credentials made for it too */
	unsigned int aes_bits;	    /* of what it encrypts with, in CFB mode */
	struct lk_name name;
};

/**
 * lk_ek_parse - a TPMT_PUBLIC and nothing after it, of an endorsement key
 *
 * Restricted, for decrypting alone, made by the TPM and staying in it, on P-256 or P-384 or RSA
 * with 2048 to 4096 bits, with SHA-256 or SHA-384 and AES: as the TCG's templates have it. Only
 * such a key opens no credential but one that names an object of the same TPM.
 *
 * Return: LK_OK; LK_E_INPUT or LK_E_POLICY (EK); LK_E_SYSTEM.
 */
int lk_ek_parse(struct lk_bytes tpmt_public, lk_hash_fn hash, struct lk_ek_key *ret,
		struct lk_err *err);

/** DER SubjectPublicKeyInfo. Returns its length. */
size_t lk_ek_spki(const struct lk_ek_key *key, uint8_t out[static LK_EK_SPKI_MAX]);

#endif
