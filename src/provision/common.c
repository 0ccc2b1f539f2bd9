/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what several commands begin with: policy file, volume, TPM, auths, new secrets. */
#include "common.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/policy/policy_digest.h"
#include "core/policy/policy_ref.h"
#include "core/policy/recovery_key.h"
#include "sys/crypto/crypto.h"
#include "sys/format/document.h"
#include "sys/os/confirm.h"
#include "sys/os/secret_line.h"

#define AUTH_BYTES 16u /* 32 letters: every TPM takes that much */

int lk_policy_file_load(const char *path, struct lk_policy_file *ret, struct lk_err *err)
{
	int rc = lk_document_policy_file(path, ret, err);

	if (rc == LK_OK && ret->root_handle != LK_HANDLE_SRK)
		rc = lk_err_set(err, LK_E_INPUT, 0, "%s: root-key: provisioning uses 0x%08x alone",
				path, LK_HANDLE_SRK);
	return rc;
}

static int pick_volume(const struct lk_policy_file *pf, const char *name,
		       const struct lk_volume **ret, struct lk_err *err)
{
	if (name)
		*ret = lk_policy_file_volume(pf, name);
	else
		*ret = pf->n_volumes == 1 ? &pf->volumes[0] : NULL;
	if (*ret)
		return LK_OK;
	if (name)
		return lk_err_set(err, LK_E_INPUT, 0, "the policy file has no volume \"%s\"", name);
	return lk_err_set(err, LK_E_USAGE, 0,
			  "the policy file has %zu volumes: say which (--volume)", pf->n_volumes);
}

int lk_target_resolve(const struct lk_policy_file *pf, const char *volume, const char *device,
		      struct lk_target *ret, struct lk_err *err)
{
	char absolute[PATH_MAX];
	int rc;

	ret->pf = *pf;
	rc = pick_volume(&ret->pf, volume, &ret->vol, err);
	if (rc != LK_OK)
		return rc;
	/* On a command line a path may be relative; in the policy file not. */
	if (device && device[0] != '/' && !strchr(device, '=') && realpath(device, absolute))
		device = absolute;
	return lk_fs_wait_device(device ? device : ret->vol->device, 0, ret->device, err);
}

int lk_target_load(const struct lk_options *opts, struct lk_target *ret, struct lk_err *err)
{
	struct lk_policy_file pf;
	int rc;

	LK_TRY(lk_policy_file_load(opts->value[LK_OPT_POLICY], &pf, err));
	rc = lk_target_resolve(&pf, opts->value[LK_OPT_VOLUME], opts->value[LK_OPT_DEVICE], ret,
			       err);
	if (rc == LK_E_INPUT || rc == LK_E_USAGE)
		lk_err_prefix(err, "%s", opts->value[LK_OPT_POLICY]);
	return rc;
}

int lk_check_policy_ref(const struct lk_options *opts, const struct lk_policy_file *pf,
			struct lk_err *err)
{
	int rc = lk_policy_ref_check(pf, opts->value[LK_OPT_SHARED_POLICY_REF], err);

	if (rc != LK_OK)
		lk_err_prefix(err, "%s", opts->value[LK_OPT_POLICY]);
	return rc;
}

int lk_confirm(const struct lk_options *opts, const char *word, struct lk_err *err)
{
	return lk_confirm_typed(opts->value[LK_OPT_YES], word, err);
}

int lk_check_volume_options(const struct lk_options *opts, const struct lk_policy_file *pf,
			    struct lk_err *err)
{
	const char *only = opts->value[LK_OPT_VOLUME];

	if (only && !lk_policy_file_volume(pf, only))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: the policy file has no volume \"%s\"",
				  opts->value[LK_OPT_POLICY], only);
	if (opts->value[LK_OPT_DEVICE] && !only && pf->n_volumes != 1)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"%s: the policy file has %zu volumes: say which the device is for (--volume)",
			opts->value[LK_OPT_POLICY], pf->n_volumes);
	return LK_OK;
}

int lk_tpm_open_option(const struct lk_options *opts, struct lk_tpm **ret, struct lk_err *err)
{
	return lk_tpm_open(opts->value[LK_OPT_TPM], LK_TPM_WAIT_S, ret, err);
}

int lk_use_owner_auth(struct lk_tpm *tpm, const struct lk_options *opts, struct lk_err *err)
{
	LK_OWNED_SECRET auth = LK_SECRET_NONE;
	const char *path = opts->value[LK_OPT_OWNER_AUTH];
	struct lk_tpm_info info;
	int rc = lk_tpm_info_read(tpm, &info, err);

	if (rc != LK_OK)
		return rc;
	if (path && !info.owner_auth_set)
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"the TPM has no owner authorization, which --owner-auth is for: run \"latchkey-provision install\" first (again, where the TPM was cleared)");
	if (path) {
		rc = lk_secret_read_line(path, 32, &auth, err);
		if (rc == LK_OK)
			rc = lk_tpm_owner_auth(tpm, &auth, err);
		if (rc == LK_OK)
			rc = lk_tpm_owner_auth_check(tpm, err);
		if (rc == LK_E_POLICY)
			lk_err_prefix(err, "%s", path);
		return rc;
	}
	/* Found out now, and not halfway by a refused command. */
	if (info.owner_auth_set)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"the TPM has an owner: give --owner-auth (install's own file, or decrypted from its record)");
	return LK_OK;
}

