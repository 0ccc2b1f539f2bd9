/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey config diff. */
#include <unistd.h> /* optind */
#include <stdio.h>
#include <string.h>

#include "config/blob_text.h"
#include "command.h"
#include "config/listing.h"
#include "config/opened.h"

static size_t diff_headers(const struct lk_blob_header *a, const struct lk_blob_header *b)
{
	char x[LK_BLOB_TEXT_MAX], y[LK_BLOB_TEXT_MAX];
	size_t n = 0;

	for (unsigned int i = 0; i < LK_BLOB_FIELDS; i++) {
		lk_blob_field_text(a, (enum lk_blob_field)i, x);
		lk_blob_field_text(b, (enum lk_blob_field)i, y);
		if (!strcmp(x, y))
			continue;
		printf("%-16s%s to %s\n", lk_blob_field_name((enum lk_blob_field)i), x, y);
		n++;
	}
	return n;
}

/* By the headers alone: two blobs of one archive have nothing else alike. */
static int diff_peeked(char **paths, size_t *ret_n, struct lk_err *err)
{
	struct lk_peeked a, b;
	int rc = lk_peek(paths[0], &a, err);

	if (rc == LK_OK)
		rc = lk_peek(paths[1], &b, err);
	if (rc != LK_OK)
		return rc;
	*ret_n = diff_headers(&a.header, &b.header);
	printf("nothing is verified, and contents aren't compared: that takes --policy-key and --config-key\n");
	return LK_OK;
}

static int read_one(const char *path, const struct lk_opening_keys *keys,
		    struct lk_blob_header *ret_header, struct lk_listing *ret, struct lk_err *err)
{
	LK_OWNED_OPENED blob = LK_OPENED_NONE;
	int rc = lk_opened_init(path, keys, &blob, err);

	if (rc != LK_OK)
		return rc;
	*ret_header = *lk_verified_blob_header(blob.blob);
	return lk_listing_read(&blob, ret, err);
}

static int diff_opened(char **paths, const struct lk_opening_keys *keys, size_t *ret_n,
		       struct lk_err *err)
{
	LK_OWNED_LISTING a = { .files = NULL };
	LK_OWNED_LISTING b = { .files = NULL };
	struct lk_blob_header header_a, header_b;
	int rc = lk_secret_harden_process(err);

	if (rc == LK_OK)
		rc = read_one(paths[0], keys, &header_a, &a, err);
	if (rc == LK_OK)
		rc = read_one(paths[1], keys, &header_b, &b, err);
	if (rc != LK_OK)
		return rc;
	*ret_n = diff_headers(&header_a, &header_b);
	*ret_n += lk_listing_diff(&a, &b);
	return LK_OK;
}

static int run_config_diff(int argc, char **argv, struct lk_err *err)
{
	struct lk_opening_keys keys = { NULL, NULL };
	bool exit_code = false;
	size_t n = 0;
	const struct lk_option options[] = {
		{ "policy-key", 'k', false, "PUB", "public policy key: verify both",
		  &keys.policy_key, NULL },
		{ "config-key", 'c', false, "FILE", "configuration key: compare their files",
		  &keys.config_key, NULL },
		{ "exit-code", 0, false, NULL, "exit with 20 when there are differences", NULL,
		  &exit_code },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_config_diff, options, argc, argv, err);

	if (rc != LK_OK)
		return rc;
	if (!keys.policy_key != !keys.config_key)
		return lk_err_set(err, LK_E_USAGE, 0, "--policy-key and --config-key go together");
	rc = keys.policy_key ? diff_opened(argv + optind, &keys, &n, err)
			     : diff_peeked(argv + optind, &n, err);
	if (rc == LK_OK && n && exit_code)
		return LK_DIFFERENT;
	return rc;
}

const struct lk_cli_command lk_cmd_config_diff = {
	.words = "config diff",
	.operands = "BLOB BLOB",
	.summary = "Show what is different between two blobs",
	.details = "With both keys, the files in them too: added, removed and\n"
		   "changed ones.\n",
	.min_operands = 2,
	.max_operands = 2,
	.run = run_config_diff,
};
