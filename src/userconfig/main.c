/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig's options, commands and exit code. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/base/similar.h"
#include "core/policy/device_file.h"
#include "sys/os/log.h"
#include "sys/os/secret.h"
#include "userconfig.h"

enum {
	OPT_HELP = 0x100,
	OPT_CONFIG,
	OPT_BLOB,
	OPT_ROOT,
	OPT_TPM,
	OPT_DEVICE_FILE,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_RAISE_FLOOR
};

static const struct option all_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "blob", required_argument, NULL, OPT_BLOB },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "tpm", required_argument, NULL, OPT_TPM },
	{ "device-file", required_argument, NULL, OPT_DEVICE_FILE },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "raise-floor", no_argument, NULL, OPT_RAISE_FLOOR },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};
#define N_OPTIONS (sizeof(all_options) / sizeof(all_options[0]))
#define BIT(opt)  (1u << ((opt)-OPT_HELP))
#define COMMON                                                                                     \
	(BIT(OPT_HELP) | BIT(OPT_CONFIG) | BIT(OPT_ROOT) | BIT(OPT_TPM) | BIT(OPT_DEVICE_FILE))

static const struct {
	int opt;
	const char *text;
} help[] = {
	{ OPT_CONFIG, "--config FILE  settings (default " LK_UC_SETTINGS ")" },
	{ OPT_BLOB, "--blob FILE    this blob instead of an upload; it stays where it is" },
	{ OPT_ROOT,
	  "--root DIR     try it in a folder: the TPM's floor stays, no unit is restarted" },
	{ OPT_RAISE_FLOOR,
	  "--raise-floor  DIR is this device's own system, not running: no try, the floor is raised" },
	{ OPT_TPM, "--tpm TCTI     the TPM (default " LK_UC_TPM ")" },
	{ OPT_DEVICE_FILE, "--device-file FILE\n"
			   "                 whose TPM it has to be (default " LK_DEVICE_FILE ")" },
	{ OPT_DRY_RUN,
	  "--dry-run      judge the blob, show where its files would go, change nothing" },
	{ OPT_JSON, "--json         JSON instead of text" },
	{ OPT_HELP, "--help         this text" },
};

struct command {
	const char *name;
	const char *summary;
	unsigned int options;
	int (*run)(const struct lk_uc_options *opts, struct lk_err *err);
};
static const struct command commands[] = {
	{ "apply", "put an uploaded configuration in place",
	  COMMON | BIT(OPT_BLOB) | BIT(OPT_DRY_RUN) | BIT(OPT_RAISE_FLOOR), lk_uc_apply },
	{ "init", "write commented settings, where there are none",
	  BIT(OPT_HELP) | BIT(OPT_CONFIG) | BIT(OPT_ROOT), lk_uc_init },
	{ "check", "compare what is in place with what was signed", COMMON, lk_uc_check },
	{ "status", "show what is in place, and what may come", COMMON | BIT(OPT_JSON),
	  lk_uc_status },
	{ "rollback", "put the configuration before this one in place",
	  COMMON | BIT(OPT_RAISE_FLOOR), lk_uc_rollback },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void show_help(void)
{
	printf("Usage: latchkey-userconfig COMMAND [options]\n\n"
	       "Verifies, decrypts and applies signed configuration.\n\n"
	       "Commands:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-9s %s\n", commands[i].name, commands[i].summary);
	printf("\n  --help     this text; after a command, its options\n"
	       "  --version  print the version\n\n"
	       "See latchkey-userconfig(8).\n");
}

static void show_command_help(const struct command *cmd)
{
	printf("Usage: latchkey-userconfig %s [options]\n\n%s.\n\nOptions:\n", cmd->name,
	       cmd->summary);
	for (size_t i = 0; i < sizeof(help) / sizeof(help[0]); i++)
		if (cmd->options & BIT(help[i].opt))
			printf("  %s\n", help[i].text);
}

static int usage(const char *command, const char *word, const char *why)
{
	lk_log(LK_LOG_ERR, "%s%s%s; see \"latchkey-userconfig %s--help\"", word, *word ? ": " : "",
	       why, command);
	return lk_exit_code(LK_E_USAGE);
}

/* What isn't known, with what was perhaps meant. */
static int unknown(const char *command, const char *word, const char *why, const char *const *known)
{
	bool option = strncmp(word, "--", 2) == 0;
	char typed[64], text[192];
	const char *near;

	(void)snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word, "="), word);
	near = lk_similar(option ? typed + 2 : typed, known);
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s", why, near ? "; did you mean " : "",
		       near && option ? "--" : "", near ? near : "", near ? "?" : "");
	return usage(command, word, text);
}

