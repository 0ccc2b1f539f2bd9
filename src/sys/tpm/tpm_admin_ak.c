/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making the attestation key. */
#include "core/attest/attest_key.h"
#include "sys/tpm/tpm_admin_private.h"

static const TPM2B_PUBLIC template = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = LK_AK_ATTRIBUTES,
		.parameters.eccDetail = {
			.symmetric.algorithm = TPM2_ALG_NULL,
			.scheme = { .scheme = TPM2_ALG_ECDSA,
				    .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
		.unique.ecc = { .x.size = 32, .y.size = 32 },
	},
};

int lk_tpm_ak_make(struct lk_tpm *tpm, struct lk_err *err)
{
	const TPM2B_SENSITIVE_CREATE none = { 0 };
	const TPML_PCR_SELECTION no_pcrs = { 0 };
	LK_OWNED_NEW_OBJECT ak = { tpm, ESYS_TR_NONE, { 0 } };
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	TSS2_RC trc;

	/* The hierarchy may have an authorization, which must not cross the bus. */
	LK_TRY(lk_admin_begin(tpm, TPMA_SESSION_DECRYPT, &a, err));
	trc = Esys_CreatePrimary(a.esys, ESYS_TR_RH_ENDORSEMENT, a.session.tr, ESYS_TR_NONE,
				 ESYS_TR_NONE, &none, &template, NULL, &no_pcrs, &ak.transient,
				 NULL, NULL, NULL, NULL);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "making the attestation key", err);
	lk_admin_end(&a);
	return lk_tpm_persist(tpm, &ak, LK_HANDLE_AK, err);
}
