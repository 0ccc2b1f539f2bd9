/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey policy bundle: signed policies one after the other, for a partition or a stick. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h> /* optind */

#include "command.h"
#include "core/policy/policy_bundle.h"
#include "documents.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "volume/signed.h"

struct bundling {
	struct lk_policy_file pf;
	bool check; /* against it */
	struct lk_signed_policy *list;
	const struct lk_signed_policy **order; /* what is written: none twice */
	size_t n;
};
#define OWNED_BUNDLING __attribute__((cleanup(bundling_done))) struct bundling

static void bundling_done(struct bundling *b)
{
	free(b->list);
	free(b->order);
}

static bool is_there(const struct bundling *b, const struct lk_signed_policy *sp)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->order[i]->version == sp->version &&
		    lk_digest_equal(&b->order[i]->digest, &sp->digest) &&
		    lk_name_equal(&b->order[i]->key, &sp->key))
			return true;
	return false;
}

static int take_signed_policy(struct bundling *b, const char *path, struct lk_signed_policy *sp,
			      struct lk_err *err)
{
	int rc;

	LK_TRY(lk_document_signed_policy(path, sp, err));
	rc = b->check ? lk_signed_policy_verify(sp, &b->pf, err) : LK_OK;
	if (rc == LK_OK && !sp->signature_len)
		rc = lk_err_set(err, LK_E_INPUT, 0, "it isn't signed");
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return rc;
	}
	if (is_there(b, sp))
		lk_log(LK_LOG_INFO, "%s: another file has the same policy; written once", path);
	else
		b->order[b->n++] = sp;
	return LK_OK;
}

static int take_all(struct bundling *b, char **paths, struct lk_err *err)
{
	size_t n = 0;

	while (paths[n])
		n++;
	if (n > LK_POLICY_BUNDLE_COUNT)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"%zu signed policies, and a bundle has at most %u: make several, each for some of the devices",
			n, LK_POLICY_BUNDLE_COUNT);
	b->list = calloc(n, sizeof(*b->list));
	b->order = calloc(n, sizeof(*b->order));
	if (!b->list || !b->order)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		LK_TRY(take_signed_policy(b, paths[i], &b->list[i], err));
	return LK_OK;
}

/* A replaced node of a device would be a file in its place, and the medium as it was. */
static int check_output(const struct lk_output *out, struct lk_err *err)
{
	struct stat st;

	if (!strcmp(out->path, "-") || stat(out->path, &st) != 0 || S_ISREG(st.st_mode))
		return LK_OK;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"%s isn't a file: write a file, and put it there with \"dd if=FILE of=%s conv=fsync\"",
		out->path, out->path);
}

static int write_bundle(const struct bundling *b, const struct lk_output *out, struct lk_err *err)
{
	LK_OWNED_BUF text = { malloc(LK_POLICY_BUNDLE_MAX), 0 };

	if (!text.data)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	LK_TRY(lk_policy_bundle_write(b->order, b->n, lk_crypto_hash, text.data, &text.len, err));
	return lk_write_output(out, (struct lk_bytes){ text.data, text.len }, err);
}

static int run_policy_bundle(int argc, char **argv, struct lk_err *err)
{
	OWNED_BUNDLING b = { .check = false };
	struct lk_output out = { NULL, false };
	const char *policy = NULL;
	const struct lk_option options[] = {
		{ "policy", 'p', false, "FILE", "policy file that each has to belong to", &policy,
		  NULL },
		{ "output", 'o', true, "FILE", "what to write; - is standard output", &out.path,
		  NULL },
		{ "force", 'f', false, NULL, "replace it", NULL, &out.force },
		LK_OPTIONS_END
	};

	LK_TRY(lk_cli_parse(&lk_host_cli, &lk_cmd_policy_bundle, options, argc, argv, err));
	LK_TRY(check_output(&out, err));
	if (policy)
		LK_TRY(lk_document_policy_file(policy, &b.pf, err));
	b.check = policy != NULL;
	LK_TRY(take_all(&b, argv + optind, err));
	return write_bundle(&b, &out, err);
}

const struct lk_cli_command lk_cmd_policy_bundle = {
	.words = "policy bundle",
	.operands = "SIGNED...",
	.summary = "Put signed policies into one file, for a partition or a stick",
	.details = "A device that doesn't open finds them there: signed-from in\n"
		   "latchkey-policy(5). It goes there with dd, without a file system;\n"
		   "see latchkey-policy-bundle(5). With --policy nothing is written\n"
		   "unless each of them is good.\n",
	.min_operands = 1,
	.max_operands = 1 << 20,
	.run = run_policy_bundle,
};
