/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-verifier's options and commands. */
#include <getopt.h>

#include "cli/cli.h"
#include "sys/os/log.h"
#include "sys/os/secret.h"
#include "verifier/verifier.h"
#include "verifier/device/device.h"
#include "verifier/flavor/flavor.h"

/** Bits of command.options. */
enum {
	STORE = 1u,
	JSON = 2u,
	FLAVOR = 4u,
	BY_HAND = 8u,
	UNPROVEN = 16u,
	FORMS = 32u,
	MAKES = 256u
};

struct command {
	struct lk_cli_command cli;
	unsigned int options;
	int (*run)(const struct lk_vf_options *opts, struct lk_err *err);
};
/* Operands: a number, -1 for one or more, MAYBE for one that may be left out. */
#define MAYBE (-2)
#define COMMAND(words_, operands_, n_, summary_, options_, run_)                                   \
	{                                                                                          \
		.cli = { .words = (words_),                                                        \
			 .operands = (operands_),                                                  \
			 .summary = (summary_),                                                    \
			 .min_operands = (n_) == MAYBE ? 0                                         \
					 : (n_) < 0    ? 1                                         \
						       : (n_),                                        \
			 .max_operands = (n_) == MAYBE ? 1                                         \
					 : (n_) < 0    ? 1000                                      \
						       : (n_) },                                      \
		.options = (options_), .run = (run_)                                               \
	}
static const struct command all_commands[] = {
	COMMAND("serve", "", 0, "take attestations, and show them", STORE, lk_vf_serve),
	COMMAND("import", "RECORD|DIR...", -1, "make devices known by their provisioning records",
		STORE | FLAVOR | UNPROVEN | MAKES, lk_vf_import),
	COMMAND("devices", "", 0, "list devices with their verdicts", STORE | JSON, lk_vf_devices),
	COMMAND("show", "DEVICE", 1, "show one device with its attestations", STORE | JSON,
		lk_vf_show),
	COMMAND("explain", "DEVICE", 1, "say why a device has its verdict", STORE, lk_vf_explain),
	COMMAND("report", "[DEVICE]", MAYBE, "count verdicts, and list what isn't trusted",
		STORE | JSON | FORMS, lk_vf_report),
	COMMAND("report-key", "", 0, "print the public key that reports are signed with",
		STORE | JSON, lk_vf_report_show_key),
	COMMAND("vacuum", "", 0, "delete what is too old, and give its room back", STORE,
		lk_vf_vacuum),
	COMMAND("approve", "DEVICE", 1, "let a device that has enrolled attest", STORE,
		lk_vf_approve),
	COMMAND("retire", "DEVICE", 1, "take nothing from a device any more", STORE, lk_vf_retire),
	COMMAND("learn", "DEVICE", 1, "take a device's values of now as its own flavor", STORE,
		lk_vf_learn),
	COMMAND("verify", "DIR", 1, "judge a quote and logs from files", JSON | BY_HAND,
		lk_vf_verify),
	COMMAND("flavor add", "NAME FILE", 2, "put a flavor in the place of the one of its name",
		STORE | MAKES, lk_vf_flavor_add),
	COMMAND("flavor list", "", 0, "list flavors", STORE, lk_vf_flavor_list),
	COMMAND("flavor show", "NAME", 1, "show what a flavor holds right", STORE,
		lk_vf_flavor_show),
	COMMAND("flavor check", "FILE", 1, "read a flavor, and verify what it names", 0,
		lk_vf_flavor_check),
	COMMAND("token add", "LABEL", 1, "make a token for reading, and print it", STORE | MAKES,
		lk_vf_token_add),
	COMMAND("token list", "", 0, "list the labels of tokens", STORE, lk_vf_token_list),
	COMMAND("token remove", "LABEL", 1, "make a token worthless", STORE, lk_vf_token_remove),
};
#define N_COMMANDS (sizeof(all_commands) / sizeof(all_commands[0]))

static const struct lk_cli cli;

static int run_command(const struct lk_cli_command *found, int argc, char **argv,
		       struct lk_err *err)
{
	const struct command *cmd = (const struct command *)(const void *)found;
	struct lk_vf_options o = { .json = false };
	/* Each with the commands that have it. */
	const struct {
		unsigned int of;
		struct lk_option option;
	} all[] = {
		{ STORE,
		  { "config", 0, 0, "FILE", "settings (default " LK_VF_SETTINGS ")", &o.config,
		    NULL } },
		{ STORE,
		  { "state", 0, 0, "DIR", "state directory (default " LK_VF_STATE ")", &o.state,
		    NULL } },
		{ FLAVOR,
		  { "flavor", 0, 0, "NAME",
		    "flavor of these devices (default: the one that they have, or \"default\")",
		    &o.flavor, NULL } },
		{ UNPROVEN,
		  { "unproven", 0, 0, NULL, "take records that nothing proves", NULL,
		    &o.unproven } },
		{ BY_HAND,
		  { "flavor", 0, 0, "FILE", "what it is compared with", &o.flavor, NULL } },
		{ BY_HAND,
		  { "nonce", 0, 0, "HEX", "the nonce that the quote has to be over", &o.nonce,
		    NULL } },
		{ JSON, { "json", 0, 0, NULL, "JSON instead of text", NULL, &o.json } },
		{ FORMS, { "jwt", 0, 0, NULL, "attestation results, signed", NULL, &o.jwt } },
		{ FORMS, { "html", 0, 0, NULL, "a page that stands alone", NULL, &o.html } },
	};
	struct lk_option options[sizeof(all) / sizeof(all[0]) + 1];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (cmd->options & all[i].of)
			options[n++] = all[i].option;
	options[n] = (struct lk_option)LK_OPTIONS_END;
	LK_TRY(lk_cli_parse(&cli, &cmd->cli, options, argc, argv, err));
	o.makes_state = cmd->options & MAKES;
	o.n = argc - optind;
	o.operands = argv + optind;
	LK_TRY(lk_secret_harden_process(err));
	return cmd->run(&o, err);
}

static const struct lk_cli_command *const commands[] = {
	&all_commands[0].cli,  &all_commands[1].cli,  &all_commands[2].cli,  &all_commands[3].cli,
	&all_commands[4].cli,  &all_commands[5].cli,  &all_commands[6].cli,  &all_commands[7].cli,
	&all_commands[8].cli,  &all_commands[9].cli,  &all_commands[10].cli, &all_commands[11].cli,
	&all_commands[12].cli, &all_commands[13].cli, &all_commands[14].cli, &all_commands[15].cli,
	&all_commands[16].cli, &all_commands[17].cli, &all_commands[18].cli, NULL,
};
_Static_assert(sizeof(commands) / sizeof(commands[0]) == N_COMMANDS + 1, "a command isn't listed");

static const struct lk_cli cli = {
	LK_CLI_ALIKE("latchkey-verifier"),
	.intro =
		"Usage: latchkey-verifier COMMAND [options]\n\n"
		"Takes what devices attest, says whether it is what was signed for, and keeps it.\n\n",
	.commands_width = 28,
	.options_width = 14,
	.commands = commands,
	.run = run_command,
};

int main(int argc, char **argv)
{
	lk_log_init("latchkey-verifier", false);
	return lk_cli_main(&cli, argc, argv);
}
