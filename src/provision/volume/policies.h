/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the signed policies of a volume's token as a set, and the floor under their versions. */
#ifndef LK_PROVISION_VOLUME_POLICIES_H
#define LK_PROVISION_VOLUME_POLICIES_H

#include "common.h"

/** A volume's header and token, to be read or changed. */
struct lk_policies {
	struct lk_volume_header *header;
	struct lk_token token;
	int lock;
};
#define LK_POLICIES_NONE                                                                           \
	{                                                                                          \
		.token = { .keyslot = -1 }, .lock = -1                                             \
	}
void lk_policies_done(struct lk_policies *p);
#define LK_OWNED_POLICIES __attribute__((cleanup(lk_policies_done))) struct lk_policies

/**
 * lk_policies_load - the token, and a lock until lk_policies_done
 *
 * Units that change tokens may run at once: who reads one to write it keeps
 * the others waiting, so that none writes back what another has changed.
 *
 * Return: LK_OK; LK_E_HEADER when the device has no LUKS2 header with its token.
 */
int lk_policies_load(const struct lk_target *target, struct lk_policies *p, struct lk_err *err);

/** The same for a further volume, whose lock is the first one's. */
int lk_policies_load_beside(const struct lk_target *target, struct lk_policies *p,
			    struct lk_err *err);

bool lk_policies_has(const struct lk_token *token, const struct lk_signed_policy *sp);
/**
 * lk_policies_opener - the policy that opened the volume in this boot
 * @booted: folder of what unlocks said; NULL: the usual one
 * @ret: in @token; NULL where none did, or it isn't in the token any more
 */
int lk_policies_opener(const char *booted, const struct lk_volume *vol,
		       const struct lk_token *token, const struct lk_signed_policy **ret,
		       struct lk_err *err);
/** However many there are; see lk_policies_make_room. */
int lk_policies_append(struct lk_token *token, const struct lk_signed_policy *sp,
		       struct lk_err *err);

/**
 * lk_policies_make_room - drop what is remembered of events, and then the lowest
 *	versions, until the token can be written
 * @n_before: how many of the first ones were there before; the newest of them
 *	stays, and the one that is remembered as having opened the volume last
 * @ret_kept: how many of those that were there before still are
 *
 * Return: LK_OK, LK_E_REFUSED when those that stay are too much, LK_E_SYSTEM.
 */
int lk_policies_make_room(struct lk_token *token, size_t n_before, size_t *ret_kept,
			  struct lk_err *err);

/** Under it the TPM accepts no version. */
struct lk_floor {
	bool known;
	uint64_t value;
};
/** Left unknown where @pf has none. */
int lk_floor_load(struct lk_tpm *tpm, const struct lk_policy_file *pf, struct lk_floor *ret,
		  struct lk_err *err);
/**
 * lk_policies_ask_tpm - the floor, and a warning where the volume is sealed for something else
 *
 * Nothing else about a token needs the TPM: where --tpm names none, one that isn't
 * there is no reason to refuse.
 */
int lk_policies_ask_tpm(const struct lk_options *opts, const struct lk_target *target,
			struct lk_floor *ret, struct lk_err *err);
/** Says so of a policy that is under it. */
void lk_floor_warn(const struct lk_floor *floor, const struct lk_signed_policy *sp);

#endif
