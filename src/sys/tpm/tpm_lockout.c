/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading the TPM's dictionary-attack state. */
#include "sys/tpm/tpm_private.h"

static uint32_t property(const TPML_TAGGED_TPM_PROPERTY *list, TPM2_PT which)
{
	for (UINT32 i = 0; i < list->count; i++)
		if (list->tpmProperty[i].property == which)
			return list->tpmProperty[i].value;
	return 0;
}

int lk_tpm_lockout_read(struct lk_tpm *tpm, struct lk_tpm_lockout *ret, struct lk_err *err)
{
	static const struct lk_tpm_question ask = { TPM2_CAP_TPM_PROPERTIES,
						    TPM2_PT_LOCKOUT_COUNTER, 4,
						    "reading the lockout state" };
	const TPML_TAGGED_TPM_PROPERTY *list;
	TPMS_CAPABILITY_DATA *data = NULL;

	LK_TRY(lk_tpm_capability(tpm, &ask, &data, err));
	list = &data->data.tpmProperties;
	ret->counter = property(list, TPM2_PT_LOCKOUT_COUNTER);
	ret->max_tries = property(list, TPM2_PT_MAX_AUTH_FAIL);
	ret->interval_s = property(list, TPM2_PT_LOCKOUT_INTERVAL);
	Esys_Free(data);
	return LK_OK;
}
