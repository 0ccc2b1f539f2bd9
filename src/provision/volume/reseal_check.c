/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what reseal refuses before it changes anything: policies that would open the new object too, another's object. */
#include "volume/reseal_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "volume/policies.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"

/** What a signed policy of another selection would still do. */
struct old_policies {
	const struct lk_policy_file *pf;
	struct lk_name key;
	struct lk_floor floor;
};

static bool is_of_key_and_ref(const struct old_policies *o, const struct lk_signed_policy *sp)
{
	const struct lk_policy_file *pf = o->pf;

	return sp->key.len == o->key.len && memcmp(sp->key.data, o->key.data, o->key.len) == 0 &&
	       sp->policy_ref_len == pf->policy_ref_len &&
	       memcmp(sp->policy_ref, pf->policy_ref, pf->policy_ref_len) == 0;
}

/** By what the TPM compares: PolicyAuthorize knows key and policyRef alone. */
static int check_old(const struct lk_token *token, void *data, struct lk_err *err)
{
	const struct old_policies *o = data;

	for (size_t i = 0; i < token->n_policies; i++) {
		const struct lk_signed_policy *sp = &token->policies[i];
		char have[LK_PCR_MASK_TEXT], want[LK_PCR_MASK_TEXT];

		if (!is_of_key_and_ref(o, sp) ||
		    (sp->pcrs.sel.mask == o->pf->pcrs.mask &&
		     sp->pcrs.sel.bank == o->pf->pcrs.bank &&
		     sp->version_floor == o->pf->version_floor) ||
		    (sp->version_floor && o->floor.known && sp->version < o->floor.value))
			continue;
		lk_pcr_mask_format(sp->pcrs.sel.mask, have);
		lk_pcr_mask_format(o->pf->pcrs.mask, want);
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"policy-ref: it has to be a new one, since the policies signed with this one for another selection (version %u: %s:%s, and not %s:%s) would open the volume still; nothing was changed",
			sp->version, lk_alg_name(sp->pcrs.sel.bank), have,
			lk_alg_name(o->pf->pcrs.bank), want);
	}
	return LK_OK;
}

static int check_old_policies(struct lk_tpm *tpm, struct lk_volume_header *h,
			      const struct lk_policy_file *pf, struct lk_err *err)
{
	struct old_policies o = { .pf = pf };

	if (lk_policy_key_name(&o.pf->key, lk_crypto_hash, &o.key) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	LK_TRY(lk_floor_load(tpm, pf, &o.floor, err));
	return lk_token_each(h, check_old, &o, err);
}

/** An interrupted run has left its mark for this very handle. */
static bool was_interrupted(const struct lk_volume_header *h, uint32_t vol_handle)
{
	uint32_t handle = 0;

	return sscanf(lk_volume_header_subsystem(h), LK_MARK_RESEAL "%*d/%*d@%" SCNx32, &handle) ==
		       1 &&
	       handle == vol_handle;
}

/** A run for another handle was cut short: nothing but these words knows of what it left. */
static void tell_of_another(struct lk_tpm *tpm, struct lk_volume_header *h, uint32_t handle)
{
	struct lk_tpm_public pub;
	uint32_t other = 0;

	if (sscanf(lk_volume_header_subsystem(h), LK_MARK_RESEAL "%*d/%*d@%" SCNx32, &other) != 1 ||
	    other == handle || other < LK_HANDLE_VOLUME_MIN || other > LK_HANDLE_VOLUME_MAX ||
	    lk_token_load(h, other, NULL, NULL) == LK_OK ||
	    lk_tpm_read_public(tpm, other, &pub, NULL) != LK_OK || !pub.present)
		return;
	lk_log(LK_LOG_WARNING,
	       "a reseal to handle 0x%08x was cut short, and left an object there: \"latchkey-provision remove --handle 0x%08x\" takes it out of the TPM, if no other volume is sealed there",
	       other, other);
}

/** Beside what is sealed at another handle, an object may be another volume's. */
static int check_handle(struct lk_tpm *tpm, struct lk_volume_header *h, uint32_t handle,
			bool replace, struct lk_err *err)
{
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	struct lk_tpm_public pub;
	bool has_token = lk_token_load(h, handle, &token, NULL) == LK_OK;

	tell_of_another(tpm, h, handle);
	/* For a moment there are two, the new one at the spare handle, which may have one already. */
	LK_TRY(lk_tpm_read_public(tpm, lk_token_spare_handle(handle), &pub, err));
	if (!pub.present)
		LK_TRY(lk_tpm_check_room(tpm, 1, 0, err));
	LK_TRY(lk_tpm_read_public(tpm, handle, &pub, err));
	if (!pub.present)
		return lk_tpm_check_room(tpm, 1, 0, err);
	if (replace || was_interrupted(h, handle))
		return LK_OK;
	/* A disk that was moved brings a token of another TPM's object along. */
	if (has_token && !lk_token_is_of(&token, &pub))
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"handle: 0x%08x holds another object than the one that this volume's token was written for: another volume's, or this one's of after the disk was copied; nothing was changed; where nobody needs it, \"latchkey-provision reseal --replace-object\" takes its place; else give the volume another handle in the policy file",
			handle);
	if (has_token || !lk_token_count(h))
		return LK_OK;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"handle: 0x%08x holds an object that this volume has no token for, perhaps another volume's; nothing was changed; where nobody needs it, \"latchkey-provision reseal --replace-object\" takes its place, and \"latchkey-provision remove --handle 0x%08x\" takes it away",
		handle, handle);
}

int lk_reseal_check(struct lk_tpm *tpm, struct lk_volume_header *h, const struct lk_target *target,
		    bool replace_object, struct lk_err *err)
{
	LK_TRY(check_old_policies(tpm, h, &target->pf, err));
	return check_handle(tpm, h, target->vol->handle, replace_object, err);
}
