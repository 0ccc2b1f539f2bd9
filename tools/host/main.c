/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey's list of commands. */
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

int main(int argc, char **argv)
{
	struct lk_cli cli = lk_host_cli;

	cli.commands = commands;
	lk_log_init("latchkey", false);
	return lk_cli_main(&cli, argc, argv);
}
