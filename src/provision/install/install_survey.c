/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns install's look before it leaps: inputs, and what the TPM has already. */
#include <errno.h>
#include <string.h>

#include "core/policy/policy_digest.h"
#include "install/install.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_stream.h"
#include "sys/tpm/tpm_config.h"
#include "sys/os/secret_line.h"

/**
 * Nothing that Latchkey uses at boot counts towards a lockout. What does are
 * guesses of the owner and lockout auths and of other programs' objects:
 * these values are those that PC operating systems set.
 */
const struct lk_da_parameters lk_install_da = {
	.max_tries = 32,
	.recovery_time = 600,
	.lockout_recovery = 86400,
};

void lk_install_done(struct lk_install *in)
{
	lk_secret_done(&in->config_key);
	lk_secret_done(&in->owner);
	lk_secret_done(&in->endorsement);
	lk_secret_done(&in->lockout);
	lk_tpm_free(in->tpm);
	in->tpm = NULL;
}

static int read_form(const char *text, struct lk_install *in, struct lk_err *err)
{
	in->form_given = text && strcmp(text, "auto") != 0;
	if (!in->form_given)
		return LK_OK;
	if (strcmp(text, "cipher") == 0)
		in->form = LK_KEY_FORM_CIPHER;
	else if (strcmp(text, "sealed") == 0)
		in->form = LK_KEY_FORM_SEALED;
	else
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--config-key-form is auto, cipher or sealed");
	return LK_OK;
}

static int read_policy_key(const char *path, struct lk_install *in, struct lk_err *err)
{
	LK_OWNED_BUF pem = LK_BUF_NONE;
	int rc = lk_fs_read(path, 16384, &pem, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_policy_key_from_pem((const char *)pem.data, pem.len, &in->key, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	else
		in->spki_len = lk_policy_key_to_spki(&in->key, in->spki);
	return rc;
}

static int read_config_key(const char *path, struct lk_install *in, struct lk_err *err)
{
	struct lk_err why = { 0 };
	int rc = lk_fs_read_secret(path, 32, &in->config_key, &why);

	if ((rc == LK_OK && in->config_key.len != 16 && in->config_key.len != 32) ||
	    (rc == LK_E_INPUT && why.code == EFBIG))
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"%s: this is no configuration key, which has 16 or 32 bytes (latchkey keygen makes config-key.bin)",
			path);
	if (rc != LK_OK)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	return LK_OK;
}

int lk_install_read(const struct lk_options *opts, struct lk_install *in, struct lk_err *err)
{
	const char *const *v = opts->value;
	int rc = LK_OK;

	in->opts = opts;
	if (!v[LK_OPT_POLICY_KEY] || !v[LK_OPT_CONFIG_KEY] || !v[LK_OPT_RECORD])
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--policy-key, --config-key and --record are needed; see \"latchkey-provision install --help\"");
	if (!v[LK_OPT_RECIPIENT] && (!v[LK_OPT_OWNER_AUTH] || !v[LK_OPT_LOCKOUT_AUTH]))
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"new authorizations would be lost: give --recipient, or --owner-auth and --lockout-auth");
	rc = read_form(v[LK_OPT_CONFIG_KEY_FORM], in, err);
	if (rc == LK_OK)
		rc = read_policy_key(v[LK_OPT_POLICY_KEY], in, err);
	if (rc == LK_OK)
		rc = read_config_key(v[LK_OPT_CONFIG_KEY], in, err);
	if (rc == LK_OK && v[LK_OPT_OWNER_AUTH])
		rc = lk_secret_read_line(v[LK_OPT_OWNER_AUTH], 32, &in->owner, err);
	if (rc == LK_OK && v[LK_OPT_ENDORSEMENT_AUTH])
		rc = lk_secret_read_line(v[LK_OPT_ENDORSEMENT_AUTH], 32, &in->endorsement, err);
	if (rc == LK_OK && v[LK_OPT_LOCKOUT_AUTH])
		rc = lk_secret_read_line(v[LK_OPT_LOCKOUT_AUTH], 32, &in->lockout, err);
	return rc;
}

/** What is there by who knows what, with enough to recognise it by. */
static int foreign_nv(uint32_t index, const char *ours, const struct lk_nv_public *now,
		      struct lk_err *err)
{
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"NV index 0x%08x, where %s belongs, holds something else (%u bytes, attributes 0x%08x); nothing was changed; if nobody needs it, \"tpm2_nvundefine -C o 0x%08x\" removes it",
		index, ours, now->size, now->attributes, index);
}

