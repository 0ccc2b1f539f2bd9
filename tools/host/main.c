/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey's command table, its general help and its exit code. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "core/base/similar.h"
#include "sys/os/log.h"

static const struct lk_command *const commands[] = {
	&lk_cmd_keygen,	       &lk_cmd_policy_init,	     &lk_cmd_policy_sign,
	&lk_cmd_policy_show,   &lk_cmd_policy_verify,	     &lk_cmd_policy_digest,
	&lk_cmd_policy_attach, &lk_cmd_config_init,	     &lk_cmd_config_seal,
	&lk_cmd_config_show,   &lk_cmd_config_verify,	     &lk_cmd_config_open,
	&lk_cmd_config_diff,   &lk_cmd_policy_predict,	     &lk_cmd_log_show,
	&lk_cmd_device,	       &lk_cmd_policy_sign_root_key,
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static bool is_of(const struct lk_command *cmd, const char *group)
{
	size_t len = strlen(group);

	return !strncmp(cmd->words, group, len) && cmd->words[len] == ' ';
}

static bool is_group(const char *word)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (is_of(commands[i], word))
			return true;
	return false;
}

/* @argv: what was typed for a command's words. */
static const char *nearest(int argc, char **argv)
{
	const char *words[N_COMMANDS + 1];

	for (size_t i = 0; i < N_COMMANDS; i++)
		words[i] = commands[i]->words;
	words[N_COMMANDS] = NULL;
	return lk_similar_command(argv, argc, words);
}

static int no_such_command(int n_said, int argc, char **argv)
{
	const char *near = nearest(argc, argv);

	lk_log(LK_LOG_ERR, "%.80s%s%.80s: no such command%s%s%s; see: latchkey %s%s--help", argv[0],
	       n_said > 1 ? " " : "", n_said > 1 ? argv[1] : "", near ? "; did you mean " : "",
	       near ? near : "", near ? "?" : "", n_said > 1 ? argv[0] : "", n_said > 1 ? " " : "");
	return lk_exit_code(LK_E_USAGE);
}

/* @group: "policy", or NULL for all. */
static void list_commands(const char *group)
{
	printf("\nCommands:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!group || is_of(commands[i], group))
			printf("  %-14s  %s\n", commands[i]->words, commands[i]->summary);
}

static void show_help(void)
{
	printf("Usage: latchkey COMMAND [options]\n\n"
	       "Makes and signs the boot policies of devices that unlock their\n"
	       "disks by themselves, explains what they have measured, and seals\n"
	       "their configuration. Needs no TPM.\n");
	list_commands(NULL);
	printf("\nOptions:\n"
	       "  -h, --help      this text; after a command, the command's own\n"
	       "  --version       version of the program\n"
	       "\nSee latchkey(1), latchkey-policy(5) and latchkey-blob(5).\n");
}

/* "policy --help", and "policy" alone, which is a mistake. */
static int run_group(const char *group, int argc, char **argv)
{
	bool help = argc > 0 && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"));

	if (help) {
		printf("Usage: latchkey %s COMMAND [options]\n", group);
		list_commands(group);
		printf("\nEach has --help; see latchkey(1).\n");
		return lk_exit_code(LK_OK);
	}
	if (argc > 0)
		return no_such_command(2, argc + 1, argv - 1);
	lk_log(LK_LOG_ERR, "%s: a command is missing; see: latchkey %s --help", group, group);
	return lk_exit_code(LK_E_USAGE);
}

/* How many of @argv spell @words; 0 when they don't. */
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

static int usage_error(const char *what, const char *command)
{
	lk_log(LK_LOG_ERR, "%s; see: latchkey %s%s--help", what, command, *command ? " " : "");
	return lk_exit_code(LK_E_USAGE);
}

static int run(const struct lk_command *cmd, int argc, char **argv)
{
	struct lk_err err = { 0 };
	int rc = cmd->run(argc, argv, &err);

	/* What was promised on standard output has to have arrived there. */
	if (rc >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = lk_err_set(&err, LK_E_IO, 0, "standard output can't be written");
	if (rc >= 0)
		return lk_exit_code(rc == LK_DIFFERENT ? LK_DIFFERENT : LK_OK);
	if (rc == LK_E_USAGE)
		return usage_error(err.msg, cmd->words);
	lk_log(LK_LOG_ERR, "%s", err.msg);
	return lk_exit_code(rc);
}

int main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";

	lk_log_init("latchkey", false);
	if (!strcmp(first, "--help") || !strcmp(first, "-h")) {
		show_help();
		return lk_exit_code(LK_OK);
	}
	if (!strcmp(first, "--version")) {
		printf("latchkey %s\n", LK_VERSION);
		return lk_exit_code(LK_OK);
	}
	for (size_t i = 0; i < N_COMMANDS; i++) {
		int n = match(commands[i]->words, argc - 1, argv + 1);

		if (n)
			return run(commands[i], argc - n, argv + n);
	}
	if (is_group(first))
		return run_group(first, argc - 2, argv + 2);
	if (argc < 2)
		return usage_error("a command is missing", "");
	return no_such_command(1, argc - 1, argv + 1);
}
