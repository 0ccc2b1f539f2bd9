/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns pcrs: the current PCR values, as the signing side reads them. */
#include <stdio.h>

#include "core/policy/unextended.h"
#include "root_key.h"
#include "sys/format/json.h"
#include "sys/os/log.h"

/* Few machines start anything by a dynamic launch (17 to 22): no word about these. */
#define MARKED_PCRS lk_pcrs_of_every_boot(0xffffu)

static int print_json(const struct lk_pcr_values *values, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;
	struct lk_json *bank;
	struct lk_json *list;
	uint32_t mask = lk_pcrs_unextended(values, MARKED_PCRS);
	int rc;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	bank = lk_json_set_object(json, lk_alg_name(values->sel.bank));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		char number[4];

		snprintf(number, sizeof(number), "%u", i);
		lk_json_set_hex(bank, number, values->value[i], lk_alg_size(values->sel.bank));
	}
	/* Whoever signs is told; policy sign looks at the values by itself. */
	list = lk_json_set_array(json, "unextended");
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (mask & 1u << i)
			lk_json_add_uint(list, i);
	rc = lk_json_write(json, &text, err);
	if (rc == LK_OK)
		fwrite(text.data, 1, text.len, stdout);
	return rc;
}

/** As tpm2_pcrread prints them, with a comment (YAML's) where a value proves nothing. */
static void print_text(const struct lk_pcr_values *values)
{
	uint32_t mask = lk_pcrs_unextended(values, MARKED_PCRS);

	printf("  %s:\n", lk_alg_name(values->sel.bank));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		printf("    %-2u: 0x", i);
		for (size_t k = 0; k < lk_alg_size(values->sel.bank); k++)
			printf("%02X", values->value[i][k]);
		printf("%s\n", mask & 1u << i ? " # nobody has extended it" : "");
	}
}

/* What comes of these values may be signed: so they are read in a session with the
 * root key that it has to be, where anything says which. */
static int read_values(struct lk_tpm *tpm, const struct lk_options *opts,
		       const struct lk_pcr_selection *all, struct lk_pcr_values *ret,
		       struct lk_err *err)
{
	bool known = false;

	LK_TRY(lk_tpm_pin_ours(tpm, opts, NULL, &known, err));
	if (known)
		return lk_tpm_pcr_read_proven(tpm, all, ret, err);
	lk_log(LK_LOG_WARNING,
	       "these values aren't proven: nothing here says whose TPM it has to be, so somebody on its bus may have made them up; see latchkey-device(5)");
	return lk_tpm_pcr_read(tpm, all, ret, err);
}

static int run_pcrs(const struct lk_options *opts, struct lk_err *err)
{
	const char *name = opts->value[LK_OPT_BANK];
	const struct lk_pcr_selection all = { name ? lk_alg_from_name(name) : LK_ALG_SHA256,
					      0xffffff };
	LK_OWNED_TPM tpm = NULL;
	struct lk_pcr_values values;
	int rc;

	if (all.bank == LK_ALG_NONE)
		return lk_err_set(err, LK_E_USAGE, 0, "--bank: expected sha256 or sha384");
	rc = lk_tpm_open_option(opts, &tpm, err);
	if (rc == LK_OK)
		rc = read_values(tpm, opts, &all, &values, err);
	if (rc != LK_OK)
		return rc;
	if (lk_option_given(opts, LK_OPT_JSON))
		return print_json(&values, err);
	print_text(&values);
	return LK_OK;
}

const struct lk_command lk_cmd_pcrs = {
	.cli.words = "pcrs",
	.cli.summary = "print the current PCR values, for signing",
	.cli.operands = "",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(BANK) | LK_OPT_BIT(JSON),
	.run = run_pcrs,
};
