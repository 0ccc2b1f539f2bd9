/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the command line's table. */
#include <getopt.h>
#include <stdio.h>

#include "support.h"

#include "cli/cli.h"

static const struct lk_cli cli = { .program = "prog", .options_width = 8 };

struct got {
	const char *name;
	const char *last;
	const char *list[LK_CLI_LIST_MAX];
	bool flag;
	bool ends;
	int rc;
	struct lk_err err;
};

/** @line: words with one space between them. */
static struct got read_line(const char *line, unsigned int how, int operands)
{
	static char words[256];
	static struct got g;
	char *argv[64] = { words };
	int argc = 1;
	const struct lk_cli_command cmd = { .words = "do it",
					    .operands = "FILE...",
					    .min_operands = operands ? 1 : 0,
					    .max_operands = operands };
	const struct lk_option options[] = { { "name", 'n', how, "NAME", "", &g.name, NULL },
					     { "last", 0, LK_CLI_LAST, "X", "", &g.last, NULL },
					     { "list", 0, LK_CLI_LIST, "X", "", g.list, NULL },
					     { "flag", 'f', 0, NULL, "", NULL, &g.flag },
					     { "ends", 0, LK_CLI_ENDS, NULL, "", NULL, &g.ends },
					     LK_OPTIONS_END };

	g = (struct got){ 0 };
	(void)snprintf(words, sizeof(words), "%s", line);
	for (char *p = strtok(words, " "); p && argc < 63; p = strtok(NULL, " "))
		argv[argc++] = p;
	argv[argc] = NULL;
	g.rc = lk_cli_read(&cli, &cmd, options, argc, argv, &g.err);
	return g;
}

static void refused(const char *line, unsigned int how, int operands, const char *said)
{
	struct got g = read_line(line, how, operands);

	assert_int_equal(g.rc, LK_E_USAGE);
	assert_string_equal(g.err.msg, said);
}

static void test_values_flags_and_lists_go_to_their_places(void **s)
{
	struct got g = read_line("--name a -f --list x --last 1 --list y --last=2", 0, 0);

	(void)s;
	assert_int_equal(g.rc, LK_OK);
	assert_string_equal(g.name, "a");
	assert_string_equal(g.last, "2");
	assert_string_equal(g.list[0], "x");
	assert_string_equal(g.list[1], "y");
	assert_null(g.list[2]);
	assert_true(g.flag);
	assert_string_equal(read_line("-fnb", 0, 0).name, "b");
	assert_int_equal(read_line("a --name b c", 0, 2).rc, LK_OK);
}

static void test_each_slip_is_named(void **s)
{
	(void)s;
	refused("--nmae x", 0, 0, "--nmae: unknown option; did you mean --name?");
	refused("--nmae=x", 0, 0, "--nmae=x: unknown option; did you mean --name?");
	refused("--other", 0, 0, "--other: unknown option");
	refused("-fxy", 0, 0, "-fxy: unknown option");
	refused("--name", 0, 0, "--name: the option lacks its value");
	refused("--flag=1", 0, 0, "--flag=1: the option takes no value");
	refused("--name a --name b", 0, 0, "--name: the option was given twice");
	refused("--name a -n a", 0, 0, "--name: the option was given twice");
	refused("--list a --list a", 0, 0, "--list: the option was given twice");
	refused("--flag", LK_CLI_REQUIRED, 0, "--name NAME is missing");
	refused("a", 0, 0, "a: nothing is expected beside options");
	refused("a b", 0, 1, "b: nothing more is expected here");
	refused("--flag", 0, 1, "FILE... is missing");
}

static void test_more_than_a_list_holds_is_refused(void **s)
{
	char line[256] = "";

	(void)s;
	for (unsigned int i = 0; i < LK_CLI_LIST_MAX; i++)
		(void)snprintf(line + strlen(line), sizeof(line) - strlen(line), "--list %u ", i);
	assert_int_equal(read_line(line, 0, 0).rc, LK_OK);
	(void)strcat(line, "--list more");
	assert_int_equal(read_line(line, 0, 0).rc, LK_E_USAGE);
}

static void test_help_and_what_ends_come_before_what_is_wrong_behind_them(void **s)
{
	(void)s;
	assert_int_equal(read_line("--help --other", LK_CLI_REQUIRED, 1).rc, LK_HELP_WANTED);
	assert_int_equal(read_line("-h", LK_CLI_REQUIRED, 1).rc, LK_HELP_WANTED);
	assert_int_equal(read_line("--ends --other", LK_CLI_REQUIRED, 1).rc, LK_OK);
	assert_int_equal(read_line("--other --help", 0, 0).rc, LK_E_USAGE);
}

static void test_numbers_have_a_range(void **s)
{
	static const char *const bad[] = { "",	 "0",  "11",	     "-1",
					   "1x", " 1", "4294967297", "18446744073709551617" };
	const uint32_t range[2] = { 1, 10 };
	uint32_t n = 77;

	(void)s;
	assert_int_equal(lk_option_number("n", "10", range, &n, NULL), LK_OK);
	assert_int_equal(n, 10);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(lk_option_number("n", bad[i], range, &n, NULL), LK_E_USAGE);
	assert_int_equal(n, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_flags_and_lists_go_to_their_places),
		cmocka_unit_test(test_each_slip_is_named),
		cmocka_unit_test(test_more_than_a_list_holds_is_refused),
		cmocka_unit_test(test_help_and_what_ends_come_before_what_is_wrong_behind_them),
		cmocka_unit_test(test_numbers_have_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
