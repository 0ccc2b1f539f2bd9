/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy sign. */
#include <string.h>

#include "key/keys.h"
#include "key/signing.h"
#include "policy/fleet.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"

static int sign(struct lk_signing *signing, const struct lk_private_key *key,
		const struct lk_output *out, struct lk_err *err)
{
	uint8_t signature[LK_SIGNATURE_MAX];
	struct lk_digest tbs;
	size_t len = 0;
	int rc;

	if (lk_signed_policy_tbs(&signing->policy, lk_crypto_hash, &tbs) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	rc = lk_private_key_sign(key, &tbs, signature, &len, err);
	if (rc != LK_OK)
		return rc;
	return lk_signing_finish(signing, (struct lk_bytes){ signature, len }, out, err);
}

struct sign_args {
	struct lk_signing_args signing;
	struct lk_fleet_args fleet;
	const char *uri;
	const char *passphrase_file;
};

/* A second machine that is refused is no riddle then. */
static void say_shared(const struct lk_policy_file *pf)
{
	uint32_t mask = pf->pcrs.mask & ~(pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch);
	char shared[LK_PCR_SHARED_TEXT];

	lk_pcr_shared_text(mask, shared);
	if (lk_pcrs_of_one_machine(mask))
		lk_log(LK_LOG_INFO, "signed policies over these PCRs: %s", shared);
}

static int sign_one(const struct sign_args *a, struct lk_err *err)
{
	LK_OWNED_PRIVATE_KEY key = NULL;
	struct lk_signing signing;

	if (lk_change_given(&a->fleet.change) || a->fleet.change.ima_unchanged)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"what changes is predicted from logs: --records goes with it; for one machine policy predict writes the values to sign");
	LK_TRY(lk_signing_prepare(&a->signing, &signing, err));
	LK_TRY(lk_load_private_key(a->uri, a->passphrase_file, &key, err));
	LK_TRY(lk_signing_expect_key(key, a->uri, &signing.file, err));
	LK_TRY(sign(&signing, key, &a->signing.output, err));
	say_shared(&signing.file);
	return LK_OK;
}

static int sign_many(struct sign_args *a, struct lk_err *err)
{
	LK_OWNED_PRIVATE_KEY key = NULL;
	struct lk_policy_file pf;
	uint32_t version;

	if (a->signing.pcr_values)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--pcr-values and --records exclude each other");
	a->fleet.output = a->signing.output;
	LK_TRY(lk_change_check(&a->fleet.change, err));
	LK_TRY(lk_signing_version(&a->signing, &version, err));
	LK_TRY(lk_signing_load_policy(&a->signing, &pf, err));
	/* The same for each of them: no device is to blame. */
	LK_TRY(lk_signed_policy_expect_version(&pf, version, err));
	LK_TRY(lk_load_private_key(a->uri, a->passphrase_file, &key, err));
	LK_TRY(lk_signing_expect_key(key, a->uri, &pf, err));
	return lk_fleet_sign(&a->fleet, &a->signing, key, &pf, err);
}

static int run_policy_sign(int argc, char **argv, struct lk_err *err)
{
	struct sign_args a = { .uri = NULL };
	const struct lk_option options[] = {
		LK_SIGNING_OPTIONS(a.signing),
		{ "key", 'k', true, "KEY", "private key: PEM file or OpenSSL store URI", &a.uri,
		  NULL },
		{ "passphrase-file", 0, false, "FILE",
		  "the key's passphrase or PIN, instead of asking", &a.passphrase_file, NULL },
		LK_FLEET_OPTIONS(a.fleet),
		LK_CHANGE_OPTIONS(a.fleet.change, 0),
		LK_OPTIONS_END
	};

	LK_TRY(lk_cli_parse(&lk_host_cli, &lk_cmd_policy_sign, options, argc, argv, err));
	LK_TRY(lk_secret_harden_process(err));
	LK_TRY(lk_fleet_check(&a.fleet, err));
	return a.fleet.records ? sign_many(&a, err) : sign_one(&a, err);
}

const struct lk_cli_command lk_cmd_policy_sign = {
	.words = "policy sign",
	.operands = "",
	.summary = "Sign PCR values: make a signed policy",
	.details = "PCR values: JSON of latchkey-provision pcrs --json, text of\n"
		   "tpm2_pcrread, or the file that tpm2_pcrread -o writes; the\n"
		   "form is recognized. - is standard input. The latch PCR is\n"
		   "always taken as zero. --version is needed unless the policy\n"
		   "file says version-floor: none.\n"
		   "With --records: for what each device will measure, by its record\n"
		   "and the logs beside it, after the change that is named, if any.\n"
		   "Devices with the same values share a policy; -o is a folder.\n",
	.run = run_policy_sign,
};
