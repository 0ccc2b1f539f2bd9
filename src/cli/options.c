/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading options by a table, and the errors of who types them. */
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "core/base/similar.h"
#include "sys/os/log.h"

/* Values of long options, above every letter. */
#define LONG_BASE  0x100
#define HELP_LONG  (LONG_BASE + (int)LK_OPTIONS_MAX)
#define DEBUG_LONG (HELP_LONG + 1)

/* Of each program and command, whatever its own table has. */
static const char debug_option[] = "debug";

static void to_getopt(const struct lk_option *options, struct option *ret_long, char *ret_short)
{
	size_t n = 0;

	*ret_short++ = ':'; /* a missing value is ':' and not '?' */
	*ret_short++ = 'h';
	for (; options[n].name; n++) {
		int has = options[n].arg ? required_argument : no_argument;

		assert(n < LK_OPTIONS_MAX);
		ret_long[n] = (struct option){ options[n].name, has, NULL, LONG_BASE + (int)n };
		if (!options[n].letter)
			continue;
		*ret_short++ = options[n].letter;
		if (options[n].arg)
			*ret_short++ = ':';
	}
	*ret_short = '\0';
	ret_long[n++] = (struct option){ "help", no_argument, NULL, HELP_LONG };
	ret_long[n++] = (struct option){ debug_option, no_argument, NULL, DEBUG_LONG };
	ret_long[n] = (struct option){ NULL, 0, NULL, 0 };
}

/** @got: what getopt_long() returned for it: a number of the table, or a letter. */
static size_t index_of(const struct lk_option *options, int got)
{
	size_t i = 0;

	if (got >= LONG_BASE)
		return (size_t)(got - LONG_BASE);
	while (options[i].letter != got)
		i++;
	return i;
}

static bool add_to_list(const char **list, const char *value)
{
	size_t n = 0;

	for (; n < LK_CLI_LIST_MAX && list[n]; n++)
		if (strcmp(list[n], value) == 0)
			return false;
	if (n == LK_CLI_LIST_MAX)
		return false;
	list[n] = value;
	return true;
}

/** @again: the option was given before. */
static int take_option(const struct lk_option *o, bool again, const char *value, struct lk_err *err)
{
	if (!o->arg) {
		*o->flag = true;
		return LK_OK;
	}
	if (o->how & LK_CLI_LIST ? !add_to_list(o->value, value) : again && !(o->how & LK_CLI_LAST))
		return lk_err_set(err, LK_E_USAGE, 0, "--%s: the option was given twice", o->name);
	if (!(o->how & LK_CLI_LIST))
		*o->value = value;
	return LK_OK;
}

/** "--polcy=x" is near to "policy". */
static int unknown_option(const struct lk_cli *cli, const struct lk_option *options,
			  const char *word, struct lk_err *err)
{
	const char *names[LK_OPTIONS_MAX + 2];
	char typed[64];
	const char *near = NULL;
	size_t n = 0;

	for (; options[n].name; n++)
		names[n] = options[n].name;
	names[n++] = debug_option;
	names[n] = NULL;
	if (strncmp(word, "--", 2) == 0) {
		(void)snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word + 2, "="), word + 2);
		near = lk_similar(typed, names);
	}
	return lk_err_set(err, LK_E_USAGE, 0, "%.80s: %s%s%s%s", word,
			  cli->no_option ? cli->no_option : "unknown option",
			  near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

static int check_complete(const struct lk_cli_command *cmd, const struct lk_option *options,
			  uint64_t seen, char **operands, struct lk_err *err)
{
	int n = 0;

	for (size_t i = 0; options[i].name; i++)
		if (options[i].how & LK_CLI_REQUIRED && !(seen >> i & 1))
			return lk_err_set(err, LK_E_USAGE, 0, "--%s %s is missing", options[i].name,
					  options[i].arg);
	while (operands[n])
		n++;
	if (n < cmd->min_operands)
		return lk_err_set(err, LK_E_USAGE, 0, "%s is missing", cmd->operands);
	if (n > cmd->max_operands)
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s: %s", operands[cmd->max_operands],
				  cmd->max_operands ? "nothing more is expected here"
						    : "nothing is expected beside options");
	return LK_OK;
}

int lk_cli_read(const struct lk_cli *cli, const struct lk_cli_command *cmd,
		const struct lk_option *options, int argc, char **argv, struct lk_err *err)
{
	struct option longs[LK_OPTIONS_MAX + 3];
	char shorts[2 * LK_OPTIONS_MAX + 3];
	uint64_t seen = 0;
	int got, at;

	to_getopt(options, longs, shorts);
	opterr = 0;
	optind = 0; /* begins anew, wherever in a word an earlier call has stopped */
	for (at = 1; (got = getopt_long(argc, argv, shorts, longs, NULL)) != -1; at = optind) {
		/* Of several letters in one word getopt moves on after the last alone; words
		 * that are no options may stand before it. */
		const char *word = argv[optind > at ? optind - 1 : at];
		size_t i;

		if (got == HELP_LONG || got == 'h')
			return LK_HELP_WANTED;
		if (got == DEBUG_LONG) {
			lk_log_debug();
			continue;
		}
		if (got == ':')
			return lk_err_set(err, LK_E_USAGE, 0, "%.80s: the option lacks its value",
					  argv[optind - 1]);
		if (got == '?' && optopt >= LONG_BASE)
			return lk_err_set(err, LK_E_USAGE, 0, "%.80s: the option takes no value",
					  word);
		if (got == '?')
			return unknown_option(cli, options, word, err);
		i = index_of(options, got);
		LK_TRY(take_option(&options[i], seen >> i & 1, optarg, err));
		seen |= UINT64_C(1) << i;
		if (options[i].how & LK_CLI_ENDS)
			return LK_OK;
	}
	return check_complete(cmd, options, seen, argv + optind, err);
}

void lk_cli_see(const struct lk_cli *cli, const char *words, struct lk_err *err)
{
	size_t len = strlen(err->msg);
	bool asks = len && err->msg[len - 1] == '?';

	(void)snprintf(err->msg + len, sizeof(err->msg) - len, "%s \"%s %s%s--help\"",
		       asks ? " See" : "; see", cli->program, words, *words ? " " : "");
}
