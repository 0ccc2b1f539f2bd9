/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the policyRef: how it is bound to what a policy file selects, and who may use one that isn't. */
#ifndef LK_CORE_POLICY_POLICY_REF_H
#define LK_CORE_POLICY_POLICY_REF_H

#include "core/policy/policy_file.h"

/* PolicyAuthorize (TPM 2.0 Part 3, 23.16) knows key and policyRef alone: every
 * policy that is signed with both opens every object sealed to both. In format 2
 * of the policy file the reference is therefore
 *
 *	NAME:HHHHHHHHHHHHHHHH
 *
 * the first 16 hexadecimal digits of SHA-256 over lk_policy_ref_line, so that
 * two files that differ in bank, PCRs, latch or floor never have the same. */

#define LK_POLICY_REF_DIGITS	16u
#define LK_POLICY_REF_BOUND_MAX 32u /* bytes: TPM2B_NONCE of a TPM with SHA-256 alone */
#define LK_POLICY_REF_NAME_MAX	(LK_POLICY_REF_BOUND_MAX - 1u - LK_POLICY_REF_DIGITS)
#define LK_POLICY_REF_DEFAULT	"latchkey:luks"

/**
 * lk_policy_ref_line - the canonical line of what @pf selects
 *
 * As "bank=sha256 pcrs=0,7,10 latch=15 floor=0x018a0001": the PCRs without the
 * latch, in rising order; latch and floor may be "none". No newline.
 */
#define LK_POLICY_REF_LINE_MAX 128u
void lk_policy_ref_line(const struct lk_policy_file *pf, char out[static LK_POLICY_REF_LINE_MAX]);

/**
 * lk_policy_ref_bind - puts the reference of @name and @pf's selection into @pf
 * @name: 1 to LK_POLICY_REF_NAME_MAX characters
 *
 * Return: LK_OK, or LK_E_SYSTEM when hashing failed.
 */
int lk_policy_ref_bind(struct lk_policy_file *pf, const char *name, lk_hash_fn hash);

/** Whether @ref has the form of a bound one: a name, ":" and 16 lower-case digits. */
bool lk_policy_ref_is_bound(struct lk_bytes ref);

/** The name of @pf's policyRef: what its policy-ref says. */
struct lk_bytes lk_policy_ref_name(const struct lk_policy_file *pf);

/**
 * lk_policy_ref_check - may something new be signed for, or sealed to, @pf's reference?
 * @shared: what --shared-policy-ref was given, or NULL
 *
 * That of format 2 always; that of format 1 only where the caller named exactly
 * it.
 *
 * Return: LK_OK, LK_E_REFUSED, or LK_E_USAGE where @shared isn't that of @pf.
 */
int lk_policy_ref_check(const struct lk_policy_file *pf, const char *shared, struct lk_err *err);

#endif
