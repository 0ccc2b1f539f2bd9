/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what reading a flavor from files and from the database have in common. */
#ifndef LK_VERIFIER_FLAVOR_FLAVOR_PARTS_H
#define LK_VERIFIER_FLAVOR_FLAVOR_PARTS_H

#include "core/policy/policy_file.h"
#include "verifier/flavor/flavor.h"

/** The document's own rules; the files that it names are for the caller. */
int lk_vf_flavor_from_doc(const struct lk_doc *map, struct lk_vf_flavor *f, struct lk_err *err);
int lk_vf_flavor_policy_file(const char *text, struct lk_vf_flavor *f, struct lk_policy_file *ret,
			     struct lk_err *err);
/** Verifies a signed policy, and adds it; one that is there already isn't added again. */
int lk_vf_flavor_add_policy(struct lk_vf_flavor *f, const struct lk_policy_file *pf,
			    struct lk_bytes text, struct lk_err *err);
/** Computes the digest of a flavor that is whole. */
int lk_vf_flavor_seal(struct lk_vf_flavor *f, struct lk_err *err);

#endif
