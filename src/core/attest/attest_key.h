/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the attestation key's public area: read, checked, and its Name computed. */
#ifndef LK_CORE_ATTEST_ATTEST_KEY_H
#define LK_CORE_ATTEST_ATTEST_KEY_H

#include "core/base/bytes.h"
#include "core/policy/policy_key.h"

/* TPMA_OBJECT (TPM 2.0 Part 2, 8.3) */
#define LK_AK_FIXED_TPM	     0x00000002u
#define LK_AK_FIXED_PARENT   0x00000010u
#define LK_AK_ORIGIN	     0x00000020u /* sensitiveDataOrigin */
#define LK_AK_USER_WITH_AUTH 0x00000040u
#define LK_AK_NO_DA	     0x00000400u
#define LK_AK_RESTRICTED     0x00010000u
#define LK_AK_DECRYPT	     0x00020000u
#define LK_AK_SIGN	     0x00040000u
/** What install makes it with: usable without an authorization, in a lockout too. */
#define LK_AK_ATTRIBUTES                                                                           \
	(LK_AK_FIXED_TPM | LK_AK_FIXED_PARENT | LK_AK_ORIGIN | LK_AK_USER_WITH_AUTH |              \
	 LK_AK_NO_DA | LK_AK_RESTRICTED | LK_AK_SIGN)

/** One that was checked. */
struct lk_attest_key {
	struct lk_policy_key point;    /* for who verifies: P-256, SHA-256 */
	struct lk_name name;	       /* computed; never taken from outside */
	struct lk_name qualified_name; /* as a primary key of the endorsement hierarchy */
	uint32_t attributes;
};

/**
 * lk_attest_key_parse - a TPMT_PUBLIC and nothing after it, fit to attest
 *
 * It has to be on P-256, sign by ECDSA with SHA-256 and nothing else, be restricted,
 * fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth without a policy, and
 * noDA or not.
 *
 * Return: LK_OK; LK_E_INPUT (KEY_FORM) or LK_E_POLICY (KEY_...), the refusal in
 * @err's code; LK_E_SYSTEM.
 */
int lk_attest_key_parse(struct lk_bytes tpmt_public, lk_hash_fn hash, struct lk_attest_key *ret,
			struct lk_err *err);

#endif
