/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy sign. */
#include <string.h>

#include "key/keys.h"
#include "key/signing.h"
#include "sys/crypto/crypto.h"

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

static int run_policy_sign(int argc, char **argv, struct lk_err *err)
{
	struct lk_signing_args args = { 0 };
	const char *uri = NULL, *passphrase_file = NULL;
	LK_OWNED_PRIVATE_KEY key = NULL;
	struct lk_signing signing;
	const struct lk_option options[] = {
		LK_SIGNING_OPTIONS(args),
		{ "key", 'k', true, "KEY", "private key: PEM file or OpenSSL store URI", &uri,
		  NULL },
		{ "passphrase-file", 0, false, "FILE",
		  "the key's passphrase or PIN, instead of asking", &passphrase_file, NULL },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_policy_sign, options, argc, argv, err);

	if (rc == LK_OK)
		rc = lk_secret_harden_process(err);
	if (rc == LK_OK)
		rc = lk_signing_prepare(&args, &signing, err);
	if (rc == LK_OK)
		rc = lk_load_private_key(uri, passphrase_file, &key, err);
	if (rc == LK_OK)
		rc = lk_signing_expect_key(key, uri, &signing.file, err);
	if (rc == LK_OK)
		rc = sign(&signing, key, &args.output, err);
	return rc;
}

const struct lk_cli_command lk_cmd_policy_sign = {
	.words = "policy sign",
	.operands = "",
	.summary = "Sign PCR values: make a signed policy",
	.details = "PCR values: JSON of latchkey-provision pcrs --json, text of\n"
		   "tpm2_pcrread, or the file that tpm2_pcrread -o writes; the\n"
		   "form is recognized. - is standard input. The latch PCR is\n"
		   "always taken as zero. --version is needed unless the policy\n"
		   "file says version-floor: none.\n",
	.run = run_policy_sign,
};
