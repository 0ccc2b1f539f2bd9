/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a volume's sealed object: making it, pointing the token at it, proving that it fits. */
#include <string.h>

#include "common.h"
#include "core/policy_digest.h"
#include "sys/crypto.h"
#include "sys/luks.h"

int lk_volume_auth_policy(const struct lk_policy_file *pf,
			  struct lk_digest *ret, struct lk_err *err)
{
	const struct lk_bytes ref = { pf->policy_ref, pf->policy_ref_len };
	enum lk_alg alg = lk_curve_hash(pf->key.curve);
	struct lk_name name;

	lk_policy_start(alg, ret);
	if (lk_policy_key_name(&pf->key, lk_crypto_hash, &name) != LK_OK ||
	    lk_policy_authorize(alg, &name, ref, lk_crypto_hash, ret) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

int lk_volume_check_sealed(struct lk_tpm *tpm, const struct lk_policy_file *pf,
			   const struct lk_volume *vol, struct lk_err *err)
{
	struct lk_tpm_public sealed;
	struct lk_digest policy;
	int rc = lk_volume_auth_policy(pf, &policy, err);

	if (rc == LK_OK)
		rc = lk_tpm_read_public(tpm, vol->handle, &sealed, err);
	if (rc != LK_OK ||
	    (sealed.present && lk_digest_equal(&sealed.auth_policy, &policy)))
		return rc;
	if (!sealed.present)
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"volume %s doesn't open unattended: this TPM has no sealed object at 0x%08x; \"latchkey-provision reseal\" makes it anew with the recovery key",
			vol->name, vol->handle);
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"volume %s doesn't open by signed policies of this policy file: the object at 0x%08x was sealed for another policy key or policy-ref; use the policy file that it was sealed for, or \"latchkey-provision reseal\" with the recovery key",
		vol->name, vol->handle);
}

int lk_seal_volume(const struct lk_seal_request *req,
		   struct lk_tpm_new_object *ret, struct lk_err *err)
{
	LK_OWNED_SECRET payload = LK_SECRET_NONE;
	enum lk_alg alg = lk_curve_hash(req->pf->key.curve);
	struct lk_digest policy;
	size_t len = req->passphrase->len;
	int rc = lk_volume_auth_policy(req->pf, &policy, err);

	if (rc == LK_OK)
		rc = lk_secret_init(&payload, len + LK_VOLUME_IDENTITY_SIZE,
				    err);
	if (rc != LK_OK)
		return rc;
	memcpy(payload.data, req->passphrase->data, len);
	rc = lk_luks_identity(req->volume_key, payload.data + len, err);
	if (rc != LK_OK)
		return rc;
	payload.len = len + LK_VOLUME_IDENTITY_SIZE;
	return lk_tpm_seal(req->tpm, alg, &policy, &payload, ret, err);
}

int lk_token_set_handles(struct lk_tpm *tpm, uint32_t handle,
			 struct lk_token *token, struct lk_err *err)
{
	struct lk_tpm_object root = { 0 };
	struct lk_tpm_object sealed = { 0 };
	struct lk_hints *hints;
	int rc = lk_tpm_serialize(tpm, LK_HANDLE_SRK, &root, err);

	if (rc == LK_OK)
		rc = lk_tpm_serialize(tpm, handle, &sealed, err);
	if (rc != LK_OK)
		return rc;
	token->handle = handle;
	hints = &token->hints;
	hints->root_key_len = root.serialized_len;
	memcpy(hints->root_key, root.serialized, root.serialized_len);
	hints->sealed_len = sealed.serialized_len;
	memcpy(hints->sealed, sealed.serialized, sealed.serialized_len);
	return LK_OK;
}

int lk_volume_prove(struct lk_tpm *tpm, const struct lk_volume_proof *proof,
		    struct lk_err *err)
{
	const struct lk_bytes pass = { proof->passphrase->data,
				       proof->passphrase->len };
	LK_OWNED_VOLUME_HEADER h = NULL;
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	struct lk_tpm_public pub;
	int rc = lk_volume_header_open(proof->device, &h, err);

	if (rc == LK_OK)
		rc = lk_volume_header_key(h, proof->keyslot, pass, &key, err);
	if (rc == LK_OK)
		rc = lk_token_load(h, &token, err);
	if (rc == LK_OK)
		rc = lk_tpm_read_public(tpm, proof->handle, &pub, err);
	if (rc != LK_OK)
		return rc;
	if (key.len != proof->volume_key->len ||
	    !lk_secret_equal(key.data, proof->volume_key->data, key.len))
		return lk_err_set(err, LK_E_VOLUME, 0,
				  "the header just written has another volume "
				  "key");
	if (!pub.present || pub.name.len != proof->object->len ||
	    memcmp(pub.name.data, proof->object->data, pub.name.len) ||
	    token.keyslot != proof->keyslot)
		return lk_err_set(err, LK_E_OBJECT, 0,
				  "the object at 0x%08x isn't the one just "
				  "made",
				  proof->handle);
	return LK_OK;
}
