/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey config verify. */
#include <unistd.h> /* optind */
#include <stdio.h>
#include <string.h>

#include "config/blob_text.h"
#include "command.h"
#include "config/opened.h"
#include "config/target.h"

static int verify(const char *path, const char *key, const char *target, struct lk_err *err)
{
	LK_OWNED_VERIFIED_BLOB blob = NULL;
	uint8_t id[LK_BLOB_ID_SIZE];
	const struct lk_blob_header *header;
	char text[LK_BLOB_TEXT_MAX];
	int rc = target ? lk_target_read(target, id, err) : LK_OK;

	if (rc == LK_OK)
		rc = lk_verify(path, key, &blob, err);
	if (rc != LK_OK)
		return rc;
	header = lk_verified_blob_header(blob);
	if (target) {
		rc = lk_target_check(header, id, err);
		if (rc != LK_OK) {
			lk_err_prefix(err, "%s", path);
			return rc;
		}
	}
	printf("good: signed by that policy key, and whole\n");
	for (unsigned int i = 0; i < LK_BLOB_FIELDS; i++) {
		lk_blob_field_text(header, (enum lk_blob_field)i, text);
		printf("%-16s%s\n", lk_blob_field_name((enum lk_blob_field)i), text);
	}
	return LK_OK;
}

static int run_config_verify(int argc, char **argv, struct lk_err *err)
{
	const char *key = NULL, *target = NULL;
	const struct lk_option options[] = {
		{ "policy-key", 'k', true, "PUB", "public policy key, in PEM", &key, NULL },
		{ "target", 't', false, "ID", "refuse what isn't for this device", &target, NULL },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_config_verify, options, argc, argv, err);

	return rc == LK_OK ? verify(argv[optind], key, target, err) : rc;
}

const struct lk_cli_command lk_cmd_config_verify = {
	.words = "config verify",
	.operands = "BLOB",
	.summary = "Check a blob's form and its signature",
	.details = "The device checks the same, and that the sequence is above\n"
		   "its floor.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_config_verify,
};
