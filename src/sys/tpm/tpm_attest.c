/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns quotes and certified counters. */
#include "sys/tpm/tpm_attest.h"

#include <string.h>

#include <tss2/tss2_mu.h>

#include "sys/crypto/crypto.h"
#include "sys/tpm/tpm_private.h"

/* No session salts or encrypts anything here: what is read is public, and what the key
 * signs is verified by who asked for it. */

static int find_attesting_object(struct lk_tpm *tpm, uint32_t handle, ESYS_TR *ret,
				 struct lk_err *err)
{
	TSS2_RC rc = Esys_TR_FromTPMPublic(lk_tpm_esys(tpm), handle, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, ret);

	if (lk_tpm_rc_base(rc) == TPM2_RC_HANDLE && handle == LK_HANDLE_AK)
		return lk_err_set(
			err, LK_E_OBJECT, rc,
			"the TPM has no attestation key at 0x%08x: \"latchkey-provision install\", run again with --owner-auth, makes one",
			handle);
	return rc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(rc, "reading a public area", err);
}

static int take_key(const TPM2B_PUBLIC *pub, const TPM2B_NAME *qualified, struct lk_tpm_ak *ret,
		    struct lk_err *err)
{
	struct lk_tpm_ak ak = { .public_len = 0 };
	const struct lk_name *own = &ak.key.qualified_name;
	int rc;

	if (Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, ak.public, sizeof(ak.public),
					&ak.public_len) != TSS2_RC_SUCCESS)
		return lk_err_set(err, LK_E_OBJECT, 0,
				  "0x%08x holds something else than an attestation key",
				  LK_HANDLE_AK);
	rc = lk_attest_key_parse((struct lk_bytes){ ak.public, ak.public_len }, lk_crypto_hash,
				 &ak.key, err);
	if (rc == LK_E_INPUT || rc == LK_E_POLICY) {
		lk_err_prefix(err, "0x%08x", LK_HANDLE_AK);
		return LK_E_OBJECT;
	}
	LK_TRY(rc);
	if (!lk_bytes_same((struct lk_bytes){ qualified->name, qualified->size },
			   (struct lk_bytes){ own->data, own->len }))
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"0x%08x: this attestation key isn't a primary one of the endorsement hierarchy",
			LK_HANDLE_AK);
	*ret = ak;
	return LK_OK;
}

int lk_tpm_ak_read(struct lk_tpm *tpm, struct lk_tpm_ak *ret, struct lk_err *err)
{
	TPM2B_PUBLIC *pub = NULL;
	TPM2B_NAME *qualified = NULL;
	ESYS_TR tr;
	TSS2_RC trc;
	int rc;

	LK_TRY(find_attesting_object(tpm, LK_HANDLE_AK, &tr, err));
	trc = Esys_ReadPublic(lk_tpm_esys(tpm), tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub,
			      NULL, &qualified);
	Esys_TR_Close(lk_tpm_esys(tpm), &tr);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "reading the attestation key", err);
	rc = take_key(pub, qualified, ret, err);
	Esys_Free(pub);
	Esys_Free(qualified);
	return rc;
}

bool lk_tpm_has_ak(struct lk_tpm *tpm)
{
	struct lk_tpm_ak ak;

	return lk_tpm_ak_read(tpm, &ak, NULL) == LK_OK;
}

static int take_attested(const TPM2B_ATTEST *attest, const TPMT_SIGNATURE *signature,
			 struct lk_tpm_attested *ret, struct lk_err *err)
{
	struct lk_tpm_attested out = { .attest_len = attest->size };

	if (attest->size > sizeof(out.attest) ||
	    Tss2_MU_TPMT_SIGNATURE_Marshal(signature, out.signature, sizeof(out.signature),
					   &out.signature_len) != TSS2_RC_SUCCESS)
		return lk_err_set(err, LK_E_OBJECT, 0,
				  "what the TPM has signed isn't of the form that was asked for");
	memcpy(out.attest, attest->attestationData, attest->size);
	*ret = out;
	return LK_OK;
}

/** @ret has room for what any TPM takes; a longer nonce is this program's mistake. */
static int take_nonce(struct lk_bytes nonce, TPM2B_DATA *ret, struct lk_err *err)
{
	*ret = (TPM2B_DATA){ .size = (UINT16)nonce.len };
	if (nonce.len > sizeof(ret->buffer))
		return lk_err_set(err, LK_E_INPUT, 0, "a nonce of %zu bytes: a TPM takes %zu",
				  nonce.len, sizeof(ret->buffer));
	if (nonce.len)
		memcpy(ret->buffer, nonce.data, nonce.len);
	return LK_OK;
}

