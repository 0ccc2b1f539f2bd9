/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey config show. */
#include <unistd.h> /* optind */
#include <stdio.h>

#include "config/blob_text.h"
#include "command.h"
#include "config/opened.h"

static int run_config_show(int argc, char **argv, struct lk_err *err)
{
	struct lk_peeked peeked;
	bool json = false;
	const struct lk_option options[] = {
		{ "json", 'j', false, NULL, "JSON, for programs", NULL, &json }, LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_config_show, options, argc, argv, err);

	if (rc == LK_OK)
		rc = lk_peek(argv[optind], &peeked, err);
	if (rc != LK_OK)
		return rc;
	if (json)
		return lk_blob_text_json(&peeked.header, peeked.size, err);
	printf("configuration blob; NOTHING of this is verified (config verify does that)\n");
	lk_blob_text_print(&peeked.header, peeked.size);
	return LK_OK;
}

const struct lk_cli_command lk_cmd_config_show = {
	.words = "config show",
	.operands = "BLOB",
	.summary = "Show the header of a blob; nothing is verified",
	.details = "No key is needed. What is in it takes the keys: config\n"
		   "open, and config diff.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_config_show,
};
