/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns opening the TPM that the device file, policy file or record say it has to be. */
#include "root_key.h"

#include "sys/os/log.h"

int lk_tpm_pin_ours(struct lk_tpm *tpm, const struct lk_options *opts,
		    const struct lk_policy_file *pf, bool *ret_known, struct lk_err *err)
{
	const struct lk_device_places places = {
		.file = opts->value[LK_OPT_DEVICE_FILE],
		.policy = pf,
		.policy_path = opts->value[LK_OPT_POLICY],
		.record = opts->value[LK_OPT_RECORD],
	};
	struct lk_device_expected expected;

	LK_TRY(lk_device_expect(&places, &expected, err));
	*ret_known = expected.root.len != 0;
	if (!*ret_known)
		return LK_OK;
	lk_tpm_pin_root(tpm, &expected.root, expected.from);
	return lk_tpm_root_compare(tpm, err);
}

int lk_tpm_open_ours(const struct lk_options *opts, const struct lk_policy_file *pf,
		     struct lk_tpm **ret, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;
	bool present = false;
	bool known = false;

	LK_TRY(lk_tpm_open_option(opts, &tpm, err));
	/* Before install nothing can say whose it is, and something else at its
	 * handle is no other device's TPM. A lie costs a refusal. */
	LK_TRY(lk_tpm_root_check(tpm, LK_ROOT_LOOK, &present, err));
	if (!present)
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"the TPM has no storage root key at 0x%08x: run \"latchkey-provision install\" first",
			LK_HANDLE_SRK);
	LK_TRY(lk_tpm_pin_ours(tpm, opts, pf, &known, err));
	if (!known)
		return lk_device_unknown("nothing was done", err);
	*ret = tpm;
	tpm = NULL;
	return LK_OK;
}

int lk_tpm_open_known(const struct lk_options *opts, struct lk_tpm **ret, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;
	bool known = false;

	LK_TRY(lk_tpm_open_option(opts, &tpm, err));
	LK_TRY(lk_tpm_pin_ours(tpm, opts, NULL, &known, err));
	if (!known)
		lk_log(LK_LOG_WARNING,
		       "nothing here says whose TPM this has to be, so somebody on its bus may stand in for it; see latchkey-device(5)");
	*ret = tpm;
	tpm = NULL;
	return LK_OK;
}
