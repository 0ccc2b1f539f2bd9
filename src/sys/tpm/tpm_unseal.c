/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the policy session that leads to the sealed secret. */
#include <string.h>

#include <tss2/tss2_mu.h>

#include "core/policy/pin.h"
#include "core/policy/policy_digest.h"
#include "sys/crypto/crypto.h"
#include "sys/tpm/tpm_private.h"

static int policy_pcr(struct lk_tpm *tpm, ESYS_TR session, const struct lk_pcr_selection *sel,
		      struct lk_err *err)
{
	TPML_PCR_SELECTION pcrs = {
		.count = 1,
		.pcrSelections = { { .hash = (TPMI_ALG_HASH)sel->bank,
				     .sizeofSelect = 3,
				     .pcrSelect = { (BYTE)sel->mask, (BYTE)(sel->mask >> 8),
						    (BYTE)(sel->mask >> 16) } } }
	};
	/* Without a digest the TPM takes the values at hand; that they are the
	 * signed ones is for PolicyAuthorize to say. */
	const TPM2B_DIGEST current = { .size = 0 };
	TSS2_RC rc = Esys_PolicyPCR(lk_tpm_esys(tpm), session, ESYS_TR_NONE, ESYS_TR_NONE,
				    ESYS_TR_NONE, &current, &pcrs);

	return rc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(rc, "PolicyPCR", err);
}

/*
 * An ESYS handle of the floor counter without asking the TPM for its public
 * area: that is the same everywhere, and a lie would show, since the policy
 * contains its Name. The layout is what Esys_TR_Serialize writes: handle,
 * Name, kind 2 (NV), TPM2B_NV_PUBLIC.
 */
static int floor_handle(struct lk_tpm *tpm, uint32_t index, ESYS_TR *ret, struct lk_err *err)
{
	uint8_t bytes[96];
	uint8_t public[LK_FLOOR_PUBLIC_SIZE];
	struct lk_writer w = lk_writer_init(bytes, sizeof(bytes));
	struct lk_name name;
	TSS2_RC rc;

	LK_TRY(lk_floor_name(index, lk_crypto_hash, &name));
	lk_floor_nv_public(index, true, public);
	lk_write_be32(&w, index);
	lk_write_be16(&w, name.len);
	lk_write_bytes(&w, name.data, name.len);
	lk_write_be32(&w, 2);
	lk_write_be16(&w, sizeof(public));
	lk_write_bytes(&w, public, sizeof(public));
	rc = Esys_TR_Deserialize(lk_tpm_esys(tpm), bytes, w.len, ret);
	return rc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(rc, "finding the version floor", err);
}

static int under_floor(struct lk_tpm *tpm, const struct lk_unseal_request *req, struct lk_err *err)
{
	uint64_t floor = 0;

	(void)lk_tpm_counter_read(tpm, req->version_floor, &floor, NULL);
	return lk_err_set(
		err, LK_E_POLICY, 0,
		"signed policy version %u is under the TPM's version floor %llu (NV 0x%08x): it was retired; a boot that is still to be allowed needs one of version %llu or more",
		req->policy->version, (unsigned long long)floor, req->version_floor,
		(unsigned long long)floor);
}

static int policy_nv(struct lk_tpm *tpm, ESYS_TR session, const struct lk_unseal_request *req,
		     struct lk_err *err)
{
	TPM2B_OPERAND version = { .size = 8 };
	struct lk_writer w = lk_writer_init(version.buffer, 8);
	ESYS_TR floor;
	TSS2_RC rc;

	if (!req->version_floor)
		return LK_OK;
	LK_TRY(floor_handle(tpm, req->version_floor, &floor, err));
	lk_write_be64(&w, req->policy->version);
	rc = Esys_PolicyNV(lk_tpm_esys(tpm), floor, floor, session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
			   ESYS_TR_NONE, &version, 0, TPM2_EO_UNSIGNED_LE);
	if (lk_tpm_rc_base(rc) == TPM2_RC_POLICY)
		return under_floor(tpm, req, err);
	if (lk_tpm_rc_base(rc) == TPM2_RC_HANDLE)
		return lk_err_set(
			err, LK_E_OBJECT, rc,
			"the TPM has no version floor at NV 0x%08x: it was cleared, or never provisioned",
			req->version_floor);
	return rc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(rc, "PolicyNV", err);
}

