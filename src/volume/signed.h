/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what is believed of a volume's token, since the owner has signed it: its signed policies and its root key. */
#ifndef LK_VOLUME_SIGNED_H
#define LK_VOLUME_SIGNED_H

#include "core/policy/policy_file.h"
#include "core/policy/signed_policy.h"
#include "core/policy/signed_root_key.h"

/**
 * lk_signed_policy_verify - does it belong to @pf, and is it signed by its key?
 *
 * Return: LK_OK; LK_E_POLICY with the reason; LK_E_SYSTEM.
 */
LK_MUST_CHECK int lk_signed_policy_verify(const struct lk_signed_policy *sp,
					  const struct lk_policy_file *pf, struct lk_err *err);

/** The same of a signed root key. What another device's says is no use to who hasn't that TPM's key. */
LK_MUST_CHECK int lk_signed_root_key_verify(const struct lk_signed_root_key *sr,
					    const struct lk_policy_file *pf, struct lk_err *err);

/** How far a signed policy comes; each is above those before it. */
enum lk_usable {
	LK_USABLE_NOT,	     /* doesn't belong to the policy file, or isn't signed by its key */
	LK_USABLE_RETIRED,   /* its version is under the floor */
	LK_USABLE_ELSEWHERE, /* it is for other PCR values than these */
	LK_USABLE,
};

/** What a signed policy is held against. */
struct lk_usable_for {
	const struct lk_policy_file *pf;
	const uint64_t *floor;		 /* the TPM's; NULL: not known, or not compared */
	const struct lk_pcr_values *now; /* NULL: not compared */
};
enum lk_usable lk_signed_policy_usable(const struct lk_signed_policy *sp,
				       const struct lk_usable_for *what);

#endif