static const TPMT_SIG_SCHEME own_scheme = { .scheme = TPM2_ALG_NULL };

int lk_tpm_quote(struct lk_tpm *tpm, struct lk_bytes nonce, const struct lk_pcr_selection *sel,
		 struct lk_tpm_attested *ret, struct lk_err *err)
{
	const TPML_PCR_SELECTION pcrs = {
		.count = 1,
		.pcrSelections = { { .hash = (TPMI_ALG_HASH)sel->bank,
				     .sizeofSelect = 3,
				     .pcrSelect = { (BYTE)sel->mask, (BYTE)(sel->mask >> 8),
						    (BYTE)(sel->mask >> 16) } } }
	};
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signature = NULL;
	TPM2B_DATA extra;
	ESYS_TR ak;
	TSS2_RC trc;
	int rc;

	LK_TRY(take_nonce(nonce, &extra, err));
	LK_TRY(find_attesting_object(tpm, LK_HANDLE_AK, &ak, err));
	trc = Esys_Quote(lk_tpm_esys(tpm), ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &extra,
			 &own_scheme, &pcrs, &attest, &signature);
	Esys_TR_Close(lk_tpm_esys(tpm), &ak);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "quoting PCRs", err);
	rc = take_attested(attest, signature, ret, err);
	Esys_Free(attest);
	Esys_Free(signature);
	return rc;
}

/** Both keys' handles; @ret_other is closed by the caller, and so is @ret_ak. */
static int find_both(struct lk_tpm *tpm, uint32_t other, ESYS_TR *ret_ak, ESYS_TR *ret_other,
		     struct lk_err *err)
{
	int rc;

	LK_TRY(find_attesting_object(tpm, LK_HANDLE_AK, ret_ak, err));
	rc = find_attesting_object(tpm, other, ret_other, err);
	if (rc != LK_OK)
		Esys_TR_Close(lk_tpm_esys(tpm), ret_ak);
	return rc;
}

int lk_tpm_certify_nv(struct lk_tpm *tpm, struct lk_bytes nonce, const struct lk_nv_whole *whole,
		      struct lk_tpm_attested *ret, struct lk_err *err)
{
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signature = NULL;
	TPM2B_DATA extra;
	ESYS_TR ak, nv;
	TSS2_RC trc;
	int rc;

	LK_TRY(take_nonce(nonce, &extra, err));
	LK_TRY(find_both(tpm, whole->index, &ak, &nv, err));
	trc = Esys_NV_Certify(lk_tpm_esys(tpm), ak, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD,
			      ESYS_TR_NONE, &extra, &own_scheme, whole->size, 0, &attest,
			      &signature);
	Esys_TR_Close(lk_tpm_esys(tpm), &ak);
	Esys_TR_Close(lk_tpm_esys(tpm), &nv);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "certifying an NV index", err);
	rc = take_attested(attest, signature, ret, err);
	Esys_Free(attest);
	Esys_Free(signature);
	return rc;
}

int lk_tpm_certify_counter(struct lk_tpm *tpm, struct lk_bytes nonce, uint32_t index,
			   struct lk_tpm_attested *ret, struct lk_err *err)
{
	return lk_tpm_certify_nv(tpm, nonce, &(struct lk_nv_whole){ index, 8 }, ret, err);
}

int lk_tpm_certify(struct lk_tpm *tpm, struct lk_bytes nonce, uint32_t handle,
		   struct lk_tpm_attested *ret, struct lk_err *err)
{
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signature = NULL;
	TPM2B_DATA extra;
	ESYS_TR ak, object;
	TSS2_RC trc;
	int rc;

	LK_TRY(take_nonce(nonce, &extra, err));
	LK_TRY(find_both(tpm, handle, &ak, &object, err));
	trc = Esys_Certify(lk_tpm_esys(tpm), object, ak, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD,
			   ESYS_TR_NONE, &extra, &own_scheme, &attest, &signature);
	Esys_TR_Close(lk_tpm_esys(tpm), &ak);
	Esys_TR_Close(lk_tpm_esys(tpm), &object);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "certifying a key", err);
	rc = take_attested(attest, signature, ret, err);
	Esys_Free(attest);
	Esys_Free(signature);
	return rc;
}
