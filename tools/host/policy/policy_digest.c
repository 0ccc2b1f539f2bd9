/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy digest: the bytes for a key that is kept elsewhere. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "key/signing.h"
#include "sys/crypto/crypto.h"

/* approved policy || policyRef: the message whose digest is signed. */
static size_t message(const struct lk_signed_policy *sp,
		      uint8_t out[static LK_DIGEST_MAX + LK_POLICY_REF_MAX])
{
	memcpy(out, sp->digest.data, sp->digest.len);
	memcpy(out + sp->digest.len, sp->policy_ref, sp->policy_ref_len);
	return sp->digest.len + sp->policy_ref_len;
}

static int print_digest(const struct lk_signed_policy *sp, struct lk_err *err)
{
	struct lk_digest tbs;

	if (lk_signed_policy_tbs(sp, lk_crypto_hash, &tbs) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	printf("%s of it: ",
	       tbs.len == 48 ? lk_alg_name(LK_ALG_SHA384) : lk_alg_name(LK_ALG_SHA256));
	lk_print_hex(stdout, tbs.data, tbs.len);
	printf("\n");
	return LK_OK;
}

static int write_both(const struct lk_signed_policy *sp, const struct lk_output *out,
		      const char *unsigned_path, struct lk_err *err)
{
	const struct lk_output second = { unsigned_path, out->force };
	uint8_t bytes[LK_DIGEST_MAX + LK_POLICY_REF_MAX];
	size_t len = message(sp, bytes);
	int rc;

	rc = lk_write_output(out, (struct lk_bytes){ bytes, len }, err);
	if (rc != LK_OK || !unsigned_path)
		return rc;
	rc = lk_signing_write(sp, &second, err);
	if (rc != LK_OK && !out->force && strcmp(out->path, "-") != 0)
		(void)unlink(out->path); /* it was ours: both or none */
	return rc;
}

static int run_policy_digest(int argc, char **argv, struct lk_err *err)
{
	struct lk_signing_args args = { 0 };
	const char *unsigned_path = NULL;
	struct lk_signing signing;
	const struct lk_option options[] = { LK_SIGNING_OPTIONS(args),
					     { "unsigned", 0, false, "FILE",
					       "also the policy without its signature",
					       &unsigned_path, NULL },
					     LK_OPTIONS_END };
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_policy_digest, options, argc, argv, err);

	if (rc == LK_OK)
		rc = lk_signing_prepare(&args, &signing, err);
	if (rc == LK_OK)
		rc = write_both(&signing.policy, &args.output, unsigned_path, err);
	if (rc == LK_OK && strcmp(args.output.path, "-") != 0)
		rc = print_digest(&signing.policy, err);
	return rc;
}

const struct lk_cli_command lk_cmd_policy_digest = {
	.words = "policy digest",
	.operands = "",
	.summary = "Write the exact bytes to sign with a key kept elsewhere",
	.details = "The output is the message. With a P-384 key (P-256: sha256):\n"
		   "  openssl dgst -sha384 -sign key.pem -out sig.der tbs.bin\n"
		   "A signer that wants a digest gets the one that is printed.\n"
		   "Then: latchkey policy attach, with the same options.\n",
	.run = run_policy_digest,
};
