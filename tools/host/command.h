/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a command is: one table gives its options and its --help. */
#ifndef LK_HOST_COMMAND_H
#define LK_HOST_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/rc.h"

/** A command was asked for its help and has given it: nothing else is to do. */
#define LK_HELP_SHOWN 1

struct lk_command {
	const char *words;    /* "policy sign" */
	const char *operands; /* "SIGNED...", or "" */
	const char *summary;  /* one line, for the list of commands */
	const char *details;  /* more for --help, with line ends; may be NULL */
	int min_operands;
	int max_operands;
	/** @argv[0] is the command's last word. LK_OK, LK_HELP_SHOWN,
	 * LK_DIFFERENT or an error. */
	int (*run)(int argc, char **argv, struct lk_err *err);
};

/** One option; exactly one of @value and @flag is set. */
struct lk_option {
	const char *name; /* NULL ends a table */
	char letter;	  /* or 0 */
	bool required;
	const char *arg; /* what the value is called; NULL for a flag */
	const char *help;
	const char **value;
	bool *flag;
};
#define LK_OPTIONS_MAX 16u
#define LK_OPTIONS_END                                                                             \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/**
 * lk_command_parse - options into their places
 * @argv: reordered; the operands are those from optind (getopt(3)) on
 *
 * An option may be given once: of two values one would be ignored.
 *
 * Return: LK_OK, LK_HELP_SHOWN or LK_E_USAGE.
 */
int lk_command_parse(const struct lk_command *cmd, const struct lk_option *options, int argc,
		     char **argv, struct lk_err *err);

/** Decimal number of an option, within [@min, @max]. */
int lk_option_number(const char *option, const char *text, const uint32_t range[static 2],
		     uint32_t *ret, struct lk_err *err);

/** The same beyond 32 bits. */
int lk_option_number64(const char *option, const char *text, const uint64_t range[static 2],
		       uint64_t *ret, struct lk_err *err);

extern const struct lk_command lk_cmd_keygen;
extern const struct lk_command lk_cmd_device;
extern const struct lk_command lk_cmd_policy_init;
extern const struct lk_command lk_cmd_policy_sign;
extern const struct lk_command lk_cmd_policy_sign_root_key;
extern const struct lk_command lk_cmd_policy_show;
extern const struct lk_command lk_cmd_policy_verify;
extern const struct lk_command lk_cmd_policy_digest;
extern const struct lk_command lk_cmd_policy_attach;
extern const struct lk_command lk_cmd_config_init;
extern const struct lk_command lk_cmd_config_seal;
extern const struct lk_command lk_cmd_config_show;
extern const struct lk_command lk_cmd_config_verify;
extern const struct lk_command lk_cmd_config_open;
extern const struct lk_command lk_cmd_config_diff;
extern const struct lk_command lk_cmd_log_show;
extern const struct lk_command lk_cmd_policy_predict;

#endif