static int check_floor(struct lk_tpm *tpm, uint32_t index, struct lk_err *err)
{
	struct lk_nv_public now;
	struct lk_name name;
	int rc = lk_tpm_nv_read_public(tpm, index, &now, err);

	if (rc != LK_OK)
		return rc;
	if (lk_floor_name(index, lk_crypto_hash, &name) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (now.present && now.name.len == name.len &&
	    memcmp(now.name.data, name.data, name.len) == 0)
		return LK_OK;
	if (!now.present)
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"the TPM has no version floor at 0x%08x: run \"latchkey-provision install\" first",
			index);
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"0x%08x, the policy file's version-floor, isn't a counter as \"latchkey-provision install\" makes it (attributes 0x%08x); run that first, or see what it says",
		index, now.attributes);
}

/* Found out before anything is written: a TPM in lockout seals nothing. */
static int check_lockout(struct lk_tpm *tpm, struct lk_err *err)
{
	struct lk_tpm_lockout lockout;

	LK_TRY(lk_tpm_lockout_read(tpm, &lockout, err));
	if (lockout.counter < lockout.max_tries)
		return LK_OK;
	if (!lockout.interval_s)
		return lk_err_set(
			err, LK_E_LOCKED, 0,
			"the TPM is in dictionary-attack lockout; nothing was changed; only the lockout authorization ends it: " LK_TPM_LOCKOUT_ENDS);
	return lk_err_set(
		err, LK_E_LOCKED, 0,
		"the TPM is in dictionary-attack lockout for at most %u s more of being powered; nothing was changed; the lockout authorization ends it at once: " LK_TPM_LOCKOUT_ENDS,
		lockout.interval_s);
}

int lk_check_tpm(struct lk_tpm *tpm, const struct lk_policy_file *pf, struct lk_err *err)
{
	struct lk_pcr_values values;
	struct lk_tpm_public root;
	bool present = false;
	int rc = check_lockout(tpm, err);

	if (rc == LK_OK)
		rc = lk_tpm_root_check(tpm, LK_ROOT_TRY, &present, err);
	if (rc == LK_OK && !present)
		rc = lk_err_set(
			err, LK_E_OBJECT, 0,
			"the TPM has no storage root key at 0x%08x: run \"latchkey-provision install\" first",
			pf->root_handle);
	if (rc == LK_OK)
		rc = lk_tpm_read_public(tpm, pf->root_handle, &root, err);
	if (rc == LK_OK && pf->root_name.len &&
	    (root.name.len != pf->root_name.len ||
	     memcmp(root.name.data, pf->root_name.data, root.name.len)))
		rc = lk_err_set(err, LK_E_OBJECT, 0,
				"the storage root key isn't the one that the policy file pins");
	if (rc == LK_OK)
		rc = lk_tpm_pcr_read(tpm, &pf->pcrs, &values, err);
	if (rc == LK_OK && pf->version_floor)
		rc = check_floor(tpm, pf->version_floor, err);
	return rc;
}

int lk_auth_make(struct lk_tpm *tpm, struct lk_secret *ret, struct lk_err *err)
{
	static const char digits[] = "cbdefghijklnrtuv";
	LK_OWNED_SECRET raw = LK_SECRET_NONE;
	LK_OWNED_SECRET text = LK_SECRET_NONE;
	int rc = lk_tpm_random(tpm, &raw, AUTH_BYTES, err);

	if (rc == LK_OK)
		rc = lk_secret_init(&text, 2 * AUTH_BYTES, err);
	if (rc != LK_OK)
		return rc;
	for (size_t i = 0; i < AUTH_BYTES; i++) {
		text.data[text.len++] = (uint8_t)digits[raw.data[i] >> 4];
		text.data[text.len++] = (uint8_t)digits[raw.data[i] & 15];
	}
	*ret = lk_secret_take(&text);
	return LK_OK;
}

int lk_recovery_key_make(struct lk_tpm *tpm, struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET raw = LK_SECRET_NONE;
	int rc = lk_tpm_random(tpm, &raw, LK_RECOVERY_KEY_BYTES, err);

	if (rc == LK_OK)
		rc = lk_secret_init(ret, LK_RECOVERY_KEY_TEXT + 1, err);
	if (rc != LK_OK)
		return rc;
	lk_recovery_key_format(raw.data, (char *)ret->data);
	ret->len = LK_RECOVERY_KEY_TEXT;
	return LK_OK;
}

int lk_recovery_key_read(const char *path, struct lk_secret *ret, struct lk_err *err)
{
	char text[LK_RECOVERY_KEY_TEXT + 1];

	LK_TRY(lk_secret_read_line(path, 512, ret, err));
	if (lk_recovery_key_normalize((const char *)ret->data, ret->len, text) &&
	    ret->cap >= LK_RECOVERY_KEY_TEXT) {
		memcpy(ret->data, text, LK_RECOVERY_KEY_TEXT);
		ret->len = LK_RECOVERY_KEY_TEXT;
	}
	lk_wipe(text, sizeof(text));
	return LK_OK;
}

int lk_signed_policy_load(const char *path, const struct lk_policy_file *pf,
			  struct lk_signed_policy *ret, struct lk_err *err)
{
	int rc = lk_document_signed_policy(path, ret, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_signed_policy_verify(ret, pf, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}
