/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-provision's list of commands. */
#include "install/record.h"
#include "options.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "sys/os/secret.h"

static const struct lk_cli_command *const commands[] = {
	&lk_cmd_install.cli,
	&lk_cmd_format.cli,
	&lk_cmd_policy_add.cli,
	&lk_cmd_policy_list.cli,
	&lk_cmd_policy_retire.cli,
	&lk_cmd_status.cli,
	&lk_cmd_pcrs.cli,
	&lk_cmd_reseal.cli,
	&lk_cmd_remove.cli,
	&lk_cmd_setup.cli,
	&lk_cmd_remember.cli,
	&lk_cmd_floor_raise.cli,
	&lk_cmd_will_it_boot.cli,
	&lk_cmd_log_export.cli,
	&lk_cmd_recovery_key_renew.cli,
	&lk_cmd_auth_change.cli,
	&lk_cmd_lockout_clear.cli,
	&lk_cmd_policy_key_replace.cli,
	&lk_cmd_reset.cli,
	&lk_cmd_decommission.cli,
	&lk_cmd_device.cli,
	NULL,
};

static int run_command(const struct lk_cli_command *found, int argc, char **argv,
		       struct lk_err *err)
{
	const struct lk_command *cmd = (const struct lk_command *)(const void *)found;
	LK_OWNED_RECORD_LOCK lock = LK_RECORD_LOCK_NONE;
	struct lk_options opts;
	int rc;

	LK_TRY(lk_options_parse(cmd, argc, argv, &opts, err));
	/* Before it is read, and before the TPM: that takes one program at a time as well. */
	if (opts.value[LK_OPT_RECORD] && !cmd->reads_record)
		LK_TRY(lk_record_lock(opts.value[LK_OPT_RECORD], &lock, err));
	LK_TRY(lk_crypto_begin(true, err));
	LK_TRY(lk_secret_harden_process(err));
	rc = cmd->run(&opts, err);
	lk_wipe_stack();
	return rc;
}

int main(int argc, char **argv)
{
	struct lk_cli cli = lk_provision_cli;

	cli.commands = commands;
	cli.run = run_command;
	lk_log_init("latchkey-provision", false);
	return lk_cli_main(&cli, argc, argv);
}
