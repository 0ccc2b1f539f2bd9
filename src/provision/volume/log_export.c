/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns log export: the logs of this boot as one file, for whoever signs for the next. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "install/record.h"
#include "root_key.h"
#include "sys/boot/log_export.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "volume/policies.h"

#define RECORD_SUFFIX ".json"

struct exporting {
	const struct lk_options *opts;
	struct lk_log_export e;
	struct lk_pcr_values opener; /* a mask of 0: none is known */
	char path[PATH_MAX];
};

/* NAME.json's are NAME.logs, beside it. */
static int find_path(struct exporting *x, struct lk_err *err)
{
	const char *record = x->opts->value[LK_OPT_RECORD];
	const char *output = x->opts->value[LK_OPT_OUTPUT];
	size_t len;

	if (!record == !output)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"say where the logs are to be written: --output FILE, or --record NAME.json for NAME.logs beside it");
	if (output)
		return snprintf(x->path, sizeof(x->path), "%s", output) < (int)sizeof(x->path)
			       ? LK_OK
			       : lk_err_set(err, LK_E_USAGE, 0, "--output: the path is too long");
	len = strlen(record);
	if (len <= strlen(RECORD_SUFFIX) ||
	    strcmp(record + len - strlen(RECORD_SUFFIX), RECORD_SUFFIX) != 0)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--record %.200s: its name doesn't end in " RECORD_SUFFIX
				  ": name the file with --output",
				  record);
	len -= strlen(RECORD_SUFFIX);
	if (snprintf(x->path, sizeof(x->path), "%.*s" LK_LOG_EXPORT_SUFFIX, (int)len, record) >=
	    (int)sizeof(x->path))
		return lk_err_set(err, LK_E_USAGE, 0, "--record: the path is too long");
	return LK_OK;
}

static int find_device(struct exporting *x, const struct lk_policy_file *pf, struct lk_err *err)
{
	const char *record = x->opts->value[LK_OPT_RECORD];
	LK_OWNED_TPM tpm = NULL;

	LK_TRY(lk_tpm_open_ours(x->opts, pf, &tpm, err));
	if (record)
		LK_TRY(lk_record_of_tpm(record, tpm, NULL, err));
	return lk_tpm_device(tpm, x->e.device, err);
}

/* Of the first volume that a policy of its token has opened in this boot. */
static int find_opener(struct exporting *x, const struct lk_policy_file *pf, struct lk_err *err)
{
	const char *only = x->opts->value[LK_OPT_VOLUME];

	for (size_t i = 0; i < pf->n_volumes; i++) {
		LK_OWNED_POLICIES p = LK_POLICIES_NONE;
		const struct lk_signed_policy *opener = NULL;
		struct lk_target target;

		if (only && strcmp(only, pf->volumes[i].name) != 0)
			continue;
		LK_TRY(lk_target_resolve(pf, pf->volumes[i].name, x->opts->value[LK_OPT_DEVICE],
					 &target, err));
		LK_TRY(lk_policies_load(&target, &p, err));
		LK_TRY(lk_policies_opener(x->opts->value[LK_OPT_BOOTED], target.vol, &p.token,
					  &opener, err));
		if (!opener)
			continue;
		x->opener = opener->pcrs;
		if (pf->latch != LK_NO_PCR)
			x->opener.sel.mask &= ~(1u << pf->latch);
		return LK_OK;
	}
	return LK_OK;
}

/* Up to the entry that brings PCR 10 to what the policy says. */
static int cut_ima(struct exporting *x, unsigned int entries, struct lk_err *err)
{
	struct lk_ima_entry entry = { .number = 0 };
	struct lk_ima_log log;

	LK_TRY(lk_ima_log_open(x->e.logs.ima.data, x->e.logs.ima.len, &log, err));
	while (entry.number < entries) {
		int rc = lk_ima_log_next(&log, &entry, err);

		if (rc != LK_OK)
			return rc == LK_LOG_END ? LK_OK : rc;
	}
	x->e.logs.ima.len = log.size - log.rest.left;
	return LK_OK;
}

/*
 * What the TPM has proven to the unlock takes the place of what it holds now: IMA and
 * systemd's boot phases have gone on since. Of the other bank nobody has proven these.
 */
