/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey's list of commands and its general help. */
#include "command.h"
#include "sys/os/log.h"

static const struct lk_cli_command *const commands[] = {
	&lk_cmd_keygen,
	&lk_cmd_policy_init,
	&lk_cmd_policy_sign,
	&lk_cmd_policy_show,
	&lk_cmd_policy_verify,
	&lk_cmd_policy_digest,
	&lk_cmd_policy_attach,
	&lk_cmd_policy_bundle,
	&lk_cmd_config_init,
	&lk_cmd_config_seal,
	&lk_cmd_config_show,
	&lk_cmd_config_verify,
	&lk_cmd_config_open,
	&lk_cmd_config_diff,
	&lk_cmd_policy_predict,
	&lk_cmd_log_show,
	&lk_cmd_device,
	&lk_cmd_policy_sign_root_key,
	NULL,
};

const struct lk_cli lk_host_cli = {
	.program = "latchkey",
	.page = "latchkey(1)",
	.intro = "Usage: latchkey COMMAND [options]\n\n"
		 "Makes and signs the boot policies of devices that unlock their\n"
		 "disks by themselves, explains what they have measured, and seals\n"
		 "their configuration. Needs no TPM.\n\n",
	.outro = "\nOptions:\n"
		 "  -h, --help      this text; after a command, the command's own\n"
		 "  --version       version of the program\n"
		 "\nSee latchkey(1), latchkey-policy(5) and latchkey-blob(5).\n",
	.no_option = "no such option, or one that takes no value",
	.no_command = "no such command",
	.command_end = "Exit codes: latchkey(1).\n",
	.commands_width = 14,
	.options_width = 28,
	.wide = true,
	.letters = true,
	.commands = commands,
};

int main(int argc, char **argv)
{
	lk_log_init("latchkey", false);
	return lk_cli_main(&lk_host_cli, argc, argv);
}
