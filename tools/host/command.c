/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading options by a table, and writing help from the same one. */
#include "command.h"

#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/similar.h"

/* Values of long options without a letter start above every character. */
#define LONG_BASE 0x100
#define HELP_LONG (LONG_BASE + (int)LK_OPTIONS_MAX)

static size_t count(const struct lk_option *options)
{
	size_t n = 0;

	while (options[n].name)
		n++;
	assert(n <= LK_OPTIONS_MAX);
	return n;
}

static void show_help(const struct lk_command *cmd, const struct lk_option *options)
{
	printf("Usage: latchkey %s", cmd->words);
	for (const struct lk_option *o = options; o->name; o++)
		if (o->required)
			printf(" --%s %s", o->name, o->arg);
	printf(" [options]%s%s\n\n%s\n\nOptions:\n", *cmd->operands ? " " : "", cmd->operands,
	       cmd->summary);
	for (const struct lk_option *o = options; o->name; o++) {
		char left[64];

		(void)snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
			       o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
			       o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-28s  %s\n", left, o->help);
	}
	printf("  %-28s  %s\n", "-h, --help", "this text");
	if (cmd->details)
		printf("\n%s", cmd->details);
	printf("\nExit codes: latchkey(1).\n");
}

static void to_getopt(const struct lk_option *options, struct option *ret_long, char *ret_short)
{
	size_t n = count(options);

	*ret_short++ = ':'; /* a missing value is ':' and not '?' */
	*ret_short++ = 'h';
	for (size_t i = 0; i < n; i++) {
		int has = options[i].arg ? required_argument : no_argument;

		ret_long[i] = (struct option){ options[i].name, has, NULL, LONG_BASE + (int)i };
		if (!options[i].letter)
			continue;
		*ret_short++ = options[i].letter;
		if (options[i].arg)
			*ret_short++ = ':';
	}
	*ret_short = '\0';
	ret_long[n] = (struct option){ "help", no_argument, NULL, HELP_LONG };
	ret_long[n + 1] = (struct option){ NULL, 0, NULL, 0 };
}

static const struct lk_option *find(const struct lk_option *options, int got)
{
	if (got >= LONG_BASE)
		return &options[got - LONG_BASE];
	while (options->name && options->letter != got)
		options++;
	return options;
}

static int take(const struct lk_option *o, const char *value, struct lk_err *err)
{
	if (!o->value) {
		*o->flag = true;
		return LK_OK;
	}
	if (*o->value)
		return lk_err_set(err, LK_E_USAGE, 0, "--%s is given twice", o->name);
	*o->value = value;
	return LK_OK;
}

/* @words: the @operands that were typed. */
static int check_complete(const struct lk_command *cmd, const struct lk_option *options,
			  int operands, char **words, struct lk_err *err)
{
	for (const struct lk_option *o = options; o->name; o++)
		if (o->required && !*o->value)
			return lk_err_set(err, LK_E_USAGE, 0, "--%s %s is missing", o->name,
					  o->arg);
	if (operands < cmd->min_operands)
		return lk_err_set(err, LK_E_USAGE, 0, "%s is missing", cmd->operands);
	if (operands > cmd->max_operands)
		return lk_err_set(err, LK_E_USAGE, 0, "%s: nothing more is expected here",
				  words[cmd->max_operands]);
	return LK_OK;
}

/* "--polcy=x" is near to "policy". */
static int wrong_option(const struct lk_option *options, const char *word, struct lk_err *err)
{
	const char *names[LK_OPTIONS_MAX + 1];
	char typed[64], meant[LK_SIMILAR_MAX];
	const char *near = NULL;
	size_t n = 0;

	for (; options[n].name; n++)
		names[n] = options[n].name;
	names[n] = NULL;
	if (!strncmp(word, "--", 2)) {
		(void)snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word + 2, "="), word + 2);
		near = lk_similar(typed, names);
	}
	(void)snprintf(meant, sizeof(meant), "%s%s%s", near ? "; did you mean --" : "",
		       near ? near : "", near ? "?" : "");
	return lk_err_set(err, LK_E_USAGE, 0, "%s: no such option, or one that takes no value%s",
			  word, meant);
}

int lk_command_parse(const struct lk_command *cmd, const struct lk_option *options, int argc,
		     char **argv, struct lk_err *err)
{
	struct option longs[LK_OPTIONS_MAX + 2];
	char shorts[2 * LK_OPTIONS_MAX + 3];
	int got, rc;

	to_getopt(options, longs, shorts);
	opterr = 0;
	optind = 1;
	while ((got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (got == 'h' || got == HELP_LONG) {
			show_help(cmd, options);
			return LK_HELP_SHOWN;
		}
		if (got == ':')
			return lk_err_set(err, LK_E_USAGE, 0, "%s: a value is missing",
					  argv[optind - 1]);
		if (got == '?')
			return wrong_option(options, argv[optind - 1], err);
		rc = take(find(options, got), optarg, err);
		if (rc != LK_OK)
			return rc;
	}
	return check_complete(cmd, options, argc - optind, argv + optind, err);
}

int lk_option_number64(const char *option, const char *text, const uint64_t range[static 2],
		       uint64_t *ret, struct lk_err *err)
{
	uint64_t v = 0;
	const char *p = text;
	bool fits = *p != '\0';

	for (; fits && *p; p++)
		fits = *p >= '0' && *p <= '9' && !__builtin_mul_overflow(v, 10, &v) &&
		       !__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v);
	if (!fits || v < range[0] || v > range[1])
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--%s %.80s: expected a number from %" PRIu64 " to %" PRIu64,
				  option, text, range[0], range[1]);
	*ret = v;
	return LK_OK;
}

int lk_option_number(const char *option, const char *text, const uint32_t range[static 2],
		     uint32_t *ret, struct lk_err *err)
{
	const uint64_t wide[2] = { range[0], range[1] };
	uint64_t v = 0;
	int rc = lk_option_number64(option, text, wide, &v, err);

	if (rc == LK_OK)
		*ret = (uint32_t)v;
	return rc;
}
