/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns flavors (latchkey-flavor(5)): what the owner holds right, from a file into the database and from there to the appraisal. */
#ifndef LK_VERIFIER_FLAVOR_FLAVOR_H
#define LK_VERIFIER_FLAVOR_FLAVOR_H

#include "core/attest/appraisal.h"
#include "sys/os/fs.h"
#include "sys/store/store.h"

#define LK_VF_NAME_MAX 128u /* bytes of a flavor's or a device's name, with its NUL */

#define LK_VF_FLAVOR_DEFAULT "default"
#define LK_VF_FLAVOR_MAX     65536u

/** One, checked: each signed policy is verified under the policy file's key. */
struct lk_vf_flavor {
	char *text;	   /* the document */
	char *policy_file; /* its text; NULL: none */
	size_t n;
	struct lk_signed_policy *policies;
	unsigned int latch; /* or LK_PCR_NONE */
	bool has_equals;
	struct lk_pcr_values equals;
	bool wants_floors, wants_ima;
	struct lk_digest digest; /* of all of it */
};
void lk_vf_flavor_done(struct lk_vf_flavor *f);
#define LK_OWNED_VF_FLAVOR __attribute__((cleanup(lk_vf_flavor_done))) struct lk_vf_flavor
/** For lk_appraise(); views lie in @f. */
struct lk_reference lk_vf_flavor_reference(const struct lk_vf_flavor *f);

/** From a file and those that it names; paths are relative to its folder. */
int lk_vf_flavor_read(const char *path, struct lk_vf_flavor *ret, struct lk_err *err);
/** From the database; one that isn't there is an empty one. */
int lk_vf_flavor_get(struct lk_store *s, const char *name, struct lk_vf_flavor *ret,
		     bool *ret_found, struct lk_err *err);
/** Into the database, in place of one of that name; in a transaction of the caller's. */
int lk_vf_flavor_put(struct lk_store *s, const char *name, const struct lk_vf_flavor *f,
		     int64_t now, struct lk_err *err);
/** Moves with each lk_vf_flavor_put(): what was read before is old then. */
int lk_vf_flavor_generation(struct lk_store *s, int64_t *ret, struct lk_err *err);

#endif
