/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy init: a commented policy file to edit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "core/policy/policy_ref.h"
#include "documents.h"
#include "key/keys.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_sign.h"

struct init_args {
	const char *policy_key;
	const char *bank;
	const char *pcrs;
	const char *latch;
	const char *policy_ref;
	bool fleet;
	struct lk_output output;
};

static int write_key(FILE *f, const struct lk_policy_key *key, struct lk_err *err)
{
	LK_OWNED_BUF pem = LK_BUF_NONE;
	struct lk_name name;
	char *line, *save = NULL;
	int rc = lk_policy_key_to_pem(key, &pem, err);

	if (rc != LK_OK)
		return rc;
	if (lk_policy_key_name(key, lk_crypto_hash, &name) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	fputs("# Public half of the key whose signature opens the volumes. Its TPM Name:\n# ", f);
	lk_print_hex(f, name.data, name.len);
	fputs("\npolicy-key: |\n", f);
	for (line = strtok_r((char *)pem.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		fprintf(f, "  %s\n", line);
	return LK_OK;
}

static void write_pcrs(FILE *f, const struct init_args *args, uint32_t mask)
{
	const char *comma = "";
	char shared[LK_PCR_SHARED_TEXT];

	fprintf(f,
		"\n# What has to be unchanged since it was signed. The bank has to be active in\n# the TPM: an inactive one would check nothing.\nbank: %s\n",
		args->bank);
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (mask & 1u << i)
			fprintf(f, "# %u: %s\n", i, lk_pcr_meaning(i));
	fputs("pcrs: [", f);
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(mask & 1u << i))
			continue;
		fprintf(f, "%s%u", comma, i);
		comma = ", ";
	}
	lk_pcr_shared_text(mask, shared);
	fprintf(f,
		"]\n# Signed policies over these: %s;\n# see WHAT MOVES WHICH PCR in latchkey-policy(5).\n",
		shared);
}

static void write_settings(FILE *f, const struct init_args *args)
{
	fprintf(f,
		"\n# PCR that is extended once the volumes are open, so that nothing that runs\n# later in the same boot can open them again. It is signed with the others.\nlatch: %s\n",
		args->latch);
	fputs("\n# NV counter that holds the oldest version of a signed policy that is still\n# accepted, or none.\n"
	      "version-floor: 0x018a0001\n"
	      "\n# When a volume can't be opened: fail, prompt (for a passphrase, after the\n# latch is closed) or halt.\n"
	      "on-failure: fail\n"
	      "\n# Seconds to wait for the TPM and for a device.\n"
	      "timeout-tpm: 10\ntimeout-device: 30\n",
	      f);
}

static void write_volumes(FILE *f)
{
	fputs("\n# None yet: signing needs none. To have one, take the [] away and the \"# \" before\n# each line of the example, and edit it. Keys with a default show the default,\n# unless the line says otherwise.\n"
	      "volumes: []\n"
	      "#   - name: root                # it will be /dev/mapper/root\n"
	      "#     device: PARTLABEL=root    # or UUID=, LABEL=, PARTUUID=, /dev/...; no default\n"
	      "#     handle: 0x8100a001        # of the sealed passphrase; no default\n"
	      "#     cipher: aes-xts-plain64\n"
	      "#     key-size: 512             # bits\n"
	      "#     sector-size: 4096         # the default is 512\n"
	      "#     integrity: none           # or hmac-sha256\n"
	      "#     options: []               # discard, read-only, ...\n"
	      "#     pin: false                # whether a PIN is asked for as well\n"
	      "#     # on-failure: halt        # only for another answer than the one above\n",
	      f);
}

static int write_text(FILE *f, const struct init_args *args, uint32_t mask,
		      const struct lk_policy_key *key, struct lk_err *err)
{
	int rc;

	fputs("# Latchkey policy file; every key is explained in latchkey-policy(5). It has its\n# place in the boot image, which is measured: that is why it is believed.\n"
	      "latchkey-policy: 2\n\n",
	      f);
	rc = write_key(f, key, err);
	fputs("\n# What a signature has to be for: this name, and the bank, PCRs, latch and floor\n# below, which \"latchkey policy show\" puts into one line.\npolicy-ref: ",
	      f);
	lk_print_quoted(f, args->policy_ref, strlen(args->policy_ref));
	fputc('\n', f);
	write_pcrs(f, args, mask);
	write_settings(f, args);
	write_volumes(f);
	return rc;
}

/* The rules are in one place, the reader of policy files; so it is asked. */
static int check(const char *text, size_t len, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_policy_file pf;
	int rc = lk_yaml_parse((const uint8_t *)text, len, &yaml, err);

	if (rc == LK_OK)
		rc = lk_policy_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, &pf, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "these options make no policy file");
	return rc;
}