static int unknown_option(const char *command, const char *word)
{
	const char *names[N_OPTIONS];

	for (size_t i = 0; i < N_OPTIONS; i++)
		names[i] = all_options[i].name; /* the last is NULL */
	return unknown(command, word, "no such option, or one that takes no value", names);
}

static int unknown_command(const char *word)
{
	const char *names[N_COMMANDS + 1] = { NULL };

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	return unknown("", word, "no such command", names);
}

/* "--name" of an option, however it was written. */
static const char *spelled(int opt, char ret[static 16])
{
	for (size_t i = 0; i + 1 < N_OPTIONS; i++)
		if (all_options[i].val == opt)
			(void)snprintf(ret, 16, "--%.13s", all_options[i].name);
	return ret;
}

static int take(struct lk_uc_options *o, int opt, const char *value)
{
	const char **place = opt == OPT_CONFIG	      ? &o->config
			     : opt == OPT_BLOB	      ? &o->blob
			     : opt == OPT_ROOT	      ? &o->root
			     : opt == OPT_TPM	      ? &o->tcti
			     : opt == OPT_DEVICE_FILE ? &o->device_file
						      : NULL;

	if (opt == OPT_DRY_RUN)
		o->dry_run = true;
	if (opt == OPT_JSON)
		o->json = true;
	if (opt == OPT_RAISE_FLOOR)
		o->raise_floor = true;
	if (!place)
		return 0;
	/* Of two values one would be ignored. */
	if (*place)
		return -1;
	*place = value;
	return 0;
}

static int run(const struct command *cmd, struct lk_uc_options *opts)
{
	struct lk_err err = { 0 };
	int rc;

	if (!opts->tcti)
		opts->tcti = LK_UC_TPM;
	rc = lk_secret_harden_process(&err);
	if (rc == LK_OK)
		rc = cmd->run(opts, &err);
	if (rc == LK_OK && (fflush(stdout) != 0 || ferror(stdout)))
		rc = lk_err_set(&err, LK_E_IO, 0, "standard output can't be written");
	if (rc != LK_OK)
		lk_log(LK_LOG_ERR, "%s: %s", cmd->name, err.msg);
	return lk_exit_code(rc);
}

static int parse(const struct command *cmd, int argc, char **argv)
{
	struct lk_uc_options opts = { 0 };
	char prefix[32], name[16] = "";
	int opt;

	(void)snprintf(prefix, sizeof(prefix), "%s ", cmd->name);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", all_options, NULL)) != -1) {
		if (opt == ':')
			return usage(prefix, argv[optind - 1], "a value is missing");
		if (opt == 'h')
			opt = OPT_HELP;
		if (opt == '?')
			return unknown_option(prefix, argv[optind - 1]);
		if (!(cmd->options & BIT(opt)))
			return usage(prefix, spelled(opt, name), "not an option of this command");
		if (opt == OPT_HELP) {
			show_command_help(cmd);
			return lk_exit_code(LK_OK);
		}
		if (take(&opts, opt, optarg) != 0)
			return usage(prefix, spelled(opt, name), "given twice");
	}
	if (optind < argc)
		return usage(prefix, argv[optind], "not expected");
	if (opts.raise_floor && !opts.root)
		return usage(prefix, "--raise-floor", "of use with --root alone");
	return run(cmd, &opts);
}

int main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";

	lk_log_init("latchkey-userconfig", false);
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
		show_help();
		return 0;
	}
	if (strcmp(first, "--version") == 0) {
		printf("latchkey-userconfig %s\n", LK_VERSION);
		return 0;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(first, commands[i].name) == 0)
			return parse(&commands[i], argc - 1, argv + 1);
	return argc < 2 ? usage("", first, "no command") : unknown_command(first);
}
