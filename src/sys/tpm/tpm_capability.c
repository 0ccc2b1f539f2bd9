/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns TPM2_GetCapability: an answer is read as what was asked for only where it says that it is that. */
#include "sys/tpm/tpm_private.h"

/* The count of the list that a capability selects in TPMU_CAPABILITIES. */
static bool count_of(const TPMS_CAPABILITY_DATA *data, UINT32 *ret)
{
	switch (data->capability) {
	case TPM2_CAP_HANDLES:
		*ret = data->data.handles.count;
		return true;
	case TPM2_CAP_TPM_PROPERTIES:
		*ret = data->data.tpmProperties.count;
		return true;
	case TPM2_CAP_COMMANDS:
		*ret = data->data.command.count;
		return true;
	default:
		return false;
	}
}

int lk_tpm_capability(struct lk_tpm *tpm, const struct lk_tpm_question *ask,
		      TPMS_CAPABILITY_DATA **ret, struct lk_err *err)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	UINT32 count = 0;
	TSS2_RC rc = Esys_GetCapability(lk_tpm_esys(tpm), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					ask->capability, ask->first, ask->count, NULL, &data);

	if (rc != TSS2_RC_SUCCESS)
		return lk_tpm_error(rc, ask->step, err);
	if (data->capability == ask->capability && count_of(data, &count) && count <= ask->count) {
		*ret = data;
		return LK_OK;
	}
	(void)lk_err_set(
		err, LK_E_NO_TPM, 0,
		"%s: the TPM doesn't answer what it was asked (capability %u, and not %u; %u entries of at most %u)",
		ask->step, data->capability, ask->capability, count, ask->count);
	Esys_Free(data);
	return LK_E_NO_TPM;
}
