/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns lockout clear: the end of a dictionary-attack lockout, with the lockout authorization. */
#include "root_key.h"
#include "sys/os/log.h"
#include "sys/os/secret_line.h"

static int run_lockout_clear(const struct lk_options *opts, struct lk_err *err)
{
	const char *path = opts->value[LK_OPT_LOCKOUT_AUTH];
	LK_OWNED_SECRET auth = LK_SECRET_NONE;
	LK_OWNED_TPM tpm = NULL;
	struct lk_tpm_info info;
	int rc;

	if (!path)
		return lk_err_set(err, LK_E_USAGE, 0, "--lockout-auth is needed");
	LK_TRY(lk_secret_read_line(path, 32, &auth, err));
	LK_TRY(lk_tpm_open_known(opts, &tpm, err));
	LK_TRY(lk_tpm_info_read(tpm, &info, err));
	/* A wrong one costs a day: it isn't tried where there is nothing to gain. */
	if (!info.in_lockout && !info.failures) {
		lk_log(LK_LOG_INFO,
		       "the TPM counts no failure: nothing to do (the authorization wasn't tried)");
		return LK_OK;
	}
	LK_TRY(lk_tpm_use_auth(tpm, LK_HIERARCHY_LOCKOUT, &auth, err));
	rc = lk_tpm_check_auth(tpm, LK_HIERARCHY_LOCKOUT, err);
	if (rc == LK_E_POLICY)
		lk_err_prefix(err, "--lockout-auth %s", path);
	if (rc == LK_OK)
		rc = lk_tpm_lockout_clear(tpm, err);
	if (rc != LK_OK)
		return rc;
	lk_log(LK_LOG_INFO, "the lockout is over, and the count of %u failures is zero again",
	       info.failures);
	return LK_OK;
}

const struct lk_command lk_cmd_lockout_clear = {
	.cli.words = "lockout clear",
	.cli.summary = "end the TPM's dictionary-attack lockout",
	.cli.operands = "",
	.cli.required = "--lockout-auth FILE",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(LOCKOUT_AUTH),
	.run = run_lockout_clear,
};