static int another_policy_key(struct lk_err *err)
{
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"another policy key is installed at NV index 0x%08x; nothing was changed; \"latchkey-provision remove --installation\" removes it, if it is to be replaced",
		LK_NV_POLICY_KEY);
}

static int survey_policy_key(struct lk_install *in, struct lk_err *err)
{
	const uint32_t state = LK_NV_WRITTEN | LK_NV_WRITELOCKED;
	LK_OWNED_BUF content = LK_BUF_NONE;
	struct lk_nv_public now;
	int rc = lk_tpm_nv_read_public(in->tpm, LK_NV_POLICY_KEY, &now, err);

	if (rc != LK_OK || !now.present)
		return rc;
	if ((now.attributes & ~state) != LK_NV_POLICY_KEY_ATTRIBUTES || now.has_policy ||
	    now.size > LK_SPKI_MAX)
		return foreign_nv(LK_NV_POLICY_KEY, "the policy key", &now, err);
	if (now.size != in->spki_len)
		return another_policy_key(err);
	if (!(now.attributes & LK_NV_WRITTEN))
		return LK_OK;
	rc = lk_tpm_nv_read(in->tpm, LK_NV_POLICY_KEY, &content, err);
	if (rc != LK_OK)
		return rc;
	if (content.len != in->spki_len || memcmp(content.data, in->spki, in->spki_len) != 0)
		return another_policy_key(err);
	in->has_policy_key = (now.attributes & state) == state;
	return LK_OK;
}

/** Whether the key in the TPM is the one in the file. */
static int compare_config_key(struct lk_install *in, bool *ret_same, struct lk_err *err)
{
	uint8_t ours[16];
	uint8_t theirs[16];
	int rc = lk_crypto_aes_zero_block(&in->config_key, ours, err);

	if (rc == LK_OK)
		rc = lk_tpm_config_zero_block(in->tpm, theirs, err);
	*ret_same = rc == LK_OK && lk_secret_equal(ours, theirs, sizeof(ours));
	/* An object that can't be a configuration key is another one. */
	return rc == LK_E_OBJECT ? LK_OK : rc;
}

/** Without the key that it lies under a configuration key can't be compared. */
static int without_root(struct lk_err *err)
{
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"the configuration key 0x%08x is installed, but the storage root key 0x%08x, which it lies under, is gone; nothing was changed; \"tr -d '\\n' < owner.auth | tpm2_evictcontrol -C o -P file:- -c 0x%08x\" removes it, and install makes both anew; then reseal the volumes",
		LK_HANDLE_CONFIG_KEY, LK_HANDLE_SRK, LK_HANDLE_CONFIG_KEY);
}

#define ALG_KEYEDHASH 0x0008u /* TPM_ALG_ID, Part 2, 6.3 */
#define ALG_SYMCIPHER 0x0025u

static int survey_config_key(struct lk_install *in, struct lk_err *err)
{
	const struct lk_tpm_info *info = &in->info;
	struct lk_tpm_public now;
	bool same = false;
	int rc = lk_tpm_read_public(in->tpm, LK_HANDLE_CONFIG_KEY, &now, err);

	if (rc != LK_OK)
		return rc;
	if (!in->form_given)
		in->form =
			info->has_encrypt_decrypt && (info->has_aes256 || in->config_key.len == 16)
				? LK_KEY_FORM_CIPHER
				: LK_KEY_FORM_SEALED;
	if (in->form == LK_KEY_FORM_CIPHER && !info->has_encrypt_decrypt)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"this TPM can't use a cipher object: TPM2_EncryptDecrypt2 is missing");
	if (!now.present)
		return LK_OK;
	if (!lk_tpm_is_config_key(&now))
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"0x%08x, where the configuration key belongs, holds something else (type 0x%04x, attributes 0x%08x); nothing was changed; if nobody needs it, \"tpm2_evictcontrol -C o -c 0x%08x\" removes it",
			LK_HANDLE_CONFIG_KEY, now.type, now.attributes, LK_HANDLE_CONFIG_KEY);
	if (!in->has_root)
		return without_root(err);
	if (now.type == (in->form == LK_KEY_FORM_CIPHER ? ALG_SYMCIPHER : ALG_KEYEDHASH))
		rc = compare_config_key(in, &same, err);
	if (rc == LK_OK && !same)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"another configuration key is installed at 0x%08x; nothing was changed; \"latchkey-provision remove --installation\" removes it, if it is to be replaced",
			LK_HANDLE_CONFIG_KEY);
	in->has_config_key = rc == LK_OK;
	return rc;
}

