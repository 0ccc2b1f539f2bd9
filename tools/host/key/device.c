/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey device: the device file of a provisioning record. */
#include <getopt.h>

#include "core/base/paths.h"
#include "command.h"
#include "documents.h"
#include "sys/format/device.h"

static int run_device(int argc, char **argv, struct lk_err *err)
{
	struct lk_output output = { 0 };
	char text[LK_DEVICE_YAML_TEXT];
	struct lk_device_file df;
	const struct lk_option options[] = {
		{ "output", 'o', true, "FILE", "what to write; - is standard output", &output.path,
		  NULL },
		{ "force", 0, false, NULL, "replace what is there", NULL, &output.force },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_device, options, argc, argv, err);

	if (rc != LK_OK)
		return rc;
	LK_TRY(lk_document_device_of_record(argv[optind], &df, err));
	return lk_write_output(&output,
			       (struct lk_bytes){ (uint8_t *)text,
						  lk_device_file_write(&df, text) },
			       err);
}

const struct lk_cli_command lk_cmd_device = {
	.words = "device",
	.operands = "RECORD",
	.summary = "Make a device file: whose TPM a device has",
	.details = "Of the record that latchkey-provision install has left. The file\n"
		   "is " LK_DEVICE_FILE " on the device: see latchkey-device(5).\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_device,
};
