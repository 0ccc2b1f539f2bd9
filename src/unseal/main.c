/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-unseal's command line and exit code. */
#include <stdio.h>

#include "core/base/paths.h"
#include "cli/cli.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "unseal/ending.h"
#include "unseal/unseal.h"

static const struct lk_cli cli = {
	.program = "latchkey-unseal",
	.options_width = 18,
	.wrap = true,
};
static const struct lk_cli_command command = { .words = "", .operands = "" };

/** What the command line sets. The table of options points into it, so it is the program's one. */
static struct lk_unseal_options unseal = {
	.policy = LK_POLICY_PATH,
	.tcti = LK_TPM_ALONE,
};
static struct {
	bool timing;
	bool quiet;
	bool version;
	bool print_exit_codes;
	bool after_crash;
} said;

static const struct lk_option options[] = {
	{ "policy", 0, LK_CLI_LAST, "FILE", "policy file (default " LK_POLICY_PATH ")",
	  &unseal.policy, NULL },
	{ "signed", 0, LK_CLI_LAST, "FILE|DIR",
	  "signed policies, besides those in the LUKS2 token; or a device with a bundle",
	  &unseal.signed_policies, NULL },
	{ "volume", 0, LK_CLI_LAST, "NAME", "this volume of the policy file alone", &unseal.volume,
	  NULL },
#ifdef LK_TCTI_ANY
	{ "tpm", 0, LK_CLI_LAST, "TCTI", LK_TPM_ALONE " (default), swtpm:host=H,port=N, ...",
#else
	{ "tpm", 0, LK_CLI_LAST, "TCTI", "device:PATH (default " LK_TPM_ALONE ")",
#endif
	  &unseal.tcti, NULL },
	{ "learn", 0, LK_CLI_LAST, "DIR",
	  "where to leave what the next unlock need not ask for\n"
	  "(default " LK_LEARNED_DIR "; none in a dry run)",
	  &unseal.learn, NULL },
	{ "dry-run", 0, 0, NULL, "do all but mapping and closing the latch", NULL,
	  &unseal.dry_run },
	{ "quiet", 0, 0, NULL, "no line on standard error for what succeeded", NULL, &said.quiet },
	{ "log", 0, LK_CLI_LAST, "FILE",
	  "the firmware's event log, to say what differs\n"
	  "(default: this boot's, from securityfs)",
	  &unseal.log, NULL },
	{ "ima-log", 0, LK_CLI_LAST, "FILE", "the kernel's (default: this boot's)", &unseal.ima_log,
	  NULL },
	{ "diagnosis", 0, LK_CLI_LAST, "FILE",
	  "where to leave why volumes stay closed (default\n" LK_DIAGNOSIS_FILE
	  "; none in a dry run)",
	  &unseal.diagnosis, NULL },
	{ "timing", 0, 0, NULL,
	  "print where the time went, by step and TPM command; what\n"
	  "a person takes to type isn't in the sum",
	  NULL, &said.timing },
	{ "pin-file", 0, LK_CLI_LAST, "FILE", "one line with the PIN, for a dry run alone",
	  &unseal.pin_file, NULL },
	{ "check-policy", 0, LK_CLI_LAST, "FILE",
	  "say whether this is a policy file that volumes can be opened\n"
	  "by, and what it wants of the boot image; needs no TPM",
	  &unseal.check_policy, NULL },
	{ "print-exit-codes", 0, LK_CLI_ENDS, NULL,
	  "the table of exit codes: number, name, latch, sentence", NULL, &said.print_exit_codes },
	{ "after-crash", 0, 0, NULL,
	  "reboot or halt, as the policy file says, after a run that died\n"
	  "or left the latch open; opens nothing",
	  NULL, &said.after_crash },
	{ "version", 0, LK_CLI_ENDS, NULL, NULL, NULL, &said.version },
	LK_OPTIONS_END
};

static const char usage[] =
	"Usage: latchkey-unseal [--policy FILE] [--signed FILE|DIR] [--volume NAME]\n"
	"                       [--tpm TCTI] [--learn DIR] [--dry-run] [--quiet]\n"
	"                       [--timing] [--log FILE] [--ima-log FILE]\n"
	"                       [--diagnosis FILE] [--debug]\n"
	"       latchkey-unseal --check-policy FILE\n"
	"       latchkey-unseal --print-exit-codes\n"
	"       latchkey-unseal --after-crash [--policy FILE]\n"
	"Opens the LUKS2 volumes of a policy file, if this boot is one that their\n"
	"owner has signed for.\n"
	"\n";

static void print_help(void)
{
	const struct lk_exit *row;

	(void)fputs(usage, stdout);
	lk_cli_print_options(&cli, options);
	(void)printf("  %-18s %s\n", "--debug", LK_CLI_DEBUG_HELP);
	(void)puts("  --help, --version\n\nExit codes:");
	for (size_t i = 0; (row = lk_exit_at(i)) != NULL; i++)
		if (row->latch != LK_LATCH_NEVER)
			(void)printf("  %2d  %s\n", row->number, row->sentence);
	(void)puts("See latchkey-unseal(8).");
}

/* For whoever starts this program in the initramfs: dracut/90latchkey. */
static void print_exit_codes(void)
{
	const struct lk_exit *row;
	char line[LK_EXIT_LINE_MAX];

	for (size_t i = 0; (row = lk_exit_at(i)) != NULL; i++) {
		lk_exit_line(row, line);
		(void)puts(line);
	}
}

/* Return: LK_OK to go on, LK_HELP_WANTED when all is said, or LK_E_USAGE. */
static int parse(int argc, char **argv, struct lk_err *err)
{
	int rc = lk_cli_read(&cli, &command, options, argc, argv, err);

	if (rc == LK_HELP_WANTED)
		print_help();
	if (rc != LK_OK)
		return rc;
	if (said.version)
		(void)puts("latchkey-unseal " LK_VERSION);
	if (said.print_exit_codes)
		print_exit_codes();
	if (said.version || said.print_exit_codes)
		return LK_HELP_WANTED;
	if (said.after_crash && unseal.dry_run)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--after-crash: it ends the boot, which no dry run does");
	/* In a boot it would lie where the PIN isn't to be: in the image. */
	if (unseal.pin_file && !unseal.dry_run)
		return lk_err_set(err, LK_E_USAGE, 0, "--pin-file: it is for --dry-run alone");
	if (said.timing)
		unseal.timing = lk_timing_new();
	lk_log_quiet(said.quiet);
	return LK_OK;
}

int main(int argc, char **argv)
{
	struct lk_err err;
	/* The initramfs decides by what it asked for, so that has to have arrived. */
	int rc = lk_cli_finish(parse(argc, argv, &err), &err);

	if (rc == LK_HELP_WANTED)
		return lk_exit_code(LK_OK);
	if (rc != LK_OK) {
		lk_log_init("latchkey-unseal", false);
		if (rc == LK_E_USAGE)
			lk_cli_see(&cli, "", &err);
		lk_log(LK_LOG_ERR, "%s", err.msg);
		return lk_exit_code(rc);
	}
	lk_log_init("latchkey-unseal", true);
	/* Before anything that the run before may have died of. */
	if (said.after_crash) {
		lk_ending_crashed(unseal.policy);
		return lk_exit_code(LK_E_LATCH);
	}
	rc = lk_crypto_begin(false, &err);
	if (rc == LK_OK)
		rc = lk_secret_harden_process(&err);
	if (rc == LK_OK && unseal.check_policy)
		rc = lk_unseal_check_policy(unseal.check_policy, &err);
	else if (rc == LK_OK) {
		rc = lk_unseal_run(&unseal);
		lk_timing_free(unseal.timing);
		lk_wipe_stack();
		return lk_exit_code(rc);
	}
	if (rc != LK_OK)
		lk_log(LK_LOG_ERR, "%s", err.msg);
	return lk_exit_code(rc);
}
