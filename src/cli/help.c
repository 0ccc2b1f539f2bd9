/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the text of --help, from the tables of options and commands. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define LEFT_MAX 64u

/** A row: @left, and @text beside it or below. */
static void print_row(const struct lk_cli *cli, const char *left, const char *text)
{
	const char *gap = cli->wide ? "  " : " ";
	int indent = cli->options_width + 2 + (int)strlen(gap);

	if (cli->wrap && strlen(left) > (size_t)cli->options_width)
		(void)printf("  %s\n%*s", left, indent, "");
	else
		(void)printf("  %-*s%s", cli->options_width, left, gap);
	for (; *text; text++) {
		(void)putchar(*text);
		if (*text == '\n')
			(void)printf("%*s", indent, "");
	}
	(void)putchar('\n');
}

void lk_cli_print_options(const struct lk_cli *cli, const struct lk_option *options)
{
	for (const struct lk_option *o = options; o->name; o++) {
		char left[LEFT_MAX], letter[8] = "    ";

		if (!o->help)
			continue;
		if (o->letter)
			(void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		(void)snprintf(left, sizeof(left), "%s--%s%s%s", cli->letters ? letter : "",
			       o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		print_row(cli, left, o->help);
	}
}

void lk_cli_print_command(const struct lk_cli *cli, const struct lk_cli_command *cmd,
			  const struct lk_option *options)
{
	(void)printf("Usage: %s %s", cli->program, cmd->words);
	for (const struct lk_option *o = options; o->name; o++)
		if (o->how & LK_CLI_REQUIRED)
			(void)printf(" --%s %s", o->name, o->arg);
	/* A sentence here, a few words in the list of commands. */
	(void)printf(" [options]%s%s\n\n%c%s%s\n", *cmd->operands ? " " : "", cmd->operands,
		     toupper((unsigned char)cmd->summary[0]), cmd->summary + 1,
		     cli->summary_end ? cli->summary_end : "");
	if (cmd->required)
		(void)printf("\nRequired: %s\n", cmd->required);
	(void)printf("\nOptions:\n");
	lk_cli_print_options(cli, options);
	print_row(cli, cli->letters ? "    --debug" : "--debug", LK_CLI_DEBUG_HELP);
	print_row(cli, cli->letters ? "-h, --help" : "--help", "this text");
	if (cmd->details)
		(void)printf("\n%s", cmd->details);
	if (cli->command_end)
		(void)printf("\n%s", cli->command_end);
}

int lk_cli_parse(const struct lk_cli *cli, const struct lk_cli_command *cmd,
		 const struct lk_option *options, int argc, char **argv, struct lk_err *err)
{
	int rc = lk_cli_read(cli, cmd, options, argc, argv, err);

	if (rc == LK_HELP_WANTED)
		lk_cli_print_command(cli, cmd, options);
	return rc;
}
