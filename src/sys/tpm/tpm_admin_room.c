/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the TPM has room for, what lies at a range of handles, and taking our authorizations away. */
#include "sys/tpm/tpm_admin_private.h"

/** @ret untouched where the TPM doesn't say. */
static int read_property(struct lk_tpm *tpm, TPM2_PT which, bool *ret_told, uint32_t *ret,
			 struct lk_err *err)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TSS2_RC trc = Esys_GetCapability(lk_tpm_esys(tpm), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 TPM2_CAP_TPM_PROPERTIES, which, 1, NULL, &data);

	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "asking what the TPM has room for", err);
	*ret_told = data->data.tpmProperties.count == 1 &&
		    data->data.tpmProperties.tpmProperty[0].property == which;
	if (*ret_told)
		*ret = data->data.tpmProperties.tpmProperty[0].value;
	Esys_Free(data);
	return LK_OK;
}

int lk_tpm_check_room(struct lk_tpm *tpm, unsigned int objects, unsigned int counters,
		      struct lk_err *err)
{
	uint32_t persistent = 0, most = 0, left = 0;
	bool told = false, limited = false;

	if (objects)
		LK_TRY(read_property(tpm, TPM2_PT_HR_PERSISTENT_AVAIL, &told, &persistent, err));
	if (told && persistent < objects)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"the TPM has room for %u more persistent objects, and %u are needed; nothing was changed; \"tpm2_getcap handles-persistent\" shows what it holds, and \"tpm2_evictcontrol\" takes away what nobody needs",
			persistent, objects);
	told = false;
	if (counters)
		LK_TRY(read_property(tpm, TPM2_PT_NV_COUNTERS_MAX, &limited, &most, err));
	if (limited && most)
		LK_TRY(read_property(tpm, TPM2_PT_NV_COUNTERS_AVAIL, &told, &left, err));
	if (told && left < counters)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"the TPM has room for %u more NV counters, and %u are needed; nothing was changed; \"tpm2_getcap handles-nv-index\" shows what it holds",
			left, counters);
	return LK_OK;
}

int lk_tpm_list(struct lk_tpm *tpm, uint32_t first, uint32_t last, struct lk_handles *ret,
		struct lk_err *err)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TSS2_RC trc = Esys_GetCapability(lk_tpm_esys(tpm), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 TPM2_CAP_HANDLES, first, LK_HANDLES_MAX, NULL, &data);

	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "asking for handles", err);
	ret->n = 0;
	for (UINT32 i = 0; i < data->data.handles.count && ret->n < LK_HANDLES_MAX; i++)
		if (data->data.handles.handle[i] >= first && data->data.handles.handle[i] <= last)
			ret->handle[ret->n++] = data->data.handles.handle[i];
	Esys_Free(data);
	return LK_OK;
}

int lk_tpm_lockout_clear(struct lk_tpm *tpm, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	TSS2_RC trc;

	LK_TRY(lk_admin_begin(tpm, 0, &a, err));
	trc = Esys_DictionaryAttackLockReset(a.esys, ESYS_TR_RH_LOCKOUT, a.session.tr, ESYS_TR_NONE,
					     ESYS_TR_NONE);
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "ending the lockout", err);
}

int lk_tpm_empty_auth(struct lk_tpm *tpm, enum lk_hierarchy which, struct lk_err *err)
{
	const ESYS_TR hierarchy =
		which == LK_HIERARCHY_OWNER ? ESYS_TR_RH_OWNER : ESYS_TR_RH_LOCKOUT;
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	const TPM2B_AUTH empty = { 0 };
	TSS2_RC trc;

	LK_TRY(lk_admin_begin(tpm, 0, &a, err));
	trc = Esys_HierarchyChangeAuth(a.esys, hierarchy, a.session.tr, ESYS_TR_NONE, ESYS_TR_NONE,
				       &empty);
	return trc == TSS2_RC_SUCCESS ? LK_OK
				      : lk_tpm_error(trc, "taking an authorization away", err);
}
