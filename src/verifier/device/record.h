/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading a provisioning record: whose it is, its attestation key, and what proves it. */
#ifndef LK_VERIFIER_DEVICE_RECORD_H
#define LK_VERIFIER_DEVICE_RECORD_H

#include "verifier/device/device.h"
#include "sys/crypto/crypto_ek.h"
#include "sys/format/json.h"

#define LK_VF_EK_MAX 1024u /* bytes of an endorsement key, DER */

/** What is asked of a record. */
struct lk_vf_record_terms {
	bool unproven;	     /* one without a proof is taken too */
	struct lk_ek_ca *ca; /* of its endorsement certificate, where there is one; or NULL */
};

struct lk_vf_record {
	char id[LK_VF_ID_TEXT];
	struct lk_name ak_name;
	uint8_t ak[LK_VF_AK_MAX]; /* TPMT_PUBLIC */
	size_t ak_len;
	uint8_t ek[LK_VF_EK_MAX]; /* SubjectPublicKeyInfo; len 0: the record has none */
	size_t ek_len;
	unsigned int proof;		/* LK_VF_PROOF_... */
	uint64_t floor[LK_FLOOR_COUNT]; /* as certified; 0 without a proof */
};

/**
 * lk_vf_record_read - a record, and all that is checked of it
 *
 * Return: LK_OK; LK_E_INPUT where it is malformed; LK_E_POLICY where a key or the proof is
 * refused, or lacks; LK_E_SYSTEM. @ret is set on LK_OK alone.
 */
int lk_vf_record_read(const struct lk_json *record, const struct lk_vf_record_terms *terms,
		      struct lk_vf_record *ret, struct lk_err *err);

/**
 * lk_vf_record_signed_anew - whether two records of one key were signed at two times
 * @old: as it is kept; what can't be read was signed at another time
 *
 * By the quote of their proofs, which has the TPM's clock; without a proof, by all that they say.
 */
bool lk_vf_record_signed_anew(struct lk_bytes old, const char *now);

#endif
