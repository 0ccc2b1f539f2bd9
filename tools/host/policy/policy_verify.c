/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy verify: signed policies against a policy file. */
#include <unistd.h> /* optind */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_out.h"
#include "key/signing.h"
#include "volume/signed.h"

static int verify_policy(const struct lk_doc *doc, const struct lk_policy_file *pf,
			 struct lk_verdict *ret, struct lk_err *err)
{
	struct lk_signed_policy sp;

	LK_TRY(lk_signed_policy_from_doc(doc, &sp, err));
	LK_TRY(lk_signed_policy_verify(&sp, pf, err));
	ret->version = sp.version;
	memcpy(ret->label, sp.label, sizeof(ret->label));
	return LK_OK;
}

/* Its label is the device that it is of. */
static int verify_root_key(const struct lk_doc *doc, const struct lk_policy_file *pf,
			   struct lk_verdict *ret, struct lk_err *err)
{
	struct lk_signed_root_key sr;

	LK_TRY(lk_signed_root_key_from_doc(doc, &sr, err));
	LK_TRY(lk_signed_root_key_verify(&sr, pf, err));
	memcpy(ret->label, "root key of ", 12);
	lk_hex_encode(sr.id, sizeof(sr.id), ret->label + 12);
	return LK_OK;
}

static void judge_file(const char *path, const struct lk_policy_file *pf, struct lk_verdict *ret)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_err err = { 0 };

	*ret = (struct lk_verdict){ .path = path };
	ret->rc = lk_document_read(path, LK_POLICY_FILE_MAX, &yaml, &err);
	if (ret->rc == LK_OK) {
		const struct lk_doc *doc = lk_yaml_root(yaml);
		bool root = doc->type == LK_DOC_MAP && lk_doc_get(doc, "latchkey-root-key");

		ret->rc = root ? verify_root_key(doc, pf, ret, &err)
			       : verify_policy(doc, pf, ret, &err);
		if (ret->rc != LK_OK)
			lk_err_prefix(&err, "%s", path);
	}
	if (ret->rc != LK_OK)
		memcpy(ret->reason, err.msg, sizeof(ret->reason));
}

static void print(const struct lk_verdict *v)
{
	if (v->rc != LK_OK) {
		printf("refused: ");
		lk_print_quoted(stdout, v->reason, strlen(v->reason));
		printf("\n");
		return;
	}
	printf("good: ");
	lk_print_quoted(stdout, v->path, strlen(v->path));
	if (v->version)
		printf(" version %u", v->version);
	printf(" label ");
	lk_print_quoted(stdout, v->label, strlen(v->label));
	printf("\n");
}

/* One code for several files: what couldn't be read comes before what isn't
 * signed, for less is known of it; and failures of ours before both. */
static int worst(const struct lk_verdict *verdicts, size_t n, struct lk_err *err)
{
	static const int order[] = { LK_E_SYSTEM, LK_E_IO, LK_E_INPUT, LK_E_POLICY };
	size_t refused = 0;

	for (size_t i = 0; i < n; i++)
		refused += verdicts[i].rc != LK_OK;
	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (size_t i = 0; i < n; i++)
			if (verdicts[i].rc == order[k])
				return lk_err_set(err, (enum lk_rc)order[k], 0,
						  "%zu of %zu refused: %.800s", refused, n,
						  verdicts[i].reason);
	return LK_OK;
}

static int verify(const struct lk_policy_file *pf, char **paths, bool json, struct lk_err *err)
{
	struct lk_verdict *verdicts;
	size_t n = 0;
	int rc = LK_OK;

	while (paths[n])
		n++;
	verdicts = calloc(n, sizeof(*verdicts));
	if (!verdicts)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	for (size_t i = 0; i < n; i++) {
		judge_file(paths[i], pf, &verdicts[i]);
		if (!json)
			print(&verdicts[i]);
	}
	if (json)
		rc = lk_json_print_verdicts(verdicts, n, err);
	if (rc == LK_OK)
		rc = worst(verdicts, n, err);
	free(verdicts);
	return rc;
}

static int run_policy_verify(int argc, char **argv, struct lk_err *err)
{
	const char *policy = NULL;
	struct lk_policy_file pf;
	bool json = false;
	const struct lk_option options[] = {
		{ "policy", 'p', true, "FILE", "policy file of the devices", &policy, NULL },
		{ "json", 'j', false, NULL, "JSON, for programs", NULL, &json },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_policy_verify, options, argc, argv, err);

	if (rc == LK_OK)
		rc = lk_document_policy_file(policy, &pf, err);
	if (rc == LK_OK)
		rc = verify(&pf, argv + optind, json, err);
	return rc;
}

const struct lk_cli_command lk_cmd_policy_verify = {
	.words = "policy verify",
	.operands = "SIGNED...",
	.summary = "Check signed policies and root keys: fields, digest, signature",
	.details = "One line for each. A TPM checks the same, and more: that\n"
		   "the PCRs have these values now.\n",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.run = run_policy_verify,
};
