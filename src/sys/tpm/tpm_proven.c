/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the session that is kept after an unseal, and the one command that is answered in it. */
#include <string.h>

#include "sys/tpm/tpm_private.h"

static void forget_session(struct lk_tpm *tpm)
{
	*lk_tpm_proven(tpm) = ESYS_TR_NONE;
}

void lk_tpm_proven_flush(struct lk_tpm *tpm)
{
	struct lk_tpm_handle session = { tpm, *lk_tpm_proven(tpm) };

	lk_tpm_handle_flush(&session);
	forget_session(tpm);
}

int lk_tpm_prove(struct lk_tpm *tpm, const struct lk_tpm_object *root, struct lk_err *err)
{
	struct lk_tpm_handle session = LK_TPM_HANDLE_NONE(tpm);
	ESYS_TR key;

	if (*lk_tpm_proven(tpm) != ESYS_TR_NONE)
		return LK_OK;
	LK_TRY(lk_tpm_object_load(tpm, root, &key, err));
	LK_TRY(lk_tpm_session(tpm, key, TPM2_SE_HMAC, LK_ALG_SHA256, &session, err));
	*lk_tpm_proven(tpm) = session.tr;
	return LK_OK;
}

/* A policy session can't audit, and a PCR's new values can't be encrypted: that
 * the event is encrypted to the TPM is what brings the session, and with it the
 * HMAC over command and answer, into the command. The last one ends it. */
static int arm(struct lk_tpm *tpm, struct lk_err *err)
{
	const TPMA_SESSION want = TPMA_SESSION_DECRYPT;
	ESYS_CONTEXT *esys = lk_tpm_esys(tpm);
	TPMA_SESSION got = 0;
	TSS2_RC rc = Esys_TRSess_SetAttributes(esys, *lk_tpm_proven(tpm), want, 0xff);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_TRSess_GetAttributes(esys, *lk_tpm_proven(tpm), &got);
	if (rc != TSS2_RC_SUCCESS || got != want)
		return lk_err_set(err, LK_E_SYSTEM, rc, "preparing the session for the latch");
	return LK_OK;
}

int lk_tpm_pcr_event(struct lk_tpm *tpm, unsigned int pcr, struct lk_bytes event,
		     struct lk_err *err)
{
	TPM2B_EVENT data = { .size = (UINT16)event.len };
	TPML_DIGEST_VALUES *digests = NULL;
	ESYS_TR session = *lk_tpm_proven(tpm);
	TSS2_RC rc;

	if (event.len > sizeof(data.buffer))
		return lk_err_set(err, LK_E_INPUT, 0, "an event has at most %zu bytes",
				  sizeof(data.buffer));
	memcpy(data.buffer, event.data, event.len);
	if (session != ESYS_TR_NONE)
		LK_TRY(arm(tpm, err));
	rc = Esys_PCR_Event(lk_tpm_esys(tpm), ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, session,
			    ESYS_TR_NONE, &data, &digests);
	Esys_Free(digests);
	if (rc == TSS2_RC_SUCCESS) {
		forget_session(tpm);
		return LK_OK;
	}
	/* One that is silent isn't asked to forget the session either. */
	if (lk_tpm_error(rc, "extending a PCR", err) != LK_E_NO_TPM)
		return lk_tpm_error(rc, "extending a PCR", err);
	forget_session(tpm);
	return LK_E_NO_TPM;
}
