/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy attach: a signature made elsewhere joins its policy. */
#include <string.h>

#include "core/policy/ecdsa_der.h"
#include "key/signing.h"

/** A signature, with room to notice what isn't one. */
#define SIGNATURE_FILE_MAX 4096u

/* DER, as openssl writes it, or r || s, as PKCS #11 does. */
static int read_signature(const char *path, enum lk_curve curve,
			  uint8_t ret[static LK_SIGNATURE_MAX], size_t *ret_len, struct lk_err *err)
{
	LK_OWNED_BUF file = LK_BUF_NONE;
	size_t raw = 2 * lk_curve_size(curve);
	int rc;

	rc = lk_fs_read(path, SIGNATURE_FILE_MAX, &file, err);
	if (rc != LK_OK)
		return rc;
	if (lk_ecdsa_der_decode((struct lk_bytes){ file.data, file.len }, curve, ret, ret_len,
				NULL) == LK_OK)
		return LK_OK;
	if (file.len != raw)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"%s: not a signature for this key: neither DER nor r and s in %zu bytes",
			path, raw);
	memcpy(ret, file.data, raw);
	*ret_len = raw;
	return LK_OK;
}

static int run_policy_attach(int argc, char **argv, struct lk_err *err)
{
	struct lk_signing_args args = { 0 };
	uint8_t signature[LK_SIGNATURE_MAX];
	const char *path = NULL;
	struct lk_signing signing;
	size_t len = 0;
	const struct lk_option options[] = { LK_SIGNING_OPTIONS(args),
					     { "signature", 's', true, "FILE",
					       "the signature: DER, or r and s", &path, NULL },
					     LK_OPTIONS_END };
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_policy_attach, options, argc, argv, err);

	if (rc == LK_OK)
		rc = lk_signing_prepare(&args, &signing, err);
	if (rc == LK_OK)
		rc = read_signature(path, signing.file.key.curve, signature, &len, err);
	if (rc != LK_OK)
		return rc;
	rc = lk_signing_finish(&signing, (struct lk_bytes){ signature, len }, &args.output, err);
	if (rc == LK_E_POLICY)
		lk_err_prefix(err, "%s", path);
	return rc;
}

const struct lk_cli_command lk_cmd_policy_attach = {
	.words = "policy attach",
	.operands = "",
	.summary = "Make a signed policy of a signature made elsewhere",
	.details = "Give the options that policy digest was given. Nothing is\n"
		   "written unless the signature verifies.\n",
	.run = run_policy_attach,
};
