/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-provision's entry: finding the command, and its exit code. */
#include <stdio.h>
#include <string.h>

#include "core/base/similar.h"
#include "options.h"
#include "sys/os/log.h"
#include "sys/os/secret.h"

static const struct lk_command *const commands[] = {
	&lk_cmd_install,
	&lk_cmd_format,
	&lk_cmd_policy_add,
	&lk_cmd_policy_list,
	&lk_cmd_policy_retire,
	&lk_cmd_status,
	&lk_cmd_pcrs,
	&lk_cmd_reseal,
	&lk_cmd_remove,
	&lk_cmd_setup,
	&lk_cmd_remember,
	&lk_cmd_floor_raise,
	&lk_cmd_will_it_boot,
	&lk_cmd_recovery_key_renew,
	&lk_cmd_auth_change,
	&lk_cmd_lockout_clear,
	&lk_cmd_policy_key_replace,
	&lk_cmd_decommission,
	&lk_cmd_device,
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/** "policy list" is of "policy". */
static bool is_of(const struct lk_command *cmd, const char *group)
{
	size_t len = strlen(group);

	return strncmp(cmd->name, group, len) == 0 && cmd->name[len] == ' ';
}

/** @argv: what was typed for a command's name, of which the first @n_said are told. */
static int unknown_command(int n_said, int argc, char **argv)
{
	const char *names[N_COMMANDS + 1];
	const char *near;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i]->name;
	names[N_COMMANDS] = NULL;
	near = lk_similar_command(argv, argc, names);
	lk_log(LK_LOG_ERR,
	       "%.80s%s%.80s: unknown command%s%s%s; see \"latchkey-provision %s%s--help\"",
	       argv[0], n_said > 1 ? " " : "", n_said > 1 ? argv[1] : "",
	       near ? "; did you mean " : "", near ? near : "", near ? "?" : "",
	       n_said > 1 ? argv[0] : "", n_said > 1 ? " " : "");
	return LK_E_USAGE;
}

/** @group: NULL for all. */
static void list_commands(const char *group)
{
	printf("Commands:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!group || is_of(commands[i], group))
			printf("  %-18s %s\n", commands[i]->name, commands[i]->summary);
}

static bool is_group(const char *word)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (is_of(commands[i], word))
			return true;
	return false;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/** @argv: the group, and what comes after it. */
static int run_group(int argc, char **argv)
{
	const char *group = argv[0];

	if (argc > 1 && is_help(argv[1])) {
		printf("Usage: latchkey-provision %s COMMAND [options]\n\n", group);
		list_commands(group);
		printf("\nEach has --help; see latchkey-provision(8).\n");
		return LK_OK;
	}
	if (argc > 1)
		return unknown_command(2, argc, argv);
	lk_log(LK_LOG_ERR, "%s: a command is missing; see \"latchkey-provision %s --help\"", group,
	       group);
	return LK_E_USAGE;
}

static void print_help(void)
{
	printf("Usage: latchkey-provision COMMAND [options]\n\n"
	       "Prepares a device's TPM and volumes for unattended unlocking.\n\n");
	list_commands(NULL);
	printf("\n  --help           this text, and each command's options after its name\n"
	       "  --version        print the version\n\n"
	       "See latchkey-provision(8).\n");
}

/** How many of @argv's words are the command's name; 0 when it is another. */
static int match(const struct lk_command *cmd, int argc, char **argv)
{
	const char *space = strchr(cmd->name, ' ');
	size_t first = space ? (size_t)(space - cmd->name) : strlen(cmd->name);

	if (argc < 2 || strlen(argv[1]) != first || memcmp(argv[1], cmd->name, first) != 0)
		return 0;
	if (!space)
		return 1;
	return argc > 2 && strcmp(argv[2], space + 1) == 0 ? 2 : 0;
}

static int run(const struct lk_command *cmd, int argc, char **argv)
{
	struct lk_err err = { 0 };
	struct lk_options opts;
	bool help = false;
	int rc = lk_options_parse(cmd, argc, argv, &opts, &help);

	if (rc != LK_OK || help)
		return rc;
	rc = lk_secret_harden_process(&err);
	if (rc == LK_OK)
		rc = cmd->run(&opts, &err);
	if (rc == LK_OK && (fflush(stdout) || ferror(stdout)))
		rc = lk_err_set(&err, LK_E_IO, 0, "standard output can't be written");
	if (rc != LK_OK)
		lk_log(LK_LOG_ERR, "%s: %s", cmd->name, err.msg);
	return rc;
}

int main(int argc, char **argv)
{
	lk_log_init("latchkey-provision", false);
	if (argc == 2 && is_help(argv[1])) {
		print_help();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("latchkey-provision %s\n", LK_VERSION);
		return 0;
	}
	for (size_t i = 0; i < N_COMMANDS; i++) {
		int words = match(commands[i], argc, argv);

		if (words)
			return lk_exit_code(run(commands[i], argc - words, argv + words));
	}
	if (argc > 1 && is_group(argv[1]))
		return lk_exit_code(run_group(argc - 1, argv + 1));
	if (argc > 1)
		return lk_exit_code(unknown_command(1, argc - 1, argv + 1));
	lk_log(LK_LOG_ERR, "no command; see \"latchkey-provision --help\"");
	return lk_exit_code(LK_E_USAGE);
}
