/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig's options and commands. */
#include <unistd.h> /* optind */

#include "cli/cli.h"
#include "core/policy/device_file.h"
#include "sys/os/log.h"
#include "sys/crypto/crypto.h"
#include "sys/os/secret.h"
#include "userconfig.h"

/** Bits of command.options; --help is every command's. */
enum {
	CONFIG = 1u,
	BLOB = 2u,
	ROOT = 4u,
	TPM = 8u,
	DEVICE_FILE = 0x10u,
	DRY_RUN = 0x20u,
	JSON = 0x40u,
	RAISE_FLOOR = 0x80u,
	YES = 0x100u,
	COMMON = CONFIG | ROOT | TPM | DEVICE_FILE,
};
#define OPTIONS_MAX 9u

struct command {
	struct lk_cli_command cli;
	unsigned int options;
	int (*run)(const struct lk_uc_options *opts, struct lk_err *err);
};
#define COMMAND(words_, summary_, options_, run_)                                                  \
	{                                                                                          \
		.cli = { .words = (words_), .operands = "", .summary = (summary_) },               \
		.options = (options_), .run = (run_)                                               \
	}
static const struct command apply = COMMAND("apply", "put an uploaded configuration in place",
					    COMMON | BLOB | DRY_RUN | RAISE_FLOOR, lk_uc_apply);
static const struct command init = COMMAND("init", "write commented settings, where there are none",
					   CONFIG | ROOT, lk_uc_init);
static const struct command check =
	COMMAND("check", "compare what is in place with what was signed", COMMON, lk_uc_check);
static const struct command status =
	COMMAND("status", "show what is in place, and what may come", COMMON | JSON, lk_uc_status);
static const struct command rollback =
	COMMAND("rollback", "put the configuration before this one in place", COMMON | RAISE_FLOOR,
		lk_uc_rollback);
static const struct command reset =
	COMMAND("reset", "take every configuration away, as before the first one", COMMON | YES,
		lk_uc_reset);
static const struct command drop_ins = {
	.cli = { .words = "drop-ins",
		 .operands = "FOLDER",
		 .summary = "write what the units have to know of the settings",
		 .min_operands = 1,
		 .max_operands = 1 },
	.options = CONFIG | ROOT,
	.run = lk_uc_drop_ins,
};
static const struct lk_cli_command *const commands[] = {
	&apply.cli,    &init.cli,     &check.cli, &status.cli,
	&rollback.cli, &drop_ins.cli, &reset.cli, NULL,
};

static const struct lk_cli cli;

/** The rows of @all that @cmd has. */
static void choose_options(const struct command *cmd, const struct lk_option *all,
			   const unsigned int bits[static OPTIONS_MAX],
			   struct lk_option ret[static OPTIONS_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < OPTIONS_MAX; i++)
		if (cmd->options & bits[i])
			ret[n++] = all[i];
	ret[n] = (struct lk_option)LK_OPTIONS_END;
}

static int parse(const struct command *cmd, int argc, char **argv, struct lk_uc_options *o,
		 struct lk_err *err)
{
	static const unsigned int bits[OPTIONS_MAX] = { CONFIG,	     BLOB, ROOT,
							RAISE_FLOOR, TPM,  DEVICE_FILE,
							DRY_RUN,     JSON, YES };
	const struct lk_option all[OPTIONS_MAX] = {
		{ "config", 0, 0, "FILE", "settings (default " LK_UC_SETTINGS ")", &o->config,
		  NULL },
		{ "blob", 0, 0, "FILE", "this blob instead of an upload; it stays where it is",
		  &o->blob, NULL },
		{ "root", 0, 0, "DIR",
		  "try it in a folder: the TPM's floor stays, no unit is restarted", &o->root,
		  NULL },
		{ "raise-floor", 0, 0, NULL,
		  "DIR is this device's own system, not running: no try, the floor is raised", NULL,
		  &o->raise_floor },
		{ "tpm", 0, 0, "TCTI", "the TPM (default " LK_TPM_SHARED ")", &o->tcti, NULL },
		{ "device-file", 0, 0, "FILE",
		  "whose TPM it has to be (default " LK_DEVICE_FILE ")", &o->device_file, NULL },
		{ "dry-run", 0, 0, NULL,
		  "judge the blob, show where its files would go, change nothing", NULL,
		  &o->dry_run },
		{ "json", 0, 0, NULL, "JSON instead of text", NULL, &o->json },
		{ "yes", 0, 0, "configuration", "the answer to the question", &o->yes, NULL },
	};
	struct lk_option options[OPTIONS_MAX + 1];

	choose_options(cmd, all, bits, options);
	LK_TRY(lk_cli_parse(&cli, &cmd->cli, options, argc, argv, err));
	o->folder = argv[optind];
	if (o->raise_floor && !o->root)
		return lk_err_set(err, LK_E_USAGE, 0, "--raise-floor: of use with --root alone");
	return LK_OK;
}

static int run_command(const struct lk_cli_command *found, int argc, char **argv,
		       struct lk_err *err)
{
	const struct command *cmd = (const struct command *)(const void *)found;
	struct lk_uc_options opts = { .tcti = LK_TPM_SHARED };
	int rc;

	LK_TRY(parse(cmd, argc, argv, &opts, err));
	LK_TRY(lk_crypto_begin(true, err));
	LK_TRY(lk_secret_harden_process(err));
	rc = cmd->run(&opts, err);
	lk_wipe_stack();
	return rc;
}

static const struct lk_cli cli = {
	LK_CLI_ALIKE("latchkey-userconfig"),
	.intro = "Usage: latchkey-userconfig COMMAND [options]\n\n"
		 "Verifies, decrypts and applies signed configuration.\n\n",
	.commands_width = 9,
	.options_width = 14,
	.commands = commands,
	.run = run_command,
};

int main(int argc, char **argv)
{
	lk_log_init("latchkey-userconfig", false);
	return lk_cli_main(&cli, argc, argv);
}
