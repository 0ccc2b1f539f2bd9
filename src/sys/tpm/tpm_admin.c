/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns sessions, TPM properties and random numbers for provisioning. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "sys/tpm/tpm_admin_private.h"

#define RANDOM_CHUNK 32u /* a TPM gives at most a digest's size at a time */

void lk_admin_end(struct lk_admin *a)
{
	lk_tpm_handle_flush(&a->session);
	lk_tpm_handle_flush(&a->stand_in);
	if (a->srk != ESYS_TR_NONE)
		Esys_TR_Close(a->esys, &a->srk);
}

/**
 * Where there is no storage root key yet, sessions are salted with a primary of
 * the null hierarchy, which needs no authorization and is gone afterwards: the
 * authorizations are never compared over an unsalted session, which would let
 * who listens on the bus guess them at leisure.
 */
static int make_stand_in(struct lk_admin *a, struct lk_err *err)
{
	const TPM2B_SENSITIVE_CREATE none = { 0 };
	const TPML_PCR_SELECTION no_pcrs = { 0 };
	TSS2_RC trc = Esys_CreatePrimary(a->esys, ESYS_TR_RH_NULL, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					 ESYS_TR_NONE, &none, &lk_admin_srk_template, NULL,
					 &no_pcrs, &a->stand_in.tr, NULL, NULL, NULL, NULL);

	return trc == TSS2_RC_SUCCESS ? LK_OK
				      : lk_tpm_error(trc, "making a key for one session", err);
}

static int find_salt(struct lk_admin *a, ESYS_TR *ret, struct lk_err *err)
{
	TSS2_RC trc = Esys_TR_FromTPMPublic(a->esys, LK_HANDLE_SRK, ESYS_TR_NONE, ESYS_TR_NONE,
					    ESYS_TR_NONE, &a->srk);

	if (lk_tpm_rc_base(trc) == TPM2_RC_HANDLE) {
		a->srk = ESYS_TR_NONE;
		LK_TRY(make_stand_in(a, err));
		*ret = a->stand_in.tr;
		return LK_OK;
	}
	*ret = a->srk;
	return trc == TSS2_RC_SUCCESS ? LK_OK
				      : lk_tpm_error(trc, "finding the storage root key", err);
}

/* Something else may be at the root key's handle, and is named by who needs it as
 * a parent; to remove it, or to try an authorization, any salt will do. */
static int start_session(struct lk_admin *a, struct lk_err *err)
{
	struct lk_err why = { 0 };
	ESYS_TR salt = ESYS_TR_NONE;
	int rc;

	/* Where it is known which key it has to be, no other serves. */
	if (lk_tpm_pin(a->tpm)->name.len) {
		LK_TRY(lk_tpm_root_load(a->tpm, &a->srk, err));
		return lk_tpm_session(a->tpm, a->srk, TPM2_SE_HMAC, LK_ALG_SHA256, &a->session,
				      err);
	}
	LK_TRY(find_salt(a, &salt, err));
	rc = lk_tpm_session(a->tpm, salt, TPM2_SE_HMAC, LK_ALG_SHA256, &a->session, &why);
	switch (rc == LK_OK ? TSS2_RC_SUCCESS : lk_tpm_rc_base(why.code)) {
	case TPM2_RC_ATTRIBUTES:
	case TPM2_RC_KEY:
	case TPM2_RC_TYPE:
	case TSS2_ESYS_RC_BAD_VALUE:
	case TSS2_ESYS_RC_NOT_IMPLEMENTED:
		LK_TRY(make_stand_in(a, err));
		return lk_tpm_session(a->tpm, a->stand_in.tr, TPM2_SE_HMAC, LK_ALG_SHA256,
				      &a->session, err);
	default:
		return rc == LK_OK ? rc : lk_err_set(err, why.rc, why.code, "%s", why.msg);
	}
}

int lk_admin_begin(struct lk_tpm *tpm, TPMA_SESSION encrypt, struct lk_admin *ret,
		   struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	TPMA_SESSION want = encrypt | TPMA_SESSION_CONTINUESESSION;
	TPMA_SESSION got = 0;
	TSS2_RC trc;

	a.esys = lk_tpm_esys(tpm);
	LK_TRY(start_session(&a, err));
	trc = Esys_TRSess_SetAttributes(a.esys, a.session.tr, want, 0xff);
	if (trc == TSS2_RC_SUCCESS)
		trc = Esys_TRSess_GetAttributes(a.esys, a.session.tr, &got);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "preparing a session", err);
	/* Found before the command is sent, not after. */
	if ((got & want) != want)
		return lk_err_set(err, LK_E_SYSTEM, 0, "the session has lost its encryption");

	*ret = a;
	a = LK_ADMIN_NONE(tpm);
	return LK_OK;
}

