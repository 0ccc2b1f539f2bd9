/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns remove: a volume's unattended way in, or the whole installation. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "install/remove.h"
#include "root_key.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_attest.h"

/** The token goes last: it is what a second run finds the keyslot by. */
static int remove_way_in(const struct lk_target *t, struct lk_volume_header *h,
			 const struct lk_token *token, struct lk_err *err)
{
	int rc = LK_OK;

	if (token->keyslot >= 0)
		rc = lk_volume_header_kill_keyslot(h, token->keyslot, err);
	if (rc == LK_OK)
		rc = lk_token_remove(h, t->vol->handle, err);
	if (rc == LK_OK && lk_token_count(h))
		lk_log(LK_LOG_INFO,
		       "volume %s stays sealed for another policy file, at another handle",
		       t->vol->name);
	else if (rc == LK_OK)
		lk_log(LK_LOG_INFO, "volume %s doesn't open unattended any more", t->vol->name);
	return rc;
}

/** Without a token nothing says whose the object is; but somebody may know. */
static void tell_of_object(const struct lk_options *opts, uint32_t handle)
{
	LK_OWNED_TPM tpm = NULL;
	struct lk_tpm_public pub;

	if (lk_tpm_open_option(opts, &tpm, NULL) == LK_OK &&
	    lk_tpm_read_public(tpm, handle, &pub, NULL) == LK_OK && pub.present)
		lk_log(LK_LOG_WARNING,
		       "the TPM has an object at 0x%08x; where nobody needs it, \"latchkey-provision remove --handle 0x%08x\" takes it away",
		       handle, handle);
}

/** A disk that was moved brings a token of another TPM's object along: what is there stays. */
static int evict(struct lk_tpm *tpm, const struct lk_token *token, uint32_t handle,
		 struct lk_err *err)
{
	struct lk_tpm_public pub;

	LK_TRY(lk_tpm_read_public(tpm, handle, &pub, err));
	if (!pub.present || lk_token_is_of(token, &pub))
		return lk_tpm_evict(tpm, handle, err);
	lk_log(LK_LOG_WARNING,
	       "0x%08x holds another object than this volume's, and it is left there; where nobody needs it, \"latchkey-provision remove --handle 0x%08x\" takes it away",
	       handle, handle);
	return LK_OK;
}

static int remove_volume(const struct lk_options *opts, struct lk_err *err)
{
	LK_OWNED_VOLUME_HEADER h = NULL;
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	LK_OWNED_TPM tpm = NULL;
	struct lk_target t;
	unsigned int others;
	int rc = lk_target_load(opts, &t, err);

	if (rc == LK_OK)
		rc = lk_volume_header_open(t.device, &h, err);
	if (rc == LK_OK)
		rc = lk_token_load(h, t.vol->handle, &token, err);
	if (rc == LK_E_HEADER && h)
		tell_of_object(opts, t.vol->handle);
	if (rc != LK_OK)
		return rc;
	others = lk_volume_header_count_keyslots(h) - 1;
	fprintf(stderr,
		"Volume %s on %s (UUID %s):\n"
		"the TPM's passphrase at 0x%08x, its keyslot and the signed policies (%zu) will be lost.\n"
		"Other keyslots that stay: %u.%s\n",
		t.vol->name, t.device, lk_volume_header_uuid(h), t.vol->handle, token.n_policies,
		others, others ? "" : " ALL DATA OF THE VOLUME WILL BE LOST.");
	rc = lk_confirm(opts, t.vol->name, err);
	if (rc == LK_OK)
		rc = lk_tpm_open_ours(opts, &t.pf, &tpm, err);
	if (rc == LK_OK)
		rc = lk_use_owner_auth(tpm, opts, err);
	if (rc == LK_OK)
		rc = evict(tpm, &token, t.vol->handle, err);
	/* What an interrupted reseal may have left. */
	if (rc == LK_OK)
		rc = lk_tpm_evict(tpm, lk_token_spare_handle(t.vol->handle), err);
	return rc == LK_OK ? remove_way_in(&t, h, &token, err) : rc;
}

