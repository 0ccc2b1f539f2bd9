/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding a command by its words, groups of commands, and a program's end. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "core/base/similar.h"
#include "sys/os/log.h"

/* Commands and groups of one program. */
#define COMMANDS_MAX 64u
#define GROUP_MAX    32u

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/** "policy list" is of "policy". */
static bool is_of(const struct lk_cli_command *cmd, const char *group)
{
	size_t len = strlen(group);

	return strncmp(cmd->words, group, len) == 0 && cmd->words[len] == ' ';
}

static bool is_group(const struct lk_cli *cli, const char *word)
{
	for (size_t i = 0; cli->commands[i]; i++)
		if (is_of(cli->commands[i], word))
			return true;
	return false;
}

/** How many of @argv spell @words; 0 when they don't. */
static int match(const char *words, int argc, char **argv)
{
	int n = 0;

	for (;;) {
		size_t len = strcspn(words, " ");

		if (n == argc || strlen(argv[n]) != len || strncmp(argv[n], words, len) != 0)
			return 0;
		n++;
		if (!words[len])
			return n;
		words += len + 1;
	}
}

/** @group: NULL for all. */
static void list_commands(const struct lk_cli *cli, const char *group)
{
	(void)printf("Commands:\n");
	for (size_t i = 0; cli->commands[i]; i++)
		if (!group || is_of(cli->commands[i], group))
			(void)printf("  %-*s%s%s\n", cli->commands_width, cli->commands[i]->words,
				     cli->wide ? "  " : " ", cli->commands[i]->summary);
}

/** A group that @typed is near to, into @buf; NULL where there is none. */
static const char *similar_group(const struct lk_cli *cli, const char *typed,
				 char buf[static GROUP_MAX])
{
	char groups[COMMANDS_MAX][GROUP_MAX];
	const char *names[COMMANDS_MAX + 1];
	const char *near;
	size_t n = 0;

	for (size_t i = 0; cli->commands[i] && n < COMMANDS_MAX; i++) {
		const char *words = cli->commands[i]->words;
		size_t len = strcspn(words, " ");

		if (!words[len])
			continue;
		(void)snprintf(groups[n], GROUP_MAX, "%.*s", (int)len, words);
		names[n] = groups[n];
		n++;
	}
	names[n] = NULL;
	near = lk_similar(typed, names);
	if (near)
		(void)snprintf(buf, GROUP_MAX, "%s", near);
	return near ? buf : NULL;
}

/** @argv: what was typed for a command's words, of which the first @n_said are told. */
static int unknown_command(const struct lk_cli *cli, int n_said, int argc, char **argv,
			   struct lk_err *err)
{
	const char *names[COMMANDS_MAX + 1];
	char group[GROUP_MAX];
	const char *near;
	size_t n = 0;

	for (; cli->commands[n] && n < COMMANDS_MAX; n++)
		names[n] = cli->commands[n]->words;
	names[n] = NULL;
	near = lk_similar_command(argv, argc, names);
	if (!near && n_said == 1)
		near = similar_group(cli, argv[0], group);
	(void)lk_err_set(err, LK_E_USAGE, 0, "%.80s%s%.80s: %s%s%s%s", argv[0],
			 n_said > 1 ? " " : "", n_said > 1 ? argv[1] : "",
			 cli->no_command ? cli->no_command : "unknown command",
			 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	lk_cli_see(cli, n_said > 1 ? argv[0] : "", err);
	return LK_E_USAGE;
}

/** @argv: the group, and what comes after it. */
static int run_group(const struct lk_cli *cli, int argc, char **argv, struct lk_err *err)
{
	if (argc > 1 && is_help(argv[1])) {
		(void)printf("Usage: %s %s COMMAND [options]\n\n", cli->program, argv[0]);
		list_commands(cli, argv[0]);
		(void)printf("\nEach has --help; see %s.\n", cli->page);
		return LK_HELP_SHOWN;
	}
	if (argc > 1)
		return unknown_command(cli, 2, argc, argv, err);
	(void)lk_err_set(err, LK_E_USAGE, 0, "%s: a command is missing", argv[0]);
	lk_cli_see(cli, argv[0], err);
	return LK_E_USAGE;
}

static int run_command(const struct lk_cli *cli, const struct lk_cli_command *cmd, int argc,
		       char **argv, struct lk_err *err)
{
	int rc = cli->run ? cli->run(cmd, argc, argv, err) : cmd->run(argc, argv, err);

	rc = lk_cli_finish(rc, err);
	if (rc == LK_E_USAGE)
		lk_cli_see(cli, cmd->words, err);
	if (rc < 0 && cli->named)
		lk_err_prefix(err, "%s", cmd->words);
	return rc;
}

static int find_and_run(const struct lk_cli *cli, int argc, char **argv, struct lk_err *err)
{
	const char *first;

	/* It may stand before the command as well as among its options. */
	if (argc > 1 && strcmp(argv[1], "--debug") == 0) {
		lk_log_debug();
		argc--;
		argv++;
	}
	first = argc > 1 ? argv[1] : "";
	if (is_help(first)) {
		(void)printf("%s", cli->intro);
		list_commands(cli, NULL);
		(void)printf("%s", cli->outro);
		return LK_HELP_SHOWN;
	}
	if (strcmp(first, "--version") == 0) {
		(void)printf("%s " LK_VERSION "\n", cli->program);
		return LK_OK;
	}
	for (size_t i = 0; cli->commands[i]; i++) {
		int n = match(cli->commands[i]->words, argc - 1, argv + 1);

		if (n)
			return run_command(cli, cli->commands[i], argc - n, argv + n, err);
	}
	if (is_group(cli, first))
		return run_group(cli, argc - 1, argv + 1, err);
	if (argc > 1)
		return unknown_command(cli, 1, argc - 1, argv + 1, err);
	(void)lk_err_set(err, LK_E_USAGE, 0, "a command is missing");
	lk_cli_see(cli, "", err);
	return LK_E_USAGE;
}

int lk_cli_main(const struct lk_cli *cli, int argc, char **argv)
{
	struct lk_err err = { 0 };
	int rc = lk_cli_finish(find_and_run(cli, argc, argv, &err), &err);

	if (rc < 0)
		lk_log(LK_LOG_ERR, "%s", err.msg);
	return lk_exit_code(rc == LK_HELP_SHOWN ? LK_OK : rc);
}
