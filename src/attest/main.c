/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-attest's options and commands. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attest.h"
#include "cli/cli.h"
#include "sys/boot/boot_logs.h"
#include "sys/os/log.h"
#include "sys/os/secret.h"

/** Bits of command.options; --help is every command's. */
enum {
	CONFIG = 1u,
	STATE = 2u,
	TPM = 4u,
	LOGS = 8u,
	JSON = 0x10u,
	BY_HAND = 0x20u,
	ENROL = 0x40u,
};
#define OPTIONS_MAX 13u

struct command {
	struct lk_cli_command cli;
	unsigned int options;
	int (*run)(const struct lk_at_options *opts, struct lk_err *err);
};
static const struct command run = {
	.cli = { .words = "run", .operands = "", .summary = "attest this boot to the verifier" },
	.options = CONFIG | STATE | TPM | LOGS,
	.run = lk_at_run,
};
static const struct command enrol = {
	.cli = { .words = "enrol",
		 .operands = "",
		 .summary = "prove to the verifier that the attestation key is this TPM's" },
	.options = CONFIG | TPM | ENROL,
	.run = lk_at_enrol,
};
static const struct command quote = {
	.cli = { .words = "quote",
		 .operands = "",
		 .summary = "write a quote and the logs into a folder, to be verified elsewhere",
		 .required = "--nonce HEX -o DIR" },
	.options = TPM | LOGS | BY_HAND,
	.run = lk_at_quote,
};
static const struct command status = {
	.cli = { .words = "status",
		 .operands = "",
		 .summary = "show what the verifier answered last" },
	.options = STATE | JSON,
	.run = lk_at_status,
};
static const struct lk_cli_command *const commands[] = { &run.cli, &enrol.cli, &quote.cli,
							 &status.cli, NULL };

static const struct lk_cli cli;

/** A row of options, and the commands that have it. */
struct row {
	unsigned int bit;
	struct lk_option option;
};

static int parse(const struct command *cmd, int argc, char **argv, struct lk_at_options *o,
		 struct lk_err *err)
{
	const struct row all[OPTIONS_MAX] = {
		{ CONFIG,
		  { "config", 0, 0, "FILE", "settings (default " LK_ATTEST_SETTINGS ")", &o->config,
		    NULL } },
		{ STATE,
		  { "state", 0, 0, "FILE",
		    "what a run leaves for the next (default " LK_AT_STATE ")", &o->state, NULL } },
		{ BY_HAND,
		  { "nonce", 0, 0, "HEX", "what the verifier gave to quote over", &o->nonce,
		    NULL } },
		{ BY_HAND,
		  { "output", 'o', 0, "DIR", "a new folder for the files", &o->out, NULL } },
		{ BY_HAND, { "bank", 0, 0, "BANK", "sha256 (default) or sha384", &o->bank, NULL } },
		{ BY_HAND,
		  { "pcrs", 0, 0, "LIST", "PCRs to quote (default 0 to 15)", &o->pcrs, NULL } },
		{ BY_HAND, { "no-ima", 0, 0, NULL, "without the kernel's log", NULL, &o->no_ima } },
		{ ENROL,
		  { "endorsement-auth", 0, 0, "FILE",
		    "authorization of the endorsement hierarchy, where it has one",
		    &o->endorsement_auth, NULL } },
		{ TPM,
		  { "tpm", 0, 0, "TCTI", "the TPM (default " LK_TPM_SHARED ")", &o->tcti, NULL } },
		{ LOGS,
		  { "firmware-log", 0, 0, "FILE", "instead of the firmware's own log",
		    &o->firmware_log, NULL } },
		{ LOGS,
		  { "ima-log", 0, 0, "FILE", "instead of the kernel's own log", &o->ima_log,
		    NULL } },
		{ LOGS,
		  { "measured-log", 0, 0, "FILE", "instead of " LK_AT_MEASURED, &o->measured_log,
		    NULL } },
		{ JSON, { "json", 0, 0, NULL, "JSON instead of text", NULL, &o->json } },
	};
	struct lk_option options[OPTIONS_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < OPTIONS_MAX; i++)
		if (cmd->options & all[i].bit)
			options[n++] = all[i].option;
	options[n] = (struct lk_option)LK_OPTIONS_END;
	return lk_cli_parse(&cli, &cmd->cli, options, argc, argv, err);
}

/* A machine may lack a log; one that was named has to be there. */
static int expect_log(const char *option, const char *path, struct lk_err *err)
{
	if (access(path, F_OK) == 0)
		return LK_OK;
	return lk_err_set(err, LK_E_INPUT, (uint32_t)errno, "%s %s: can't open: %s", option, path,
			  strerror(errno));
}

static int run_command(const struct lk_cli_command *found, int argc, char **argv,
		       struct lk_err *err)
{
	const struct command *cmd = (const struct command *)(const void *)found;
	static const struct lk_at_options own = {
		.config = LK_ATTEST_SETTINGS,
		.state = LK_AT_STATE,
		.tcti = LK_TPM_SHARED,
		.firmware_log = LK_BOOT_LOG_FIRMWARE,
		.ima_log = LK_BOOT_LOG_IMA,
		.measured_log = LK_AT_MEASURED,
		.bank = "sha256",
		.pcrs = "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
	};
	struct lk_at_options opts = own;

	LK_TRY(parse(cmd, argc, argv, &opts, err));
	if (opts.firmware_log != own.firmware_log)
		LK_TRY(expect_log("--firmware-log", opts.firmware_log, err));
	if (opts.ima_log != own.ima_log)
		LK_TRY(expect_log("--ima-log", opts.ima_log, err));
	if (opts.measured_log != own.measured_log)
		LK_TRY(expect_log("--measured-log", opts.measured_log, err));
	return cmd->run(&opts, err);
}

static const struct lk_cli cli = {
	LK_CLI_ALIKE("latchkey-attest"),
	.intro = "Usage: latchkey-attest COMMAND [options]\n\n"
		 "Proves to the owner's verifier what this device has booted.\n\n",
	.commands_width = 9,
	.options_width = 20,
	.letters = true,
	.commands = commands,
	.run = run_command,
};

int main(int argc, char **argv)
{
	lk_log_init("latchkey-attest", false);
	return lk_cli_main(&cli, argc, argv);
}
