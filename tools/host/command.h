/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the names of latchkey's commands; each lies in a file of its own. */
#ifndef LK_HOST_COMMAND_H
#define LK_HOST_COMMAND_H

#include "cli/cli.h"

/** latchkey itself: what lk_cli_parse() wants. */
extern const struct lk_cli lk_host_cli;

extern const struct lk_cli_command lk_cmd_keygen;
extern const struct lk_cli_command lk_cmd_device;
extern const struct lk_cli_command lk_cmd_policy_init;
extern const struct lk_cli_command lk_cmd_policy_sign;
extern const struct lk_cli_command lk_cmd_policy_sign_root_key;
extern const struct lk_cli_command lk_cmd_policy_bundle;
extern const struct lk_cli_command lk_cmd_policy_show;
extern const struct lk_cli_command lk_cmd_policy_verify;
extern const struct lk_cli_command lk_cmd_policy_digest;
extern const struct lk_cli_command lk_cmd_policy_attach;
extern const struct lk_cli_command lk_cmd_config_init;
extern const struct lk_cli_command lk_cmd_config_seal;
extern const struct lk_cli_command lk_cmd_config_show;
extern const struct lk_cli_command lk_cmd_config_verify;
extern const struct lk_cli_command lk_cmd_config_open;
extern const struct lk_cli_command lk_cmd_config_diff;
extern const struct lk_cli_command lk_cmd_log_show;
extern const struct lk_cli_command lk_cmd_policy_predict;

#endif
