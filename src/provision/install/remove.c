/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns remove: a volume's unattended way in, or the whole installation. */
#include <stdio.h>

#include "common.h"
#include "sys/os/log.h"

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
	if (rc != LK_OK)
		return rc;
	others = lk_volume_header_count_keyslots(h) - 1;
	fprintf(stderr,
		"Volume %s on %s (UUID %s):\n"
		"the TPM's passphrase at 0x%08x, its keyslot and %zu signed policies will be lost.\n"
		"%u other keyslots stay.%s\n",
		t.vol->name, t.device, lk_volume_header_uuid(h), t.vol->handle, token.n_policies,
		others, others ? "" : " ALL DATA OF THE VOLUME WILL BE LOST.");
	rc = lk_confirm(opts, t.vol->name, err);
	if (rc == LK_OK)
		rc = lk_tpm_open_option(opts, &tpm, err);
	if (rc == LK_OK)
		rc = lk_use_owner_auth(tpm, opts, err);
	if (rc == LK_OK)
		rc = lk_tpm_evict(tpm, t.vol->handle, err);
	return rc == LK_OK ? remove_way_in(&t, h, &token, err) : rc;
}

static int remove_installation(const struct lk_options *opts, struct lk_err *err)
{
	static const uint32_t indices[] = { LK_NV_SEQUENCE_FLOOR, LK_NV_VERSION_FLOOR,
					    LK_NV_POLICY_KEY };
	LK_OWNED_TPM tpm = NULL;
	int rc;

	fprintf(stderr,
		"The installation in this TPM: the configuration key 0x%08x, the policy key and both floors\n"
		"will be lost. Volumes under policies with a version floor don't open unattended after it.\n",
		LK_HANDLE_CONFIG_KEY);
	rc = lk_confirm(opts, "installation", err);
	if (rc == LK_OK)
		rc = lk_tpm_open_option(opts, &tpm, err);
	if (rc == LK_OK)
		rc = lk_use_owner_auth(tpm, opts, err);
	if (rc == LK_OK)
		rc = lk_tpm_evict(tpm, LK_HANDLE_CONFIG_KEY, err);
	for (size_t i = 0; rc == LK_OK && i < 3; i++)
		rc = lk_tpm_nv_undefine(tpm, indices[i], err);
	if (rc == LK_OK)
		lk_log(LK_LOG_INFO, "the installation is removed");
	return rc;
}

static int run(const struct lk_options *opts, struct lk_err *err)
{
	bool all = lk_option_given(opts, LK_OPT_INSTALLATION);

	if (all == lk_option_given(opts, LK_OPT_VOLUME))
		return lk_err_set(err, LK_E_USAGE, 0, "give --volume or --installation");
	return all ? remove_installation(opts, err) : remove_volume(opts, err);
}

const struct lk_command lk_cmd_remove = {
	.name = "remove",
	.summary = "remove a volume's unattended way in, or the installation",
	.args = "",
	.required = "--volume NAME, or --installation",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(POLICY) | LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) |
		   LK_OPT_BIT(OWNER_AUTH) | LK_OPT_BIT(INSTALLATION) | LK_OPT_BIT(YES),
	.run = run,
};
