/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading the endorsement key and its certificate (TCG EK Credential Profile). */
#include <stdlib.h>
#include <string.h>

#include "sys/crypto/crypto_admin.h"
#include "sys/tpm/tpm_admin_private.h"

#define NV_RSA_CERTIFICATE 0x01c00002u
#define NV_ECC_CERTIFICATE 0x01c0000au

/** PolicySecret(endorsement) under SHA-256 (EK Credential Profile, B.6.2). */
#define EK_POLICY                                                                                  \
	{                                                                                          \
		.size = 32, .buffer = {                                                            \
			0x83,                                                                      \
			0x71,                                                                      \
			0x97,                                                                      \
			0x67,                                                                      \
			0x44,                                                                      \
			0x84,                                                                      \
			0xb3,                                                                      \
			0xf8,                                                                      \
			0x1a,                                                                      \
			0x90,                                                                      \
			0xcc,                                                                      \
			0x8d,                                                                      \
			0x46,                                                                      \
			0xa5,                                                                      \
			0xd7,                                                                      \
			0x24,                                                                      \
			0xfd,                                                                      \
			0x52,                                                                      \
			0xd7,                                                                      \
			0x6e,                                                                      \
			0x06,                                                                      \
			0x52,                                                                      \
			0x0b,                                                                      \
			0x64,                                                                      \
			0xf2,                                                                      \
			0xa1,                                                                      \
			0xda,                                                                      \
			0x1b,                                                                      \
			0x33,                                                                      \
			0x14,                                                                      \
			0x69,                                                                      \
			0xaa,                                                                      \
		}                                                                                  \
	}
#define EK_ATTRIBUTES                                                                              \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |        \
	 TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)
#define EK_SYMMETRIC                                                                               \
	{                                                                                          \
		.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB            \
	}

/** Templates L-1 and L-2. */
static const TPM2B_PUBLIC rsa_template = {
	.publicArea = {
		.type = TPM2_ALG_RSA,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = EK_ATTRIBUTES,
		.authPolicy = EK_POLICY,
		.parameters.rsaDetail = {
			.symmetric = EK_SYMMETRIC,
			.scheme.scheme = TPM2_ALG_NULL,
			.keyBits = 2048,
		},
		.unique.rsa.size = 256,
	},
};
static const TPM2B_PUBLIC ecc_template = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = EK_ATTRIBUTES,
		.authPolicy = EK_POLICY,
		.parameters.eccDetail = {
			.symmetric = EK_SYMMETRIC,
			.scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
		.unique.ecc = { .x.size = 32, .y.size = 32 },
	},
};

void lk_ek_done(struct lk_ek *ek)
{
	lk_buf_done(&ek->spki);
	lk_buf_done(&ek->certificate);
}

static int ecc_spki(const TPMS_ECC_POINT *point, struct lk_buf *ret, struct lk_err *err)
{
	struct lk_policy_key key = { .curve = LK_CURVE_P256 };
	uint8_t *der = calloc(1, LK_SPKI_MAX + 1);

	if (!der)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	if (point->x.size > 32 || point->y.size > 32) {
		free(der);
		return lk_err_set(err, LK_E_OBJECT, 0, "the endorsement key isn't on P-256");
	}
	memcpy(key.x + 32 - point->x.size, point->x.buffer, point->x.size);
	memcpy(key.y + 32 - point->y.size, point->y.buffer, point->y.size);
	*ret = (struct lk_buf){ der, lk_policy_key_to_spki(&key, der) };
	return LK_OK;
}

static int read_key(struct lk_tpm *tpm, const TPM2B_PUBLIC *template, struct lk_buf *ret,
		    struct lk_err *err)
{
	const TPM2B_SENSITIVE_CREATE none = { 0 };
	const TPML_PCR_SELECTION no_pcrs = { 0 };
	LK_OWNED_TPM_HANDLE ek = LK_TPM_HANDLE_NONE(tpm);
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	TPM2B_PUBLIC *pub = NULL;
	TSS2_RC trc;
	int rc;

	/* The hierarchy may have an authorization, which must not cross the bus. */
	LK_TRY(lk_admin_begin(tpm, TPMA_SESSION_DECRYPT, &a, err));
	trc = Esys_CreatePrimary(a.esys, ESYS_TR_RH_ENDORSEMENT, a.session.tr, ESYS_TR_NONE,
				 ESYS_TR_NONE, &none, template, NULL, &no_pcrs, &ek.tr, &pub, NULL,
				 NULL, NULL);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "making the endorsement key", err);
	const TPMU_PUBLIC_ID *id = &pub->publicArea.unique;

	/* The type that was asked for, and so is the union's member. */
	if (pub->publicArea.type != template->publicArea.type)
		rc = lk_err_set(
			err, LK_E_OBJECT, 0,
			"the TPM's endorsement key is of type 0x%04x, not the 0x%04x asked for",
			pub->publicArea.type, template->publicArea.type);
	else if (pub->publicArea.type == TPM2_ALG_RSA)
		rc = lk_crypto_rsa_spki((struct lk_bytes){ id->rsa.buffer, id->rsa.size }, ret,
					err);
	else
		rc = ecc_spki(&id->ecc, ret, err);
	Esys_Free(pub);
	return rc;
}

static int read_certificate(struct lk_tpm *tpm, uint32_t index, struct lk_buf *ret,
			    struct lk_err *err)
{
	struct lk_nv_public pub;
	int rc = lk_tpm_nv_read_public(tpm, index, &pub, err);

	if (rc != LK_OK || !pub.present)
		return rc;
	rc = lk_tpm_nv_read(tpm, index, ret, err);
	if (rc == LK_OK)
		ret->len = lk_crypto_der_length((struct lk_bytes){ ret->data, ret->len });
	return rc;
}

int lk_tpm_ek_read(struct lk_tpm *tpm, struct lk_ek *ret, struct lk_err *err)
{
	LK_OWNED_EK ek = { LK_BUF_NONE, LK_BUF_NONE };
	const TPM2B_PUBLIC *template = &ecc_template;
	int rc = read_certificate(tpm, NV_ECC_CERTIFICATE, &ek.certificate, err);

	if (rc == LK_OK && ek.certificate.len == 0) {
		lk_buf_done(&ek.certificate);
		rc = read_certificate(tpm, NV_RSA_CERTIFICATE, &ek.certificate, err);
		if (ek.certificate.len)
			template = &rsa_template;
	}
	if (rc == LK_OK)
		rc = read_key(tpm, template, &ek.spki, err);
	if (rc != LK_OK)
		return rc;
	*ret = ek;
	ek = (struct lk_ek){ LK_BUF_NONE, LK_BUF_NONE };
	return LK_OK;
}

int lk_tpm_ek_public(struct lk_tpm *tpm, struct lk_buf *ret, struct lk_err *err)
{
	bool ecc = false, rsa = false;

	/* The same choice as above, without the session that reading a certificate takes. */
	LK_TRY(lk_admin_handle_exists(tpm, NV_ECC_CERTIFICATE, &ecc, err));
	LK_TRY(lk_admin_handle_exists(tpm, NV_RSA_CERTIFICATE, &rsa, err));
	return read_key(tpm, rsa && !ecc ? &rsa_template : &ecc_template, ret, err);
}
