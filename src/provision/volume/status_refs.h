/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which policyRefs a device uses: what status says of those that aren't bound to a selection. */
#ifndef LK_PROVISION_VOLUME_STATUS_REFS_H
#define LK_PROVISION_VOLUME_STATUS_REFS_H

#include "common.h"
#include "sys/format/json.h"

/** Distinct policyRefs, in the order found; those beyond the room are counted. */
#define LK_REFS_MAX 16u
struct lk_refs {
	struct {
		uint8_t data[LK_POLICY_REF_MAX];
		size_t len;
		unsigned int policies; /* signed ones with it, in tokens */
	} ref[LK_REFS_MAX];
	size_t n;
	bool more;
};

/** Adds the policy file's reference, and those of @h's tokens where @h isn't NULL. */
void lk_refs_collect(struct lk_refs *refs, const struct lk_policy_file *pf,
		     struct lk_volume_header *h);

/**
 * lk_refs_say - "references" and "shared-policy-ref" of the device
 * @text: on standard output too
 */
void lk_refs_say(const struct lk_refs *refs, struct lk_json *obj, bool text);

#endif
