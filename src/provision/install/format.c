/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns format: what a new volume may be made over. */
#include <string.h>

#include "install/format_volume.h"
#include "root_key.h"
#include "sys/luks/blkid.h"

static int check_device(const struct lk_format *f, struct lk_err *err)
{
	const char *allowed = f->opts->value[LK_OPT_OVERWRITE];
	const char *asked = f->opts->value[LK_OPT_DEVICE];
	char found[LK_BLKID_TEXT];
	int rc = lk_format_check_size(f, err);

	if (rc != LK_OK || f->unfinished)
		return rc;
	rc = lk_blkid_probe(f->target.device, found, err);
	if (rc != LK_OK || !found[0])
		return rc;
	if (allowed &&
	    (strcmp(allowed, f->target.device) == 0 ||
	     strcmp(allowed, f->target.vol->device) == 0 || (asked && strcmp(allowed, asked) == 0)))
		return LK_OK;
	return lk_err_set(err, LK_E_REFUSED, 0, "%s holds %s: --overwrite %s would destroy it",
			  f->target.device, found, f->target.device);
}

static int run_format(const struct lk_options *opts, struct lk_err *err)
{
	LK_OWNED_FORMAT f = { .opts = opts };
	LK_OWNED_TPM tpm = NULL;
	int rc = lk_format_check_options(opts, err);

	if (rc == LK_OK)
		rc = lk_target_load(opts, &f.target, err);
	if (rc == LK_OK)
		rc = lk_check_policy_ref(opts, &f.target.pf, err);
	if (rc == LK_OK)
		rc = lk_format_look(&f, err);
	if (rc == LK_OK)
		rc = check_device(&f, err);
	if (rc == LK_OK)
		rc = lk_tpm_open_ours(opts, &f.target.pf, &tpm, err);
	f.tpm = tpm;
	if (rc == LK_OK)
		rc = lk_use_owner_auth(tpm, opts, err);
	return rc == LK_OK ? lk_format_volume(&f, err) : rc;
}

const struct lk_command lk_cmd_format = {
	.cli.words = "format",
	.cli.summary = "encrypt a volume for the first time; what it holds is lost",
	.cli.operands = "",
	.cli.required = LK_FORMAT_REQUIRED,
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) | LK_OPT_BIT(OWNER_AUTH) |
		   LK_OPT_BIT(RECORD) | LK_OPT_BIT(RECIPIENT) | LK_OPT_BIT(NO_RECOVERY_KEY) |
		   LK_OPT_BIT(OVERWRITE) | LK_OPT_BIT(REPLACE_OBJECT) | LK_OPT_BIT(PIN_FILE) |
		   LK_OPT_BIT(SHARED_POLICY_REF),
	.run = run_format,
};
