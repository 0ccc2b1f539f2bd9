/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the TCG's templates of endorsement keys, and making one. */
#include "sys/tpm/tpm_ek.h"

#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "sys/tpm/tpm_ek_private.h"

/* Templates L-2 and L-1, then those of the high range: H-3, H-2, H-6, H-7, H-1. */
static const struct lk_ek_kind kinds[] = {
	{ 0x01c0000au, "ecc-p256", 0, LK_CURVE_P256, LK_ALG_SHA256, 128, false },
	{ 0x01c00002u, "rsa-2048", 2048, 0, LK_ALG_SHA256, 128, false },
	{ 0x01c00016u, "ecc-p384-high", 0, LK_CURVE_P384, LK_ALG_SHA384, 256, true },
	{ 0x01c00014u, "ecc-p256-high", 0, LK_CURVE_P256, LK_ALG_SHA256, 128, true },
	{ 0x01c0001cu, "rsa-3072-high", 3072, 0, LK_ALG_SHA384, 256, true },
	{ 0x01c0001eu, "rsa-4096-high", 4096, 0, LK_ALG_SHA384, 256, true },
	{ 0x01c00012u, "rsa-2048-high", 2048, 0, LK_ALG_SHA256, 128, true },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* PolicySecret(endorsement); and that or an NV index of the maker's (B.6.2, B.6.5). */
static const char policy_low[] = "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";
static const char policy_high_sha256[] =
	"ca3d0a99a2b93906f7a3342414efcfb3a385d44cd1fd459089d19b5071c0b7a0";
static const char policy_high_sha384[] =
	"b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12";

int lk_tpm_ek_kind(struct lk_tpm *tpm, const struct lk_ek_kind **ret, struct lk_err *err)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		const struct lk_tpm_question ask = { TPM2_CAP_HANDLES, kinds[i].certificate, 1,
						     "asking for handles" };
		TPMS_CAPABILITY_DATA *data = NULL;
		bool there;

		LK_TRY(lk_tpm_capability(tpm, &ask, &data, err));
		there = data->data.handles.count == 1 &&
			data->data.handles.handle[0] == kinds[i].certificate;
		Esys_Free(data);
		if (there) {
			*ret = &kinds[i];
			return LK_OK;
		}
	}
	*ret = &kinds[0];
	return LK_OK;
}

static void fill_template(const struct lk_ek_kind *kind, TPMT_PUBLIC *t)
{
	const char *policy = !kind->high		  ? policy_low
			     : kind->alg == LK_ALG_SHA256 ? policy_high_sha256
							  : policy_high_sha384;
	const TPMT_SYM_DEF_OBJECT aes = { .algorithm = TPM2_ALG_AES,
					  .keyBits.aes = kind->aes_bits,
					  .mode.aes = TPM2_ALG_CFB };
	size_t len = 0;

	*t = (TPMT_PUBLIC){
		.type = kind->bits ? TPM2_ALG_RSA : TPM2_ALG_ECC,
		.nameAlg = (TPMI_ALG_HASH)kind->alg,
		.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
				    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |
				    TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
				    (kind->high ? TPMA_OBJECT_USERWITHAUTH : 0),
	};
	(void)lk_hex_decode(policy, strlen(policy), t->authPolicy.buffer,
			    sizeof(t->authPolicy.buffer), &len);
	t->authPolicy.size = (UINT16)len;
	if (kind->bits) {
		t->parameters.rsaDetail = (TPMS_RSA_PARMS){ .symmetric = aes,
							    .scheme.scheme = TPM2_ALG_NULL,
							    .keyBits = kind->bits };
		t->unique.rsa.size = kind->high ? 0 : kind->bits / 8;
		return;
	}
	t->parameters.eccDetail = (TPMS_ECC_PARMS){ .symmetric = aes,
						    .scheme.scheme = TPM2_ALG_NULL,
						    .curveID = (TPMI_ECC_CURVE)kind->curve,
						    .kdf.scheme = TPM2_ALG_NULL };
	t->unique.ecc.x.size = t->unique.ecc.y.size =
		kind->high ? 0 : (UINT16)lk_curve_size(kind->curve);
}

int lk_ek_make(const struct lk_ek_making *m, struct lk_tpm_handle *ret,
	       uint8_t area[static LK_EK_AREA_MAX], size_t *ret_len, struct lk_err *err)
{
	const TPM2B_SENSITIVE_CREATE none = { 0 };
	const TPML_PCR_SELECTION no_pcrs = { 0 };
	LK_OWNED_TPM_HANDLE ek = LK_TPM_HANDLE_NONE(m->tpm);
	TPM2B_PUBLIC template = { 0 };
	TPM2B_PUBLIC *pub = NULL;
	size_t len = 0;
	TSS2_RC trc;

	fill_template(m->kind, &template.publicArea);
	trc = Esys_CreatePrimary(lk_tpm_esys(m->tpm), ESYS_TR_RH_ENDORSEMENT, m->session,
				 ESYS_TR_NONE, ESYS_TR_NONE, &none, &template, NULL, &no_pcrs,
				 &ek.tr, &pub, NULL, NULL, NULL);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "making the endorsement key", err);
	trc = Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, area, LK_EK_AREA_MAX, &len);
	Esys_Free(pub);
	if (trc != TSS2_RC_SUCCESS)
		return lk_err_set(err, LK_E_OBJECT, trc,
				  "the TPM's endorsement key isn't of the kind asked for");
	*ret_len = len;
	*ret = ek;
	ek = LK_TPM_HANDLE_NONE(m->tpm);
	return LK_OK;
}
