/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the endorsement key of who attests: its certificate, and activating credentials. */
#include <stdlib.h>
#include <string.h>

#include "sys/tpm/tpm_ek_private.h"
#include "sys/tpm/tpm_places.h"

#define CHAIN_INDICES 32u
#define NV_CHUNK      512u /* TPM2_PT_NV_BUFFER_MAX is at least that */

struct lk_tpm_ek {
	struct lk_tpm *tpm;
	const struct lk_ek_kind *kind;
	bool has_auth;
	struct lk_tpm_handle key;
	uint8_t area[LK_EK_AREA_MAX];
	size_t area_len;
};

/* An authorization must not cross the bus in clear; the empty one may. */
static int begin(struct lk_tpm *tpm, bool has_auth, struct lk_tpm_handle *ret, ESYS_TR *ret_tr,
		 struct lk_err *err)
{
	ESYS_TR root;
	int rc;

	*ret_tr = ESYS_TR_PASSWORD;
	if (!has_auth)
		return LK_OK;
	LK_TRY(lk_tpm_root_load(tpm, &root, err));
	rc = lk_tpm_session(tpm, root, TPM2_SE_HMAC, LK_ALG_SHA256, ret, err);
	Esys_TR_Close(lk_tpm_esys(tpm), &root);
	*ret_tr = ret->tr;
	return rc;
}

static int use_auth(struct lk_tpm *tpm, const struct lk_secret *auth, struct lk_err *err)
{
	TPM2B_AUTH value = { .size = (UINT16)auth->len };
	TSS2_RC trc;

	if (auth->len > sizeof(value.buffer))
		return lk_err_set(err, LK_E_INPUT, 0, "the authorization is too long");
	memcpy(value.buffer, auth->data, auth->len);
	trc = Esys_TR_SetAuth(lk_tpm_esys(tpm), ESYS_TR_RH_ENDORSEMENT, &value);
	lk_wipe(&value, sizeof(value));
	return trc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(trc, "giving the authorization", err);
}

int lk_tpm_ek_load(struct lk_tpm *tpm, const struct lk_secret *auth, struct lk_tpm_ek **ret,
		   struct lk_err *err)
{
	struct lk_tpm_ek *ek = calloc(1, sizeof(*ek));
	LK_OWNED_TPM_HANDLE session = LK_TPM_HANDLE_NONE(tpm);
	struct lk_ek_making making = { .tpm = tpm };
	int rc;

	if (!ek)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	*ek = (struct lk_tpm_ek){ .tpm = tpm,
				  .has_auth = auth && auth->len,
				  .key = LK_TPM_HANDLE_NONE(tpm) };
	rc = ek->has_auth ? use_auth(tpm, auth, err) : LK_OK;
	if (rc == LK_OK)
		rc = lk_tpm_ek_kind(tpm, &ek->kind, err);
	making.kind = ek->kind;
	if (rc == LK_OK)
		rc = begin(tpm, ek->has_auth, &session, &making.session, err);
	if (rc == LK_OK)
		rc = lk_ek_make(&making, &ek->key, ek->area, &ek->area_len, err);
	if (rc != LK_OK) {
		lk_tpm_ek_free(ek);
		return rc;
	}
	*ret = ek;
	return LK_OK;
}

void lk_tpm_ek_free(struct lk_tpm_ek *ek)
{
	if (ek)
		lk_tpm_handle_flush(&ek->key);
	free(ek);
}

struct lk_bytes lk_tpm_ek_area(const struct lk_tpm_ek *ek)
{
	return (struct lk_bytes){ ek->area, ek->area_len };
}

/* Its certificate. */

static TSS2_RC read_nv(ESYS_CONTEXT *esys, ESYS_TR nv, size_t size, struct lk_buf *into)
{
	size_t end = into->len + size;
	uint8_t *grown = realloc(into->data, end + 1);

	if (!grown)
		return TSS2_ESYS_RC_MEMORY;
	into->data = grown;
	for (size_t at = 0; into->len < end;) {
		size_t want = end - into->len < NV_CHUNK ? end - into->len : NV_CHUNK;
		TPM2B_MAX_NV_BUFFER *data = NULL;
		TSS2_RC trc = Esys_NV_Read(esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					   ESYS_TR_NONE, (UINT16)want, (UINT16)at, &data);

		if (trc != TSS2_RC_SUCCESS)
			return trc;
		if (data->size != want) {
			Esys_Free(data);
			return TSS2_ESYS_RC_MALFORMED_RESPONSE;
		}
		memcpy(into->data + into->len, data->buffer, want);
		into->len += want;
		at += want;
		Esys_Free(data);
	}
	into->data[into->len] = '\0';
	return TSS2_RC_SUCCESS;
}

/* What its own empty authorization reads, and where that costs nothing; else nothing is read. */
static int append_nv(struct lk_tpm *tpm, uint32_t index, size_t cap, struct lk_buf *into,
		     struct lk_err *err)
{
	ESYS_CONTEXT *esys = lk_tpm_esys(tpm);
	const TPMA_NV free_to_read = TPMA_NV_AUTHREAD | TPMA_NV_NO_DA | TPMA_NV_WRITTEN;
	TPM2B_NV_PUBLIC *pub = NULL;
	ESYS_TR nv;
	TSS2_RC trc =
		Esys_TR_FromTPMPublic(esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv);