static int check_args(struct init_args *args, uint32_t *ret_mask, struct lk_err *err)
{
	static const uint32_t range[2] = { 0, LK_PCR_COUNT - 1 };
	uint32_t latch;
	int rc;

	args->bank = args->bank ? args->bank : "sha256";
	if (args->fleet && args->pcrs)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--fleet and --pcrs exclude each other: --fleet is --pcrs " LK_PCRS_OF_A_FLEET);
	if (!args->pcrs)
		args->pcrs = args->fleet ? LK_PCRS_OF_A_FLEET : "0,7,10";
	args->latch = args->latch ? args->latch : "15";
	args->policy_ref = args->policy_ref ? args->policy_ref : LK_POLICY_REF_DEFAULT;
	if (lk_alg_from_name(args->bank) == LK_ALG_NONE)
		return lk_err_set(err, LK_E_USAGE, 0, "--bank %.80s: expected sha256 or sha384",
				  args->bank);
	if (strcmp(args->latch, "none") != 0) {
		rc = lk_option_number("latch", args->latch, range, &latch, err);
		if (rc != LK_OK)
			return rc;
	}
	if (lk_pcr_mask_parse(args->pcrs, ret_mask, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "--pcrs");
	return LK_E_USAGE;
}

static int init(struct init_args *args, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	struct lk_policy_key key;
	char *data = NULL;
	uint32_t mask;
	FILE *f;
	int rc;

	rc = check_args(args, &mask, err);
	if (rc == LK_OK)
		rc = lk_load_policy_key(args->policy_key, &key, err);
	if (rc != LK_OK)
		return rc;
	f = open_memstream(&data, &text.len);
	if (!f)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	rc = write_text(f, args, mask, &key, err);
	if (fclose(f) != 0 && rc == LK_OK)
		rc = lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	text.data = (uint8_t *)data;
	if (rc == LK_OK)
		rc = check(data, text.len, err);
	if (rc != LK_OK)
		return rc;
	return lk_write_output(&args->output, (struct lk_bytes){ text.data, text.len }, err);
}

static int run_policy_init(int argc, char **argv, struct lk_err *err)
{
	struct init_args args = { 0 };
	const struct lk_option options[] = {
		{ "policy-key", 'k', true, "PUB", "public policy key, as keygen writes it",
		  &args.policy_key, NULL },
		{ "bank", 0, false, "BANK", "sha256 (default) or sha384", &args.bank, NULL },
		{ "pcrs", 0, false, "LIST", "0,7,10 (default), or others", &args.pcrs, NULL },
		{ "fleet", 0, false, NULL, "PCRs that machines of one model share: 0,4,7,11", NULL,
		  &args.fleet },
		{ "latch", 0, false, "PCR", "15 (default), another, or none", &args.latch, NULL },
		{ "policy-ref", 0, false, "NAME", "what signatures are for; default latchkey:luks",
		  &args.policy_ref, NULL },
		{ "output", 'o', true, "FILE", "what to write; - is standard output",
		  &args.output.path, NULL },
		{ "force", 'f', false, NULL, "replace the output file", NULL, &args.output.force },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_policy_init, options, argc, argv, err);

	return rc == LK_OK ? init(&args, err) : rc;
}

const struct lk_cli_command lk_cmd_policy_init = {
	.words = "policy init",
	.operands = "",
	.summary = "Write a policy file, with a volume to edit in comments",
	.run = run_policy_init,
};
