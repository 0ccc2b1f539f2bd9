/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the hierarchies' authorizations: given, tried by a command that changes nothing, changed. */
#include <stdio.h>
#include <string.h>

#include "sys/tpm/tpm_admin_private.h"

#define AUTH_MAX 32u

struct hierarchy {
	ESYS_TR tr;
	const char *name;
};

static const struct hierarchy *hierarchy_of(enum lk_hierarchy which)
{
	static const struct hierarchy all[] = {
		[LK_HIERARCHY_OWNER] = { ESYS_TR_RH_OWNER, "owner" },
		[LK_HIERARCHY_ENDORSEMENT] = { ESYS_TR_RH_ENDORSEMENT, "endorsement" },
		[LK_HIERARCHY_LOCKOUT] = { ESYS_TR_RH_LOCKOUT, "lockout" },
	};

	return &all[which];
}

int lk_tpm_use_auth(struct lk_tpm *tpm, enum lk_hierarchy which, const struct lk_secret *auth,
		    struct lk_err *err)
{
	TPM2B_AUTH value = { 0 };
	TSS2_RC trc;

	if (auth->len > AUTH_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "an authorization has at most %u bytes",
				  AUTH_MAX);
	value.size = (UINT16)auth->len;
	if (auth->len)
		memcpy(value.buffer, auth->data, auth->len);
	trc = Esys_TR_SetAuth(lk_tpm_esys(tpm), hierarchy_of(which)->tr, &value);
	lk_wipe(&value, sizeof(value));
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "setting an authorization", err);
}

int lk_tpm_owner_auth(struct lk_tpm *tpm, const struct lk_secret *auth, struct lk_err *err)
{
	return lk_tpm_use_auth(tpm, LK_HIERARCHY_OWNER, auth, err);
}

bool lk_admin_is_auth_refusal(TSS2_RC trc)
{
	return lk_tpm_rc_base(trc) == TPM2_RC_BAD_AUTH || lk_tpm_rc_base(trc) == TPM2_RC_AUTH_FAIL;
}

TSS2_RC lk_admin_try_entity(struct lk_admin *a, ESYS_TR entity)
{
	static const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	LK_OWNED_TPM_HANDLE trial = LK_TPM_HANDLE_NONE(a->tpm);
	TSS2_RC trc = Esys_StartAuthSession(a->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					    ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_TRIAL, &none,
					    TPM2_ALG_SHA256, &trial.tr);

	if (trc != TSS2_RC_SUCCESS)
		return trc;
	return Esys_PolicySecret(a->esys, entity, trial.tr, a->session.tr, ESYS_TR_NONE,
				 ESYS_TR_NONE, NULL, NULL, NULL, 0, NULL, NULL);
}

/* Of all hierarchies this one alone counts, and one wrong try locks it (Part 1,
 * 19.8.5). */
static int lockout_refused(const struct lk_tpm_info *info, TSS2_RC trc, struct lk_err *err)
{
	bool locked = lk_tpm_rc_base(trc) == TPM2_RC_LOCKOUT;
	char until[64] = "the TPM is reset, by a restart of the machine";

	if (info->lockout_recovery)
		(void)snprintf(until, sizeof(until), "%u s have passed with the power on",
			       info->lockout_recovery);
	if (locked)
		return lk_err_set(
			err, LK_E_LOCKED, trc,
			"the TPM takes no lockout authorization now, since a wrong one was tried before; nothing was changed, and this one wasn't compared; it can be tried again when %s",
			until);
	return lk_err_set(
		err, LK_E_POLICY, trc,
		"not the TPM's lockout authorization; nothing was changed; this was the one try that the TPM allows: it takes no lockout authorization again until %s (%u of %u other failures are counted, as before)",
		until, info->failures, info->max_tries);
}

int lk_tpm_check_auth(struct lk_tpm *tpm, enum lk_hierarchy which, struct lk_err *err)
{
	const struct hierarchy *h = hierarchy_of(which);
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	struct lk_tpm_info info;
	TSS2_RC trc;

	LK_TRY(lk_tpm_info_read(tpm, &info, err));
	LK_TRY(lk_admin_begin(tpm, 0, &a, err));
	trc = lk_admin_try_entity(&a, h->tr);
	if (which == LK_HIERARCHY_LOCKOUT &&
	    (lk_admin_is_auth_refusal(trc) || lk_tpm_rc_base(trc) == TPM2_RC_LOCKOUT))
		return lockout_refused(&info, trc, err);
	if (lk_admin_is_auth_refusal(trc))
		return lk_err_set(
			err, LK_E_POLICY, trc,
			"not the TPM's %s authorization; nothing was changed, and no failure was counted (%u of %u, as before)",
			h->name, info.failures, info.max_tries);
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "trying an authorization", err);
}

int lk_tpm_owner_auth_check(struct lk_tpm *tpm, struct lk_err *err)
{
	return lk_tpm_check_auth(tpm, LK_HIERARCHY_OWNER, err);
}

int lk_tpm_change_auth(struct lk_tpm *tpm, enum lk_hierarchy which, const struct lk_secret *auth,
		       struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	TPM2B_AUTH value = { 0 };
	TSS2_RC trc;

	if (auth->len == 0 || auth->len > AUTH_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "an authorization has 1 to %u bytes",
				  AUTH_MAX);
	LK_TRY(lk_admin_begin(tpm, TPMA_SESSION_DECRYPT, &a, err));
	value.size = (UINT16)auth->len;
	memcpy(value.buffer, auth->data, auth->len);
	trc = Esys_HierarchyChangeAuth(a.esys, hierarchy_of(which)->tr, a.session.tr, ESYS_TR_NONE,
				       ESYS_TR_NONE, &value);
	lk_wipe(&value, sizeof(value));
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "changing an authorization", err);
}

int lk_tpm_da_parameters(struct lk_tpm *tpm, const struct lk_da_parameters *da, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	TSS2_RC trc;

	LK_TRY(lk_admin_begin(tpm, 0, &a, err));
	trc = Esys_DictionaryAttackParameters(a.esys, ESYS_TR_RH_LOCKOUT, a.session.tr,
					      ESYS_TR_NONE, ESYS_TR_NONE, da->max_tries,
					      da->recovery_time, da->lockout_recovery);
	return trc == TSS2_RC_SUCCESS ? LK_OK
				      : lk_tpm_error(trc, "setting the lockout parameters", err);
}