	if (lk_tpm_rc_base(trc) == TPM2_RC_HANDLE)
		return LK_OK;
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "reading an NV public area", err);
	trc = Esys_NV_ReadPublic(esys, nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub, NULL);
	if (trc == TSS2_RC_SUCCESS && (pub->nvPublic.attributes & free_to_read) == free_to_read &&
	    pub->nvPublic.dataSize <= cap - into->len)
		trc = read_nv(esys, nv, pub->nvPublic.dataSize, into);
	Esys_Free(pub);
	Esys_TR_Close(esys, &nv);
	return trc == TSS2_RC_SUCCESS
		       ? LK_OK
		       : lk_tpm_error(trc, "reading the endorsement certificate", err);
}

int lk_tpm_ek_certificate(struct lk_tpm_ek *ek, struct lk_buf *ret, struct lk_buf *ret_chain,
			  struct lk_err *err)
{
	const struct lk_tpm_question ask = { TPM2_CAP_HANDLES, LK_NV_EK_CHAIN_FIRST, CHAIN_INDICES,
					     "asking for handles" };
	TPMS_CAPABILITY_DATA *data = NULL;
	LK_OWNED_BUF certificate = LK_BUF_NONE;
	LK_OWNED_BUF chain = LK_BUF_NONE;
	int rc = LK_OK;

	LK_TRY(append_nv(ek->tpm, ek->kind->certificate, LK_EK_CERTIFICATE_MAX, &certificate, err));
	LK_TRY(lk_tpm_capability(ek->tpm, &ask, &data, err));
	for (UINT32 i = 0; rc == LK_OK && i < data->data.handles.count; i++)
		if (data->data.handles.handle[i] <= LK_NV_EK_CHAIN_LAST)
			rc = append_nv(ek->tpm, data->data.handles.handle[i], LK_EK_CHAIN_BYTES_MAX,
				       &chain, err);
	Esys_Free(data);
	if (rc != LK_OK)
		return rc;
	*ret = certificate;
	*ret_chain = chain;
	certificate = chain = LK_BUF_NONE;
	return LK_OK;
}

/* Activating. */

/* PolicySecret(endorsement), for a template of the low range. */
static int authorize(struct lk_tpm_ek *ek, struct lk_tpm_handle *policy, struct lk_err *err)
{
	ESYS_CONTEXT *esys = lk_tpm_esys(ek->tpm);
	const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	LK_OWNED_TPM_HANDLE session = LK_TPM_HANDLE_NONE(ek->tpm);
	ESYS_TR authorization;
	TSS2_RC trc;

	LK_TRY(begin(ek->tpm, ek->has_auth, &session, &authorization, err));
	trc = Esys_StartAuthSession(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				    ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none, TPM2_ALG_SHA256,
				    &policy->tr);
	if (trc == TSS2_RC_SUCCESS)
		trc = Esys_PolicySecret(esys, ESYS_TR_RH_ENDORSEMENT, policy->tr, authorization,
					ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL, NULL, 0, NULL,
					NULL);
	return trc == TSS2_RC_SUCCESS ? LK_OK
				      : lk_tpm_error(trc, "authorizing the endorsement key", err);
}

static bool is_not_for_us(TSS2_RC trc)
{
	TSS2_RC base = lk_tpm_rc_base(trc);

	return base == TPM2_RC_INTEGRITY || base == TPM2_RC_ECC_POINT || base == TPM2_RC_SIZE ||
	       base == TPM2_RC_VALUE || base == TPM2_RC_INSUFFICIENT;
}

int lk_tpm_ek_activate(struct lk_tpm_ek *ek, const struct lk_credential *credential,
		       uint8_t ret[static LK_CREDENTIAL_SECRET_SIZE], size_t *ret_len,
		       struct lk_err *err)
{
	ESYS_CONTEXT *esys = lk_tpm_esys(ek->tpm);
	TPM2B_ID_OBJECT blob = { .size = (UINT16)credential->blob_len };
	TPM2B_ENCRYPTED_SECRET secret = { .size = (UINT16)credential->secret_len };
	LK_OWNED_TPM_HANDLE policy = LK_TPM_HANDLE_NONE(ek->tpm);
	TPM2B_DIGEST *inside = NULL;
	ESYS_TR ak;
	TSS2_RC trc;
	int rc = LK_OK;

	if (credential->blob_len > sizeof(blob.credential) ||
	    credential->secret_len > sizeof(secret.secret))
		return lk_err_set(err, LK_E_INPUT, 0, "the credential is longer than a TPM takes");
	memcpy(blob.credential, credential->blob, credential->blob_len);
	memcpy(secret.secret, credential->secret, credential->secret_len);
	if (!ek->kind->high)
		LK_TRY(authorize(ek, &policy, err));
	trc = Esys_TR_FromTPMPublic(esys, LK_HANDLE_AK, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				    &ak);
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "reading a public area", err);
	trc = Esys_ActivateCredential(esys, ak, ek->key.tr, ESYS_TR_PASSWORD,
				      ek->kind->high ? ESYS_TR_PASSWORD : policy.tr, ESYS_TR_NONE,
				      &blob, &secret, &inside);
	Esys_TR_Close(esys, &ak);
	if (is_not_for_us(trc))
		return lk_err_set(
			err, LK_E_POLICY, trc,
			"the credential isn't for this TPM's endorsement key and its attestation key");
	if (trc != TSS2_RC_SUCCESS)
		return lk_tpm_error(trc, "activating a credential", err);
	if (inside->size > LK_CREDENTIAL_SECRET_SIZE)
		rc = lk_err_set(err, LK_E_INPUT, 0, "the credential held more than was expected");
	else
		memcpy(ret, inside->buffer, inside->size);
	*ret_len = inside->size;
	lk_tpm_wipe_free(inside, sizeof(*inside));
	return rc;
}