static int load_key(struct lk_tpm *tpm, const struct lk_policy_key *key, struct lk_tpm_handle *ret,
		    struct lk_err *err)
{
	uint8_t bytes[LK_TPMT_PUBLIC_MAX];
	TPM2B_PUBLIC public = { 0 };
	size_t offset = 0;
	size_t len = lk_policy_key_to_tpmt_public(key, bytes);
	TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(bytes, len, &offset, &public.publicArea);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_LoadExternal(lk_tpm_esys(tpm), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				       NULL, &public, ESYS_TR_RH_OWNER, &ret->tr);
	if (lk_tpm_rc_base(rc) == TPM2_RC_CURVE || lk_tpm_rc_base(rc) == TPM2_RC_HASH ||
	    lk_tpm_rc_base(rc) == TPM2_RC_SCHEME)
		return lk_err_set(err, LK_E_OBJECT, rc,
				  "this TPM can't use policy keys on %s (0x%08x)",
				  lk_curve_name(key->curve), rc);
	return rc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(rc, "loading the policy key", err);
}

/* TPM2_VerifySignature; the ticket proves it to PolicyAuthorize. */
static int verify(struct lk_tpm *tpm, const struct lk_unseal_request *req, TPMT_TK_VERIFIED **ret,
		  struct lk_err *err)
{
	LK_OWNED_TPM_HANDLE key = LK_TPM_HANDLE_NONE(tpm);
	size_t half = lk_curve_size(req->key->curve);
	TPMT_SIGNATURE sig = { .sigAlg = TPM2_ALG_ECDSA };
	TPMS_SIGNATURE_ECC *ecdsa = &sig.signature.ecdsa;
	TPM2B_DIGEST tbs = { 0 };
	struct lk_digest digest;
	TSS2_RC rc;

	if (req->policy->signature_len != 2 * half)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "signature: of another size than the policy key's");
	if (lk_signed_policy_tbs(req->policy, lk_crypto_hash, &digest) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	tbs.size = digest.len;
	memcpy(tbs.buffer, digest.data, digest.len);
	ecdsa->hash = (TPMI_ALG_HASH)lk_curve_hash(req->key->curve);
	ecdsa->signatureR.size = (UINT16)half;
	memcpy(ecdsa->signatureR.buffer, req->policy->signature, half);
	ecdsa->signatureS.size = (UINT16)half;
	memcpy(ecdsa->signatureS.buffer, req->policy->signature + half, half);

	LK_TRY(load_key(tpm, req->key, &key, err));
	rc = Esys_VerifySignature(lk_tpm_esys(tpm), key.tr, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, &tbs, &sig, ret);
	if (lk_tpm_rc_base(rc) == TPM2_RC_SIGNATURE)
		return lk_err_set(
			err, LK_E_POLICY, rc,
			"signature: not made by the policy key for this digest and policy-ref");
	return rc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(rc, "verifying the signature", err);
}

/* One TPM2_PolicyAuthorize. */
static TSS2_RC authorize_by(struct lk_tpm *tpm, ESYS_TR session,
			    const struct lk_unseal_request *req, const TPMT_TK_VERIFIED *ticket)
{
	TPM2B_DIGEST approved = { .size = req->policy->digest.len };
	TPM2B_NONCE ref = { .size = (UINT16)req->policy_ref.len };
	TPM2B_NAME name = { 0 };
	struct lk_name key_name;

	if (lk_policy_key_name(req->key, lk_crypto_hash, &key_name) != LK_OK)
		return TSS2_ESYS_RC_GENERAL_FAILURE;
	name.size = key_name.len;
	memcpy(name.name, key_name.data, key_name.len);
	memcpy(approved.buffer, req->policy->digest.data, approved.size);
	memcpy(ref.buffer, req->policy_ref.data, ref.size);

	return Esys_PolicyAuthorize(lk_tpm_esys(tpm), session, ESYS_TR_NONE, ESYS_TR_NONE,
				    ESYS_TR_NONE, &approved, &ref, &name, ticket);
}