/** What of an installation the TPM has. */
struct installation {
	struct lk_tpm_public config_key;
	struct lk_nv_public nv[3];
	bool attests; /* with a key of ours: what else may be at its place stays there */
};
static const struct {
	uint32_t index;
	const char *name;
} nv_parts[] = {
	{ LK_NV_SEQUENCE_FLOOR, "the sequence floor" },
	{ LK_NV_VERSION_FLOOR, "the version floor" },
	{ LK_NV_POLICY_KEY, "the policy key" },
};

/** By its size alone: one of before may have a key on another curve. */
static bool may_be_ours(uint32_t index, const struct lk_nv_public *nv)
{
	return index == LK_NV_POLICY_KEY
		       ? (nv->attributes & ~(LK_NV_WRITTEN | LK_NV_WRITELOCKED)) ==
				 LK_NV_POLICY_KEY_ATTRIBUTES
		       : nv->size == 8;
}

/** Of what another program put at our places nothing is removed. */
static int look(struct lk_tpm *tpm, struct installation *in, struct lk_err *err)
{
	bool any;

	LK_TRY(lk_tpm_read_public(tpm, LK_HANDLE_CONFIG_KEY, &in->config_key, err));
	any = in->config_key.present;
	if (any && !lk_tpm_is_config_key(&in->config_key))
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"0x%08x holds something else than a configuration key (attributes 0x%08x); nothing was removed",
			LK_HANDLE_CONFIG_KEY, in->config_key.attributes);
	for (size_t i = 0; i < 3; i++) {
		LK_TRY(lk_tpm_nv_read_public(tpm, nv_parts[i].index, &in->nv[i], err));
		any |= in->nv[i].present;
		if (in->nv[i].present && !may_be_ours(nv_parts[i].index, &in->nv[i]))
			return lk_err_set(
				err, LK_E_REFUSED, 0,
				"NV index 0x%08x holds something else than %s (%u bytes, attributes 0x%08x); nothing was removed",
				nv_parts[i].index, nv_parts[i].name, in->nv[i].size,
				in->nv[i].attributes);
	}
	any |= in->attests = lk_tpm_has_ak(tpm);
	return any ? LK_OK
		   : lk_err_set(err, LK_E_OBJECT, 0,
				"this TPM has nothing of an installation: nothing was removed");
}

static void announce(const struct installation *in)
{
	fprintf(stderr, "The installation in this TPM, which will be lost:\n");
	if (in->config_key.present)
		fprintf(stderr, "the configuration key 0x%08x\n", LK_HANDLE_CONFIG_KEY);
	if (in->attests)
		fprintf(stderr, "the attestation key 0x%08x\n", LK_HANDLE_AK);
	for (size_t i = 0; i < 3; i++)
		if (in->nv[i].present)
			fprintf(stderr, "%s 0x%08x\n", nv_parts[i].name, nv_parts[i].index);
	if (in->nv[1].present)
		fprintf(stderr,
			"Volumes under policies with a version floor don't open unattended after it.\n");
}

static int evict_installation(struct lk_tpm *tpm, const struct installation *in, struct lk_err *err)
{
	LK_TRY(lk_tpm_evict(tpm, LK_HANDLE_CONFIG_KEY, err));
	if (in->attests)
		LK_TRY(lk_tpm_evict(tpm, LK_HANDLE_AK, err));
	for (size_t i = 0; i < 3; i++)
		LK_TRY(lk_tpm_nv_undefine(tpm, nv_parts[i].index, err));
	return LK_OK;
}

int lk_installation_check(struct lk_tpm *tpm, struct lk_err *err)
{
	struct lk_err why = { 0 };
	struct installation in;
	int rc = look(tpm, &in, &why);

	return rc == LK_OK || rc == LK_E_OBJECT ? LK_OK
						: lk_err_set(err, rc, why.code, "%s", why.msg);
}

int lk_installation_remove(struct lk_tpm *tpm, struct lk_err *err)
{
	struct lk_err why = { 0 };
	struct installation in;
	int rc = look(tpm, &in, &why);

	if (rc == LK_E_OBJECT)
		return LK_OK;
	return rc == LK_OK ? evict_installation(tpm, &in, err)
			   : lk_err_set(err, rc, why.code, "%s", why.msg);
}

