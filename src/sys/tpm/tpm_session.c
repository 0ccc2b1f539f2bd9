/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns sessions, and handles that flush themselves. */
#include <stdlib.h>
#include <string.h>

#include "sys/crypto/crypto.h"
#include "sys/tpm/tpm_private.h"

void lk_tpm_handle_flush(struct lk_tpm_handle *h)
{
	if (h->tr != ESYS_TR_NONE)
		(void)Esys_FlushContext(lk_tpm_esys(h->tpm), h->tr);
	h->tr = ESYS_TR_NONE;
}

int lk_tpm_session(struct lk_tpm *tpm, ESYS_TR root, TPM2_SE type, enum lk_alg hash,
		   struct lk_tpm_handle *ret, struct lk_err *err)
{
	const TPMT_SYM_DEF aes = { .algorithm = TPM2_ALG_AES,
				   .keyBits.aes = 128,
				   .mode.aes = TPM2_ALG_CFB };
	const TPMA_SESSION attributes =
		TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION;
	/* The least that there may be (Part 3, TPM2_StartAuthSession); the
	 * TPM's own nonces, and each one after these, are as long. */
	TPM2B_NONCE nonce = { .size = 16 };
	ESYS_CONTEXT *esys = lk_tpm_esys(tpm);
	struct lk_tpm_handle session = LK_TPM_HANDLE_NONE(tpm);
	TSS2_RC rc;

	if (!lk_crypto_random(nonce.buffer, nonce.size))
		return lk_err_set(err, LK_E_SYSTEM, 0, "the random generator gives nothing");
	rc = Esys_StartAuthSession(esys, root, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				   ESYS_TR_NONE, &nonce, type, &aes, (TPMI_ALG_HASH)hash,
				   &session.tr);
	if (rc != TSS2_RC_SUCCESS)
		return lk_tpm_error(rc, "starting a session", err);
	rc = Esys_TRSess_SetAttributes(esys, session.tr, attributes, 0xff);
	if (rc != TSS2_RC_SUCCESS) {
		lk_tpm_handle_flush(&session);
		return lk_tpm_error(rc, "starting a session", err);
	}
	*ret = session;
	return LK_OK;
}

static int check_pin(ESYS_CONTEXT *esys, const struct lk_tpm_object *obj, ESYS_TR tr,
		     struct lk_err *err)
{
	TPM2B_NAME *name = NULL;
	TSS2_RC rc;
	bool same;

	if (obj->pinned.len == 0)
		return LK_OK;
	rc = Esys_TR_GetName(esys, tr, &name);
	if (rc != TSS2_RC_SUCCESS)
		return lk_tpm_error(rc, "reading a Name", err);
	same = name->size == obj->pinned.len &&
	       memcmp(name->name, obj->pinned.data, name->size) == 0;
	Esys_Free(name);
	if (!same)
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"the object at 0x%08x is another than the one whose Name the policy file pins or its owner has signed: this is another TPM, or it was cleared, or somebody on its bus answers for it",
			obj->handle);
	return LK_OK;
}

/* Whether a serialized form, which whoever writes the disk can change, at
 * least speaks of the handle that the policy file names. */
static bool speaks_of(ESYS_CONTEXT *esys, ESYS_TR tr, uint32_t handle)
{
	TPM2_HANDLE actual = 0;

	return Esys_TR_GetTpmHandle(esys, tr, &actual) == TSS2_RC_SUCCESS && actual == handle;
}

int lk_tpm_object_load(struct lk_tpm *tpm, const struct lk_tpm_object *obj, ESYS_TR *ret,
		       struct lk_err *err)
{
	ESYS_CONTEXT *esys = lk_tpm_esys(tpm);
	ESYS_TR tr = ESYS_TR_NONE;
	TSS2_RC rc = TSS2_ESYS_RC_BAD_VALUE;

	if (obj->serialized_len)
		rc = Esys_TR_Deserialize(esys, obj->serialized, obj->serialized_len, &tr);
	if (rc == TSS2_RC_SUCCESS && !speaks_of(esys, tr, obj->handle)) {
		(void)Esys_TR_Close(esys, &tr);
		rc = TSS2_ESYS_RC_BAD_VALUE;
	}
	if (rc != TSS2_RC_SUCCESS)
		rc = Esys_TR_FromTPMPublic(esys, obj->handle, ESYS_TR_NONE, ESYS_TR_NONE,
					   ESYS_TR_NONE, &tr);
	if (lk_tpm_rc_base(rc) == TPM2_RC_HANDLE)
		return lk_err_set(
			err, LK_E_OBJECT, rc,
			"the TPM has no object at 0x%08x: it was cleared, or is not the one that this disk was sealed in",
			obj->handle);
	if (rc != TSS2_RC_SUCCESS)
		return lk_tpm_error(rc, "finding an object", err);
	if (check_pin(esys, obj, tr, err) != LK_OK) {
		(void)Esys_TR_Close(esys, &tr);
		return LK_E_OBJECT;
	}
	*ret = tr;
	return LK_OK;
}

int lk_tpm_object_check(struct lk_tpm *tpm, const struct lk_tpm_object *obj, struct lk_err *err)
{
	ESYS_TR tr;

	LK_TRY(lk_tpm_object_load(tpm, obj, &tr, err));
	(void)Esys_TR_Close(lk_tpm_esys(tpm), &tr);
	return LK_OK;
}

void lk_tpm_wipe_free(void *p, size_t len)
{
	lk_wipe(p, p ? len : 0);
	Esys_Free(p);
}