/** The counter's Name without TPMA_NV_WRITTEN is that of a run cut short. */
static int survey_counter(struct lk_install *in, uint32_t index, bool *ret_has, struct lk_err *err)
{
	uint8_t wire[LK_FLOOR_PUBLIC_SIZE];
	const struct lk_bytes part = { wire, sizeof(wire) };
	const char *ours =
		index == LK_NV_VERSION_FLOOR ? "the version floor" : "the sequence floor";
	struct lk_nv_public now;
	struct lk_digest digest;
	uint64_t value;
	int rc = lk_tpm_nv_read_public(in->tpm, index, &now, err);

	*ret_has = false;
	if (rc != LK_OK || !now.present)
		return rc;
	*ret_has = now.attributes & LK_NV_WRITTEN;
	lk_floor_nv_public(index, *ret_has, wire);
	if (!lk_crypto_hash(LK_ALG_SHA256, &part, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (now.name.len != 2u + digest.len ||
	    memcmp(now.name.data + 2, digest.data, digest.len) != 0)
		return foreign_nv(index, ours, &now, err);
	/* Its attributes say that no failure is counted; whether it has an
	 * authorization of its own they don't say. */
	rc = *ret_has ? lk_tpm_counter_read(in->tpm, index, &value, err) : LK_OK;
	return rc == LK_E_SYSTEM ? foreign_nv(index, ours, &now, err) : rc;
}

static int survey_counters(struct lk_install *in, struct lk_err *err)
{
	int rc = survey_counter(in, LK_NV_VERSION_FLOOR, &in->has_version_floor, err);

	if (rc == LK_OK)
		rc = survey_counter(in, LK_NV_SEQUENCE_FLOOR, &in->has_sequence_floor, err);
	return rc;
}

/** One of the banks that policies are signed for. */
static int survey_banks(struct lk_install *in, struct lk_err *err)
{
	static const enum lk_alg banks[] = { LK_ALG_SHA256, LK_ALG_SHA384 };
	struct lk_pcr_values values;

	for (size_t i = 0; i < 2; i++) {
		const struct lk_pcr_selection all = { banks[i], 0xffffff };
		int rc = lk_tpm_pcr_read(in->tpm, &all, &values, err);

		if (rc == LK_OK && banks[i] == LK_ALG_SHA256)
			in->has_sha256 = true;
		if (rc != LK_E_POLICY)
			return rc;
	}
	return lk_err_set(
		err, LK_E_POLICY, 0,
		"neither of the PCR banks sha256 and sha384 is active in this TPM: activate one in the firmware's settings");
}

static int check_lockout(const struct lk_tpm_info *info, struct lk_err *err)
{
	if (!info->in_lockout)
		return LK_OK;
	if (!info->recovery_time)
		return lk_err_set(
			err, LK_E_LOCKED, 0,
			"the TPM is in dictionary-attack lockout, which doesn't end by itself; nothing was changed; the lockout authorization ends it: " LK_TPM_LOCKOUT_ENDS);
	return lk_err_set(
		err, LK_E_LOCKED, 0,
		"the TPM is in dictionary-attack lockout: it forgives one failure every %u s with the power on; nothing was changed; the lockout authorization ends it at once: " LK_TPM_LOCKOUT_ENDS,
		info->recovery_time);
}

int lk_install_look_at_tpm(struct lk_install *in, struct lk_err *err)
{
	LK_TRY(lk_tpm_info_read(in->tpm, &in->info, err));
	in->has_parameters = in->info.max_tries == lk_install_da.max_tries &&
			     in->info.recovery_time == lk_install_da.recovery_time &&
			     in->info.lockout_recovery == lk_install_da.lockout_recovery;
	return LK_OK;
}

int lk_install_survey(struct lk_install *in, struct lk_err *err)
{
	LK_TRY(lk_install_look_at_tpm(in, err));
	LK_TRY(check_lockout(&in->info, err));
	LK_TRY(survey_banks(in, err));
	/* First whether it serves: sessions are salted with it. */
	LK_TRY(lk_tpm_root_check(in->tpm, LK_ROOT_LOOK, &in->has_root, err));
	LK_TRY(survey_policy_key(in, err));
	LK_TRY(survey_config_key(in, err));
	LK_TRY(survey_counters(in, err));
	return lk_install_survey_ak(in, err);
}