int lk_admin_handle_exists(struct lk_tpm *tpm, uint32_t handle, bool *ret, struct lk_err *err)
{
	const struct lk_tpm_question ask = { TPM2_CAP_HANDLES, handle, 1, "asking for handles" };
	TPMS_CAPABILITY_DATA *data = NULL;

	LK_TRY(lk_tpm_capability(tpm, &ask, &data, err));
	*ret = data->data.handles.count == 1 && data->data.handles.handle[0] == handle;
	Esys_Free(data);
	return LK_OK;
}

int lk_admin_handle(struct lk_tpm *tpm, uint32_t handle, ESYS_TR *ret, struct lk_err *err)
{
	bool present = false;
	TSS2_RC trc;
	int rc = lk_admin_handle_exists(tpm, handle, &present, err);

	if (rc != LK_OK)
		return rc;
	if (!present)
		return lk_err_set(err, LK_E_OBJECT, 0, "the TPM has nothing at 0x%08x", handle);
	trc = Esys_TR_FromTPMPublic(lk_tpm_esys(tpm), handle, ESYS_TR_NONE, ESYS_TR_NONE,
				    ESYS_TR_NONE, ret);
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "reading a public area", err);
}

static void take_property(struct lk_tpm_info *info, TPMS_TAGGED_PROPERTY p)
{
	const char text[4] = { (char)(p.value >> 24), (char)(p.value >> 16), (char)(p.value >> 8),
			       (char)p.value };

	switch (p.property) {
	case TPM2_PT_FAMILY_INDICATOR:
		memcpy(info->family, text, 4);
		break;
	case TPM2_PT_REVISION:
		info->revision = p.value;
		break;
	case TPM2_PT_DAY_OF_YEAR:
		info->day_of_year = p.value;
		break;
	case TPM2_PT_YEAR:
		info->year = p.value;
		break;
	case TPM2_PT_MANUFACTURER:
		memcpy(info->vendor, text, 4);
		break;
	case TPM2_PT_VENDOR_STRING_1:
	case TPM2_PT_VENDOR_STRING_2:
	case TPM2_PT_VENDOR_STRING_3:
	case TPM2_PT_VENDOR_STRING_4:
		memcpy(info->vendor_string + 4 * (p.property - TPM2_PT_VENDOR_STRING_1), text, 4);
		break;
	case TPM2_PT_FIRMWARE_VERSION_1:
	case TPM2_PT_FIRMWARE_VERSION_2:
		info->firmware[p.property - TPM2_PT_FIRMWARE_VERSION_1] = p.value;
		break;
	default:
		break;
	}
}

static void take_variable(struct lk_tpm_info *info, TPMS_TAGGED_PROPERTY p)
{
	switch (p.property) {
	case TPM2_PT_PERMANENT:
		info->owner_auth_set = p.value & TPMA_PERMANENT_OWNERAUTHSET;
		info->endorsement_auth_set = p.value & TPMA_PERMANENT_ENDORSEMENTAUTHSET;
		info->lockout_auth_set = p.value & TPMA_PERMANENT_LOCKOUTAUTHSET;
		info->in_lockout = p.value & TPMA_PERMANENT_INLOCKOUT;
		break;
	case TPM2_PT_LOCKOUT_COUNTER:
		info->failures = p.value;
		break;
	case TPM2_PT_MAX_AUTH_FAIL:
		info->max_tries = p.value;
		break;
	case TPM2_PT_LOCKOUT_INTERVAL:
		info->recovery_time = p.value;
		break;
	case TPM2_PT_LOCKOUT_RECOVERY:
		info->lockout_recovery = p.value;
		break;
	default:
		break;
	}
}

/** The vendor's text may hold anything; a record and a terminal may not. */
static void make_printable(char *text, size_t size)
{
	size_t end = 0;

	for (size_t i = 0; i < size && text[i]; i++) {
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
		if (text[i] != ' ')
			end = i + 1;
	}
	text[end] = '\0';
}

static int read_properties(struct lk_tpm *tpm, uint32_t first, struct lk_tpm_info *info,
			   struct lk_err *err)
{
	const struct lk_tpm_question ask = { TPM2_CAP_TPM_PROPERTIES, first,
					     TPM2_MAX_TPM_PROPERTIES, "asking for TPM properties" };
	TPMS_CAPABILITY_DATA *data = NULL;

