/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the command line of all programs: one table gives a command's options, their help and their errors. */
#ifndef LK_CLI_CLI_H
#define LK_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/rc.h"

/** A command was asked for its help and has given it: nothing else is to do. */
#define LK_HELP_SHOWN 1
/** The same of lk_cli_read(), which leaves giving it to the caller. */
#define LK_HELP_WANTED 1

/** Bits of lk_option.how. Without them an option that takes a value may be left out, and is given once at most. */
#define LK_CLI_REQUIRED 1u /* the option has to be given */
#define LK_CLI_LAST	2u /* it may be given again: the last value is taken */
#define LK_CLI_ENDS	4u /* a flag after which nothing more is read, such as --version */
#define LK_CLI_LIST                                                                                \
	8u /* each value once, into an array of LK_CLI_LIST_MAX that is all NULL before */

#define LK_CLI_LIST_MAX 16u

/** One option; exactly one of @value and @flag is set. A flag may be repeated. */
struct lk_option {
	const char *name; /* NULL ends a table */
	char letter;	  /* or 0 */
	unsigned int how; /* LK_CLI_... */
	const char *arg;  /* what the value is called; NULL for a flag */
	const char *help; /* a newline in it goes on below its beginning; NULL: not shown */
	const char **value;
	bool *flag;
};
/** Of one command, beside --help and --debug. */
#define LK_OPTIONS_MAX 48u
#define LK_OPTIONS_END                                                                             \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/** A command of a program; a program without commands has one whose words are "". */
struct lk_cli_command {
	const char *words;    /* "policy sign" */
	const char *operands; /* "SIGNED...", or "" */
	const char *summary;  /* one line, for the list of commands */
	const char *required; /* a line for --help where the table can't say it; may be NULL */
	const char *details;  /* more for --help, with line ends; may be NULL */
	int min_operands;
	int max_operands;
	/** @argv[0] is the command's last word. Return: LK_OK, LK_HELP_SHOWN, LK_DIFFERENT or an
	 * error. NULL where the program's own run() does it. */
	int (*run)(int argc, char **argv, struct lk_err *err);
};

/** A program. What isn't set is left out. */
struct lk_cli {
	const char *program;	 /* "latchkey-provision" */
	const char *page;	 /* "latchkey-provision(8)" */
	const char *intro;	 /* first lines of --help, up to the list of commands */
	const char *outro;	 /* what stands below that list */
	const char *no_option;	 /* what is said of an option that isn't known; "unknown option" */
	const char *no_command;	 /* likewise; "unknown command" */
	const char *summary_end; /* "." where the summaries of the commands have none */
	const char *command_end; /* the last lines of each command's help */
	int commands_width, options_width; /* columns of the left side in lists */
	bool wide;			   /* two spaces between the columns */
	bool letters;			   /* a column for the letters of options */
	bool wrap;  /* where the left side is too long, the right one begins a line of its own */
	bool named; /* errors begin with the command's words */
	const struct lk_cli_command *const *commands; /* the last is NULL */
	/** Runs @cmd, in place of the command's own function. */
	int (*run)(const struct lk_cli_command *cmd, int argc, char **argv, struct lk_err *err);
};

/** --debug is of all programs and commands, and in no table. */
#define LK_CLI_DEBUG_HELP "say step by step on standard error what is done"

/** Members of a struct lk_cli that most programs have alike; @name is a literal. */
#define LK_CLI_ALIKE(name)                                                                         \
	.program = name, .page = name "(8)",                                                       \
	.outro = "\n  --help     this text; after a command, its options\n"                        \
		 "  --version  print the version\n"                                                \
		 "  --debug    " LK_CLI_DEBUG_HELP "\n\n"                                          \
		 "See " name "(8).\n",                                                             \
	.no_option = "no such option", .no_command = "no such command", .summary_end = ".",        \
	.wrap = true, .named = true

/**
 * lk_cli_parse - options into their places
 * @argv: reordered; the operands are those from optind (getopt(3)) on
 *
 * Of two values one would be ignored, so an option may be given once, unless
 * the table says otherwise. --help is answered here; --debug is heeded at once.
 *
 * Return: LK_OK, LK_HELP_SHOWN, or LK_E_USAGE with what is wrong.
 */
LK_MUST_CHECK int lk_cli_parse(const struct lk_cli *cli, const struct lk_cli_command *cmd,
			       const struct lk_option *options, int argc, char **argv,
			       struct lk_err *err);

/**
 * lk_cli_read - the same, for a program that prints its help by itself
 *
 * Return: LK_OK, LK_HELP_WANTED, or LK_E_USAGE with what is wrong.
 */
LK_MUST_CHECK int lk_cli_read(const struct lk_cli *cli, const struct lk_cli_command *cmd,
			      const struct lk_option *options, int argc, char **argv,
			      struct lk_err *err);

/** Where to read on, after a usage error: ends err->msg with `; see "PROGRAM COMMAND --help"`.
 * @words: the command's, or "". */
void lk_cli_see(const struct lk_cli *cli, const char *words, struct lk_err *err);

/** The lines of --help that list @options; not --help and --debug themselves. */
void lk_cli_print_options(const struct lk_cli *cli, const struct lk_option *options);

/** --help of one command. */
void lk_cli_print_command(const struct lk_cli *cli, const struct lk_cli_command *cmd,
			  const struct lk_option *options);

/**
 * lk_cli_main - the program's main(), from finding the command to the exit code
 *
 * Knows --help, --version, groups ("policy --help") and what was perhaps meant
 * by a word that isn't known. Failures are logged here, once; lk_log_init() must
 * have been called.
 */
int lk_cli_main(const struct lk_cli *cli, int argc, char **argv);

/**
 * lk_cli_finish - what was promised on standard output has to have arrived there
 *
 * Return: @rc; LK_E_IO where all else is well and standard output can't be written.
 */
int lk_cli_finish(int rc, struct lk_err *err);

/** Decimal number of an option, within [range[0], range[1]]. */
int lk_option_number(const char *option, const char *text, const uint32_t range[static 2],
		     uint32_t *ret, struct lk_err *err);

/** The same beyond 32 bits. */
int lk_option_number64(const char *option, const char *text, const uint64_t range[static 2],
		       uint64_t *ret, struct lk_err *err);

#endif
