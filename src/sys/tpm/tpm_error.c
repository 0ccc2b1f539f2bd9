/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what response codes of the TPM and its library mean to a caller. */
#include "sys/tpm/tpm_private.h"

TSS2_RC lk_tpm_rc_base(TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

	if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER)
		return rc;
	rc &= ~TSS2_RC_LAYER_MASK;
	/* Format one carries a parameter, handle or session number (Part 2,
	 * 6.6.2) in bits 6 and 8 to 11. */
	return rc & TPM2_RC_FMT1 ? rc & 0xbfu : rc;
}

bool lk_tpm_rc_is_full_of_sessions(TSS2_RC rc)
{
	return rc == TPM2_RC_SESSION_MEMORY || rc == TPM2_RC_SESSION_HANDLES ||
	       rc == TPM2_RC_CONTEXT_GAP;
}

bool lk_tpm_rc_is_full(TSS2_RC rc)
{
	return rc == TPM2_RC_OBJECT_MEMORY || rc == TPM2_RC_OBJECT_HANDLES ||
	       rc == TPM2_RC_MEMORY || lk_tpm_rc_is_full_of_sessions(rc);
}

static int is_full(TSS2_RC rc, const char *step, struct lk_err *err)
{
	bool sessions = lk_tpm_rc_is_full_of_sessions(lk_tpm_rc_base(rc));

	return lk_err_set(
		err, LK_E_NO_TPM, rc,
		"%s: the TPM is full of %s of other programs (0x%08x; tpm2_getcap %s lists them): end those programs, or flush what they have left (tpm2_flushcontext), or restart the machine",
		step, sessions ? "sessions" : "objects", rc,
		sessions ? "handles-saved-session" : "handles-transient");
}

int lk_tpm_error(TSS2_RC rc, const char *step, struct lk_err *err)
{
	if (lk_tpm_rc_is_full(lk_tpm_rc_base(rc)))
		return is_full(rc, step, err);
	switch (lk_tpm_rc_base(rc)) {
	case TPM2_RC_LOCKOUT:
		return lk_err_set(err, LK_E_LOCKED, rc,
				  "%s: the TPM is in dictionary-attack lockout", step);
	case TPM2_RC_PCR_CHANGED:
		return lk_err_set(err, LK_E_AGAIN, rc, "%s: a PCR changed in mid-session", step);
	case TPM2_RC_HANDLE:
		return lk_err_set(err, LK_E_OBJECT, rc, "%s: the TPM has no such object", step);
	case TSS2_ESYS_RC_RSP_AUTH_FAILED:
	case TSS2_SYS_RC_BAD_SEQUENCE: /* the answer has no session */
		return lk_err_set(
			err, LK_E_SYSTEM, rc,
			"%s: the answer isn't that of the TPM that the session was started with: something between this program and the TPM has changed it",
			step);
	case TSS2_TCTI_RC_IO_ERROR:
	case TSS2_TCTI_RC_NO_CONNECTION:
	case TSS2_TCTI_RC_MALFORMED_RESPONSE:
	case TSS2_ESYS_RC_MALFORMED_RESPONSE:
		return lk_err_set(err, LK_E_NO_TPM, rc, "%s: the TPM doesn't answer", step);
	default:
		return lk_err_set(err, LK_E_SYSTEM, rc, "%s: %s (0x%08x)", step, Tss2_RC_Decode(rc),
				  rc);
	}
}