static int go_back_to_unlock(struct exporting *x, struct lk_err *err)
{
	const uint32_t moving = 1u << LK_PCR_IMA | 1u << LK_PCR_KERNEL_IMAGE;
	struct lk_pcr_banks *banks = &x->e.logs.values;
	unsigned int ours = x->opener.sel.bank == lk_pcr_bank(0) ? 0 : 1;
	struct lk_logs logs = lk_boot_logs_bytes(&x->e.logs);
	struct lk_explanation why;

	if (!x->opener.sel.mask)
		return LK_OK;
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (x->opener.sel.mask & 1u << i)
			memcpy(banks->bank[ours].value[i], x->opener.value[i], LK_DIGEST_MAX);
	banks->bank[ours].sel.mask |= x->opener.sel.mask;
	banks->bank[!ours].sel.mask &= ~moving;
	x->e.at_unlock = true;
	if (!x->e.logs.have_ima || !(x->opener.sel.mask & 1u << LK_PCR_IMA))
		return LK_OK;
	LK_TRY(lk_log_explain(&logs, &banks->bank[ours], lk_crypto_hash, &why, err));
	return why.beginning ? cut_ima(x, why.beginning, err) : LK_OK;
}

/* Nobody could use logs that don't account for the values. */
static int check_explained(const struct exporting *x, struct lk_err *err)
{
	struct lk_logs logs = lk_boot_logs_bytes(&x->e.logs);

	LK_TRY(lk_boot_logs_check(&x->e.logs, err));
	for (unsigned int i = 0; i < LK_PCR_BANKS; i++) {
		const struct lk_pcr_values *values = &x->e.logs.values.bank[i];
		char pcrs[LK_PCR_MASK_TEXT];
		struct lk_explanation why;
		uint32_t wrong;

		if (!values->sel.mask)
			continue;
		LK_TRY(lk_log_explain(&logs, values, lk_crypto_hash, &why, err));
		wrong = lk_explanation_contradicted(&why);
		if (!wrong)
			continue;
		lk_pcr_mask_format(wrong, pcrs);
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"nothing was written: the logs don't explain what PCR %s of bank %s holds, so nothing could be made of them (\"latchkey log show\" says more)",
			pcrs, lk_alg_name(values->sel.bank));
	}
	return LK_OK;
}

static int write_file(const struct exporting *x, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	LK_TRY(lk_log_export_write(&x->e, &text, err));
	LK_TRY(lk_fs_replace(x->path, text.data, text.len, 0600, err));
	if (!x->e.at_unlock)
		lk_log(LK_LOG_INFO,
		       "no signed policy that opened a volume in this boot was found, so the values are those of now: PCR 10 and 11 may have moved since early boot");
	return LK_OK;
}

/* A device without volumes has no policy file, and its logs count all the same. */
static int load_policy(const struct lk_options *opts, struct lk_policy_file *ret, bool *ret_there,
		       struct lk_err *err)
{
	const char *path = opts->value[LK_OPT_POLICY];

	*ret_there =
		lk_option_given(opts, LK_OPT_POLICY) || access(path, F_OK) == 0 || errno != ENOENT;
	if (!*ret_there)
		return LK_OK;
	LK_TRY(lk_policy_file_load(path, ret, err));
	return lk_check_volume_options(opts, ret, err);
}

static int export_logs(struct exporting *x, struct lk_err *err)
{
	const struct lk_boot_log_names names = { x->opts->value[LK_OPT_LOG],
						 x->opts->value[LK_OPT_IMA_LOG],
						 x->opts->value[LK_OPT_PCRS] };
	struct lk_policy_file pf;
	bool have_policy = false;

	LK_TRY(find_path(x, err));
	if (names.firmware && !names.pcrs)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--log needs --pcrs: the values that belong to that log");
	LK_TRY(load_policy(x->opts, &pf, &have_policy, err));
	LK_TRY(find_device(x, have_policy ? &pf : NULL, err));
	LK_TRY(lk_boot_logs_read(&names, &x->e.logs, err));
	if (have_policy)
		LK_TRY(find_opener(x, &pf, err));
	LK_TRY(go_back_to_unlock(x, err));
	LK_TRY(check_explained(x, err));
	return write_file(x, err);
}

static int run_log_export(const struct lk_options *opts, struct lk_err *err)
{
	struct exporting x = { .opts = opts, .e = LK_LOG_EXPORT_NONE };
	int rc = export_logs(&x, err);

	lk_log_export_done(&x.e);
	return rc;
}

const struct lk_command lk_cmd_log_export = {
	.cli.words = "log export",
	.cli.summary = "write the logs of this boot as one file, for who signs",
	.cli.operands = "",
	.cli.required = "--record NAME.json (the file is NAME.logs), or --output FILE",
	.cli.details = "\"latchkey policy sign\" takes the file beside the device's record.\n",
	.reads_record = true,
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) | LK_OPT_BIT(BOOTED) |
		   LK_OPT_BIT(RECORD) | LK_OPT_BIT(OUTPUT) | LK_OPT_BIT(LOG) | LK_OPT_BIT(IMA_LOG) |
		   LK_OPT_BIT(PCRS),
	.run = run_log_export,
};