static int remove_installation(const struct lk_options *opts, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;
	struct installation in;
	bool known = false;

	LK_TRY(lk_tpm_open_option(opts, &tpm, err));
	LK_TRY(look(tpm, &in, err));
	LK_TRY(lk_tpm_pin_ours(tpm, opts, NULL, &known, err));
	if (!known)
		return lk_device_unknown("nothing was removed", err);
	announce(&in);
	LK_TRY(lk_confirm(opts, "installation", err));
	LK_TRY(lk_use_owner_auth(tpm, opts, err));
	LK_TRY(evict_installation(tpm, &in, err));
	lk_log(LK_LOG_INFO, "the installation is removed");
	return LK_OK;
}

/** A volume of the policy file that can be looked at and is sealed there still needs it. */
static int check_unused(const struct lk_options *opts, uint32_t handle, struct lk_err *err)
{
	const char *path = opts->value[LK_OPT_POLICY];
	struct lk_policy_file pf;

	/* Without a policy file, who types the handle has to know. */
	if (!lk_option_given(opts, LK_OPT_POLICY) && access(path, F_OK) != 0)
		return LK_OK;
	LK_TRY(lk_policy_file_load(path, &pf, err));
	for (size_t i = 0; i < pf.n_volumes; i++) {
		LK_OWNED_VOLUME_HEADER h = NULL;
		const char *name = pf.volumes[i].name;
		struct lk_target t;

		if (lk_target_resolve(&pf, name, NULL, &t, NULL) == LK_OK &&
		    lk_volume_header_open(t.device, &h, NULL) == LK_OK &&
		    lk_token_load(h, handle, NULL, NULL) == LK_OK)
			return lk_err_set(
				err, LK_E_REFUSED, 0,
				"volume %s is sealed at 0x%08x: \"latchkey-provision remove --volume %s\" takes that way in away; nothing was changed",
				name, handle, name);
	}
	return LK_OK;
}

static int remove_handle(const struct lk_options *opts, struct lk_err *err)
{
	const char *text = opts->value[LK_OPT_HANDLE];
	LK_OWNED_TPM tpm = NULL;
	struct lk_tpm_public pub;
	char word[11];
	char *end;
	unsigned long value = strtoul(text, &end, 16);

	if (*end || value < LK_HANDLE_VOLUME_MIN || value > LK_HANDLE_VOLUME_MAX)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--handle %.40s: expected one from 0x%08x to 0x%08x", text,
				  LK_HANDLE_VOLUME_MIN, LK_HANDLE_VOLUME_MAX);
	uint32_t handle = (uint32_t)value;

	LK_TRY(check_unused(opts, handle, err));
	LK_TRY(lk_tpm_open_option(opts, &tpm, err));
	LK_TRY(lk_tpm_read_public(tpm, handle, &pub, err));
	if (!pub.present) {
		lk_log(LK_LOG_INFO, "the TPM has nothing at 0x%08x: nothing to do", handle);
		return LK_OK;
	}
	fprintf(stderr,
		"The object at 0x%08x will be lost. A volume that is sealed there, on whatever disk, doesn't\n"
		"open unattended after it.\n",
		handle);
	(void)snprintf(word, sizeof(word), "0x%08x", handle);
	LK_TRY(lk_confirm(opts, word, err));
	LK_TRY(lk_use_owner_auth(tpm, opts, err));
	LK_TRY(lk_tpm_evict(tpm, handle, err));
	lk_log(LK_LOG_INFO, "the object at 0x%08x is removed", handle);
	return LK_OK;
}

static int run_remove(const struct lk_options *opts, struct lk_err *err)
{
	bool all = lk_option_given(opts, LK_OPT_INSTALLATION);
	bool handle = lk_option_given(opts, LK_OPT_HANDLE);

	if (all + handle + lk_option_given(opts, LK_OPT_VOLUME) != 1)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "give one of --volume, --handle and --installation");
	if (handle)
		return remove_handle(opts, err);
	return all ? remove_installation(opts, err) : remove_volume(opts, err);
}

const struct lk_command lk_cmd_remove = {
	.cli.words = "remove",
	.cli.summary = "remove a volume's unattended way in, or the installation",
	.cli.operands = "",
	.cli.required = "--volume NAME, --handle HANDLE, or --installation",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(POLICY) | LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) |
		   LK_OPT_BIT(OWNER_AUTH) | LK_OPT_BIT(INSTALLATION) | LK_OPT_BIT(YES) |
		   LK_OPT_BIT(HANDLE) | LK_OPT_BIT(DEVICE_FILE),
	.run = run_remove,
};