	LK_TRY(lk_tpm_capability(tpm, &ask, &data, err));
	for (uint32_t i = 0; i < data->data.tpmProperties.count; i++) {
		take_property(info, data->data.tpmProperties.tpmProperty[i]);
		take_variable(info, data->data.tpmProperties.tpmProperty[i]);
	}
	Esys_Free(data);
	return LK_OK;
}

static int has_command(struct lk_tpm *tpm, TPM2_CC command, bool *ret, struct lk_err *err)
{
	const struct lk_tpm_question ask = { TPM2_CAP_COMMANDS, command, 1,
					     "asking for TPM commands" };
	TPMS_CAPABILITY_DATA *data = NULL;

	LK_TRY(lk_tpm_capability(tpm, &ask, &data, err));
	*ret = data->data.command.count == 1 &&
	       (data->data.command.commandAttributes[0] & TPMA_CC_COMMANDINDEX_MASK) == command;
	Esys_Free(data);
	return LK_OK;
}

int lk_tpm_info_read(struct lk_tpm *tpm, struct lk_tpm_info *ret, struct lk_err *err)
{
	const TPMT_PUBLIC_PARMS aes256 = {
		.type = TPM2_ALG_SYMCIPHER,
		.parameters.symDetail.sym = { .algorithm = TPM2_ALG_AES,
					      .keyBits.aes = 256,
					      .mode.aes = TPM2_ALG_CFB },
	};
	struct lk_tpm_info info = { 0 };
	int rc = read_properties(tpm, TPM2_PT_FIXED, &info, err);

	if (rc == LK_OK)
		rc = read_properties(tpm, TPM2_PT_VAR, &info, err);
	if (rc == LK_OK)
		rc = has_command(tpm, TPM2_CC_EncryptDecrypt2, &info.has_encrypt_decrypt, err);
	if (rc != LK_OK)
		return rc;
	info.has_aes256 = Esys_TestParms(lk_tpm_esys(tpm), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
					 &aes256) == TSS2_RC_SUCCESS;
	make_printable(info.vendor, sizeof(info.vendor));
	make_printable(info.vendor_string, sizeof(info.vendor_string));
	make_printable(info.family, sizeof(info.family));
	*ret = info;
	return LK_OK;
}

int lk_tpm_pcr_read_proven(struct lk_tpm *tpm, const struct lk_pcr_selection *sel,
			   struct lk_pcr_values *ret, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);

	LK_TRY(lk_admin_begin(tpm, TPMA_SESSION_AUDIT, &a, err));
	return lk_tpm_pcr_read_in(tpm, a.session.tr, sel, ret, err);
}

static int random_chunk(struct lk_admin *a, struct lk_secret *out, size_t len, struct lk_err *err)
{
	TPM2B_DIGEST *bytes = NULL;
	size_t want = len - out->len < RANDOM_CHUNK ? len - out->len : RANDOM_CHUNK;
	TSS2_RC trc = Esys_GetRandom(a->esys, a->session.tr, ESYS_TR_NONE, ESYS_TR_NONE,
				     (UINT16)want, &bytes);

	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "asking for random bytes", err);
	size_t got = bytes->size < want ? bytes->size : want;

	for (size_t i = 0; i < got; i++)
		out->data[out->len + i] ^= bytes->buffer[i];
	lk_tpm_wipe_free(bytes, sizeof(*bytes));
	out->len += got;
	return got ? LK_OK : lk_err_set(err, LK_E_SYSTEM, 0, "the TPM gives no random bytes");
}

int lk_tpm_random(struct lk_tpm *tpm, struct lk_secret *ret, size_t len, struct lk_err *err)
{
	LK_OWNED_ADMIN a = LK_ADMIN_NONE(tpm);
	LK_OWNED_SECRET out = LK_SECRET_NONE;
	int rc = lk_secret_init(&out, len, err);

	if (rc == LK_OK && getrandom(out.data, len, 0) != (ssize_t)len)
		rc = lk_err_set(err, LK_E_SYSTEM, (uint32_t)errno,
				"the kernel gives no random bytes");
	if (rc == LK_OK)
		rc = lk_admin_begin(tpm, TPMA_SESSION_ENCRYPT, &a, err);
	while (rc == LK_OK && out.len < len)
		rc = random_chunk(&a, &out, len, err);
	if (rc != LK_OK)
		return rc;
	*ret = lk_secret_take(&out);
	return LK_OK;
}
