/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a volume's sealed object: making it, pointing the token at it, proving that it fits. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "signed_root_key.h"
#include "core/policy/pin.h"
#include "core/policy/policy_digest.h"
#include "sys/os/console.h"
#include "sys/crypto/crypto.h"
#include "sys/luks/luks.h"
#include "sys/os/secret_line.h"

int lk_volume_auth_policy(const struct lk_policy_file *pf, const struct lk_volume *vol,
			  struct lk_digest *ret, struct lk_err *err)
{
	const struct lk_bytes ref = { pf->policy_ref, pf->policy_ref_len };
	enum lk_alg alg = lk_curve_hash(pf->key.curve);
	struct lk_name name;

	lk_policy_start(alg, ret);
	if (lk_policy_key_name(&pf->key, lk_crypto_hash, &name) != LK_OK ||
	    lk_policy_authorize(alg, &name, ref, lk_crypto_hash, ret) != LK_OK ||
	    (vol->pin && lk_policy_auth_value(alg, lk_crypto_hash, ret) != LK_OK))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

int lk_volume_check_sealed(struct lk_tpm *tpm, const struct lk_policy_file *pf,
			   const struct lk_volume *vol, struct lk_err *err)
{
	struct lk_tpm_public sealed;
	struct lk_digest policy;
	int rc = lk_volume_auth_policy(pf, vol, &policy, err);

	if (rc == LK_OK)
		rc = lk_tpm_read_public(tpm, vol->handle, &sealed, err);
	if (rc != LK_OK || (sealed.present && lk_digest_equal(&sealed.auth_policy, &policy)))
		return rc;
	if (!sealed.present)
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"volume %s doesn't open unattended: this TPM has no sealed object at 0x%08x; \"latchkey-provision reseal\" makes it anew with the recovery key",
			vol->name, vol->handle);
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"volume %s doesn't open by signed policies of this policy file: the object at 0x%08x was sealed for another policy key or policy-ref, or with a PIN where the policy file has none, or without; use the policy file that it was sealed for, or \"latchkey-provision reseal\" with the recovery key",
		vol->name, vol->handle);
}

static int ask_twice(const struct lk_volume *vol, struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET first = LK_SECRET_NONE;
	LK_OWNED_SECRET again = LK_SECRET_NONE;
	char question[192];

	(void)snprintf(question, sizeof(question), "New PIN for volume %s: ", vol->name);
	LK_TRY(lk_console_ask(question, 0, &first, err));
	(void)snprintf(question, sizeof(question), "The same again: ");
	LK_TRY(lk_console_ask(question, 0, &again, err));
	if (first.len != again.len || !lk_secret_equal(first.data, again.data, first.len))
		return lk_err_set(err, LK_E_INPUT, 0, "volume %s: the two PINs aren't the same",
				  vol->name);
	*ret = lk_secret_take(&first);
	return LK_OK;
}

static bool any_pin(const struct lk_policy_file *pf)
{
	for (size_t i = 0; i < pf->n_volumes; i++)
		if (pf->volumes[i].pin)
			return true;
	return false;
}

int lk_volume_pin(const struct lk_options *opts, const struct lk_target *target,
		  struct lk_secret *ret, struct lk_err *err)
{
	const struct lk_volume *vol = target->vol;
	LK_OWNED_SECRET pin = LK_SECRET_NONE;
	const char *path = opts->value[LK_OPT_PIN_FILE];

	if (path && !any_pin(&target->pf))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--pin-file: the policy file wants a PIN for no volume (pin: true does)");
	if (!vol->pin)
		return LK_OK;
	LK_TRY(lk_pin_check_root_key(&target->pf, vol, err));
	if (!path && !isatty(STDIN_FILENO))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"volume %s is to have a PIN: give --pin-file, or run this on a terminal",
			vol->name);
	LK_TRY(path ? lk_secret_read_line(path, LK_PIN_MAX, &pin, err) : ask_twice(vol, &pin, err));
	if (lk_pin_check((struct lk_bytes){ pin.data, pin.len }, err) != LK_OK) {
		lk_err_prefix(err, "%s", path ? path : vol->name);
		return LK_E_INPUT;
	}
	*ret = lk_secret_take(&pin);
	return LK_OK;
}

int lk_seal_volume(const struct lk_seal_request *req, struct lk_tpm_new_object *ret,
		   struct lk_err *err)
{
	LK_OWNED_SECRET payload = LK_SECRET_NONE;
	const struct lk_policy_file *pf = &req->target->pf;
	struct lk_seal_terms terms = { .alg = lk_curve_hash(pf->key.curve) };
	int rc = lk_volume_auth_policy(pf, req->target->vol, &terms.auth_policy, err);

	if (rc == LK_OK && req->target->vol->pin &&
	    lk_pin_auth((struct lk_bytes){ req->pin->data, req->pin->len }, lk_crypto_hash,
			&terms.auth) != LK_OK)
		rc = lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (rc == LK_OK)
		rc = lk_payload_join(req->passphrase, req->volume_key, &payload, err);
	if (rc == LK_OK)
		rc = lk_tpm_seal(req->tpm, &terms, &payload, ret, err);
	lk_wipe(&terms, sizeof(terms));
	return rc;
}

int lk_token_set_handles(struct lk_tpm *tpm, uint32_t handle, struct lk_token *token,
			 struct lk_err *err)
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

int lk_volume_prove(struct lk_tpm *tpm, const struct lk_volume_proof *proof, struct lk_err *err)
{
	const struct lk_bytes pass = { proof->passphrase->data, proof->passphrase->len };
	LK_OWNED_VOLUME_HEADER h = NULL;
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	struct lk_tpm_public pub;
	int rc = lk_volume_header_open(proof->device, &h, err);

	if (rc == LK_OK)
		rc = lk_volume_header_key(h, proof->keyslot, pass, &key, err);
	if (rc == LK_OK)
		rc = lk_token_load(h, proof->handle, &token, err);
	if (rc == LK_OK)
		rc = lk_tpm_read_public(tpm, proof->handle, &pub, err);
	if (rc != LK_OK)
		return rc;
	if (key.len != proof->volume_key->len ||
	    !lk_secret_equal(key.data, proof->volume_key->data, key.len))
		return lk_err_set(err, LK_E_VOLUME, 0,
				  "the header just written has another volume key");
	if (!pub.present || pub.name.len != proof->object->len ||
	    memcmp(pub.name.data, proof->object->data, pub.name.len) ||
	    token.keyslot != proof->keyslot)
		return lk_err_set(err, LK_E_OBJECT, 0,
				  "the object at 0x%08x isn't the one just made", proof->handle);
	return LK_OK;
}