static int authorize_result(TSS2_RC rc, const struct lk_unseal_request *req, struct lk_err *err)
{
	if (lk_tpm_rc_base(rc) == TPM2_RC_VALUE)
		return lk_err_set(
			err, LK_E_POLICY, rc,
			"the measured boot isn't the one that signed policy version %u (\"%s\") is for",
			req->policy->version, req->policy->label);
	return rc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(rc, "PolicyAuthorize", err);
}

/* A refusal of PolicyAuthorize that speaks of the approved policy, its first
 * parameter: no other ticket would mend it. */
static bool is_another_policy(TSS2_RC rc)
{
	return (rc & ~TSS2_RC_LAYER_MASK) == (TPM2_RC_VALUE | TPM2_RC_P | TPM2_RC_1);
}

/* By the remembered ticket. LK_E_OBJECT: it is to be done without. */
static int authorize_short(struct lk_tpm *tpm, ESYS_TR session, const struct lk_unseal_request *req,
			   struct lk_err *err)
{
	TPMT_TK_VERIFIED ticket = { .tag = TPM2_ST_VERIFIED, .hierarchy = TPM2_RH_OWNER };
	TSS2_RC rc;
	int ours;

	if (!req->ticket.len || req->ticket.len > LK_TICKET_MAX)
		return LK_E_OBJECT;
	ticket.digest.size = (UINT16)req->ticket.len;
	memcpy(ticket.digest.buffer, req->ticket.data, req->ticket.len);
	rc = authorize_by(tpm, session, req, &ticket);
	if (rc == TSS2_RC_SUCCESS || is_another_policy(rc))
		return authorize_result(rc, req, err);
	ours = lk_tpm_error(rc, "PolicyAuthorize", err);
	return ours == LK_E_NO_TPM || ours == LK_E_AGAIN || ours == LK_E_LOCKED ? ours
										: LK_E_OBJECT;
}

static int policy_authorize(struct lk_tpm *tpm, ESYS_TR session,
			    const struct lk_unseal_request *req, struct lk_hints *learned,
			    struct lk_err *err)
{
	TPMT_TK_VERIFIED *ticket = NULL;
	int rc = authorize_short(tpm, session, req, err);

	if (rc != LK_E_OBJECT)
		return rc;
	LK_TRY(verify(tpm, req, &ticket, err));
	rc = authorize_result(authorize_by(tpm, session, req, ticket), req, err);
	if (rc == LK_OK && ticket->digest.size <= LK_TICKET_MAX) {
		learned->policy = req->policy->digest;
		learned->ticket_len = ticket->digest.size;
		memcpy(learned->ticket, ticket->digest.buffer, ticket->digest.size);
	}
	Esys_Free(ticket);
	return rc;
}

/* What served, whether it was remembered or read from the TPM; that it can't be
 * had costs the next unlock a command. */
static void learn_handle(struct lk_tpm *tpm, ESYS_TR tr, uint8_t out[static LK_HINT_HANDLE_MAX],
			 size_t *ret_len)
{
	uint8_t *data = NULL;
	size_t len = 0;

	if (Esys_TR_Serialize(lk_tpm_esys(tpm), tr, &data, &len) != TSS2_RC_SUCCESS)
		return;
	if (len <= LK_HINT_HANDLE_MAX) {
		memcpy(out, data, len);
		*ret_len = len;
	}
	Esys_Free(data);
}

/* TPM2_PolicyAuthValue: the PIN goes into the HMAC of the command that follows,
 * and not over the bus. */
