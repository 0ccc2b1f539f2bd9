/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the parts of setup share: signed policies of a folder, and failures that don't end the run. */
#ifndef LK_PROVISION_INSTALL_SETUP_H
#define LK_PROVISION_INSTALL_SETUP_H

#include "volume/policies.h"

/** The first failure is what the run ends with; each later one is logged. */
struct lk_failures {
	int rc;
	struct lk_err *err;
};
void lk_failures_note(struct lk_failures *f, const struct lk_err *one);

/** Signed policies and root keys that fit the policy file, each checked. */
struct lk_policy_set {
	struct lk_signed_policy *policies;
	size_t n;
	struct lk_signed_root_key *root_keys; /* of whichever devices */
	size_t n_root_keys;
};
void lk_policy_set_done(struct lk_policy_set *set);

/**
 * lk_policy_set_load - every *.yaml in @dir; a folder that isn't there has none
 *
 * @consent: PCRs that may be as a reset leaves them, besides those that a policy
 *	names (lk_signed_policy_check_extended)
 *
 * One that isn't good is a failure of its own, and the others are taken.
 */
void lk_policy_set_load(const char *dir, const struct lk_policy_file *pf, uint32_t consent,
			struct lk_policy_set *ret, struct lk_failures *f);

/** What is to become of a token's signed policies. */
struct lk_policy_change {
	size_t added;	/* the last ones of the token */
	size_t retired; /* to make room */
	size_t omitted; /* there is no room for them: of lower versions */
};
/** Changes @token in memory: what @set has and it lacks. */
int lk_policy_set_merge(const struct lk_policy_set *set, struct lk_token *token,
			struct lk_policy_change *ret, struct lk_err *err);

#endif
