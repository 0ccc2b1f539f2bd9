/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the options and commands of latchkey-provision. */
#ifndef LK_PROVISION_OPTIONS_H
#define LK_PROVISION_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"

/** Options that take a value; each is an index into lk_options.value. */
enum lk_opt {
	LK_OPT_TPM,
	LK_OPT_POLICY,
	LK_OPT_VOLUME,
	LK_OPT_DEVICE,
	LK_OPT_POLICIES,
	LK_OPT_RECORD,
	LK_OPT_RECIPIENT,
	LK_OPT_OWNER_AUTH,
	LK_OPT_ENDORSEMENT_AUTH,
	LK_OPT_LOCKOUT_AUTH,
	LK_OPT_POLICY_KEY,
	LK_OPT_CONFIG_KEY,
	LK_OPT_CONFIG_KEY_FORM,
	LK_OPT_EK_CA,
	LK_OPT_FAPI_DIR,
	LK_OPT_OVERWRITE,
	LK_OPT_RECOVERY_KEY_FILE,
	LK_OPT_YES,
	LK_OPT_BANK,
	LK_OPT_LEARNED,
	LK_OPT_BOOTED,
	LK_OPT_TO,
	LK_OPT_PIN_FILE,
	LK_OPT_LOG,
	LK_OPT_IMA_LOG,
	LK_OPT_PCRS,
	LK_OPT_EFIVARS,
	LK_OPT_ESP,
	LK_OPT_UKI,
	LK_OPT_KERNEL,
	LK_OPT_INITRD,
	LK_OPT_CMDLINE,
	LK_OPT_FIRMWARE_LOG,
	LK_OPT_PREDICTED,
	LK_OPT_NEW_AUTH,
	LK_OPT_HANDLE,
	LK_OPT_SHARED_POLICY_REF,
	LK_OPT_UNEXTENDED,
	LK_OPT_DEVICE_FILE,
	LK_OPT_OUTPUT,
	LK_OPT_ROOT,
	LK_OPT_USERCONFIG,
	LK_OPT_VALUES,
	/* Flags: set or not. */
	LK_OPT_SHRED = LK_OPT_VALUES,
	LK_OPT_VERBOSE,
	LK_OPT_JSON,
	LK_OPT_NO_RECOVERY_KEY,
	LK_OPT_REPLACE_OBJECT,
	LK_OPT_INSTALLATION,
	LK_OPT_IMA_UNCHANGED,
	LK_OPT_MAP,
	LK_OPT_KEEP_OBJECT,
	LK_OPT_KEEP_CONFIGURATION,
	LK_OPT_COUNT,
};

struct lk_options {
	const char *value[LK_OPT_VALUES];     /* NULL: not given */
	uint64_t given;			      /* bit N: option N */
	const char *volumes[LK_CLI_LIST_MAX]; /* each --volume, n_volumes of them */
	unsigned int n_volumes;
	char **args; /* what is left, n_args of them */
	int n_args;
};

static inline bool lk_option_given(const struct lk_options *o, enum lk_opt opt)
{
	return o->given >> opt & 1;
}

#define LK_OPT_BIT(name) (UINT64_C(1) << LK_OPT_##name)

/** A command; each lies in a file of its own. */
struct lk_command {
	struct lk_cli_command cli;
	const char *answer; /* what --yes takes; NULL: a name */
	bool many_volumes;  /* --volume may be given several times */
	bool reads_record;  /* --record is only read; what writes it keeps others from it */
	uint64_t options;   /* LK_OPT_BIT of those that it knows */
	/** Return: LK_OK or what lk_exit_code turns into an exit code. */
	int (*run)(const struct lk_options *opts, struct lk_err *err);
};

extern const struct lk_command lk_cmd_install;
extern const struct lk_command lk_cmd_format;
extern const struct lk_command lk_cmd_policy_add;
extern const struct lk_command lk_cmd_policy_list;
extern const struct lk_command lk_cmd_policy_retire;
extern const struct lk_command lk_cmd_status;
extern const struct lk_command lk_cmd_pcrs;
extern const struct lk_command lk_cmd_reseal;
extern const struct lk_command lk_cmd_remove;
extern const struct lk_command lk_cmd_setup;
extern const struct lk_command lk_cmd_remember;
extern const struct lk_command lk_cmd_floor_raise;
extern const struct lk_command lk_cmd_log_export;
extern const struct lk_command lk_cmd_will_it_boot;
extern const struct lk_command lk_cmd_device;
extern const struct lk_command lk_cmd_recovery_key_renew;
extern const struct lk_command lk_cmd_auth_change;
extern const struct lk_command lk_cmd_lockout_clear;
extern const struct lk_command lk_cmd_policy_key_replace;
extern const struct lk_command lk_cmd_reset;
extern const struct lk_command lk_cmd_decommission;

/** "policy" */
const char *lk_option_name(enum lk_opt opt);

/**
 * lk_options_parse - options of @cmd
 * @ret: set on LK_OK
 *
 * Return: LK_OK, LK_HELP_SHOWN or LK_E_USAGE.
 */
int lk_options_parse(const struct lk_command *cmd, int argc, char **argv, struct lk_options *ret,
		     struct lk_err *err);

/** latchkey-provision itself. */
extern const struct lk_cli lk_provision_cli;

#endif