static int policy_auth_value(struct lk_tpm *tpm, ESYS_TR session, ESYS_TR object,
			     const struct lk_unseal_request *req, struct lk_err *err)
{
	ESYS_CONTEXT *esys = lk_tpm_esys(tpm);
	struct lk_digest auth;
	TPM2B_AUTH value = { 0 };
	TSS2_RC rc;

	if (!req->pin.len)
		return LK_OK;
	if (lk_pin_auth(req->pin, lk_crypto_hash, &auth) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	value.size = auth.len;
	memcpy(value.buffer, auth.data, auth.len);
	rc = Esys_TR_SetAuth(esys, object, &value);
	lk_wipe(&auth, sizeof(auth));
	lk_wipe(&value, sizeof(value));
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_PolicyAuthValue(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE);
	return rc == TSS2_RC_SUCCESS ? LK_OK : lk_tpm_error(rc, "PolicyAuthValue", err);
}

static int unseal(struct lk_tpm *tpm, ESYS_TR session, ESYS_TR object, bool has_pin,
		  struct lk_secret *ret, struct lk_err *err)
{
	ESYS_CONTEXT *esys = lk_tpm_esys(tpm);
	TPM2B_SENSITIVE_DATA *data = NULL;
	TPMA_SESSION attributes = 0;
	TSS2_RC rc = Esys_TRSess_GetAttributes(esys, session, &attributes);
	int ret_rc;

	/* The secret must not cross the bus in the clear, whatever happened to
	 * the session: checked before the command, not after. */
	if (rc != TSS2_RC_SUCCESS || !(attributes & TPMA_SESSION_ENCRYPT))
		return lk_err_set(err, LK_E_SYSTEM, rc,
				  "the session doesn't encrypt; nothing was unsealed");
	rc = Esys_Unseal(esys, object, session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	if (lk_tpm_rc_base(rc) == TPM2_RC_POLICY_FAIL)
		return lk_err_set(
			err, LK_E_OBJECT, rc,
			"the sealed object has another policy: it was sealed for another policy key or policy-ref");
	if (has_pin &&
	    (lk_tpm_rc_base(rc) == TPM2_RC_AUTH_FAIL || lk_tpm_rc_base(rc) == TPM2_RC_BAD_AUTH))
		return lk_err_set(err, LK_E_PIN, rc, "wrong PIN");
	if (rc != TSS2_RC_SUCCESS)
		return lk_tpm_error(rc, "Unseal", err);
	ret_rc = lk_secret_from(ret, data->buffer, data->size, err);
	lk_tpm_wipe_free(data, sizeof(*data));
	return ret_rc;
}

int lk_tpm_unseal(struct lk_tpm *tpm, const struct lk_unseal_request *req,
		  struct lk_secret *ret_secret, struct lk_hints *ret_learned, struct lk_err *err)
{
	LK_OWNED_TPM_HANDLE session = LK_TPM_HANDLE_NONE(tpm);
	struct lk_hints learned = { 0 };
	ESYS_TR root;
	ESYS_TR object;
	bool keep;
	int rc;

	LK_TRY(lk_tpm_object_load(tpm, &req->root, &root, err));
	LK_TRY(lk_tpm_object_load(tpm, &req->sealed, &object, err));
	LK_TRY(lk_tpm_session(tpm, root, TPM2_SE_POLICY, lk_curve_hash(req->key->curve), &session,
			      err));
	LK_TRY(policy_pcr(tpm, session.tr, &req->pcrs, err));
	LK_TRY(policy_nv(tpm, session.tr, req, err));
	LK_TRY(policy_authorize(tpm, session.tr, req, &learned, err));
	LK_TRY(policy_auth_value(tpm, session.tr, object, req, err));
	keep = req->keep_session && *lk_tpm_proven(tpm) == ESYS_TR_NONE;
	/* The last command of the way that succeeds ends the session itself. */
	if (!keep)
		(void)Esys_TRSess_SetAttributes(lk_tpm_esys(tpm), session.tr, 0,
						TPMA_SESSION_CONTINUESESSION);
	rc = unseal(tpm, session.tr, object, req->pin.len != 0, ret_secret, err);
	lk_wipe_stack();
	if (rc != LK_OK)
		return rc;
	if (keep)
		*lk_tpm_proven(tpm) = session.tr;
	session.tr = ESYS_TR_NONE;
	learn_handle(tpm, root, learned.root_key, &learned.root_key_len);
	learn_handle(tpm, object, learned.sealed, &learned.sealed_len);
	*ret_learned = learned;
	return LK_OK;
}
