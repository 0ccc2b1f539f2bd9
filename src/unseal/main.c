/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-unseal's command line and exit code. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/base/similar.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "sys/os/timing.h"
#include "unseal/unseal.h"

static const char usage[] =
	"Usage: latchkey-unseal [--policy FILE] [--signed FILE|DIR] [--volume NAME]\n"
	"                       [--tpm TCTI] [--learn DIR] [--dry-run] [--quiet]\n"
	"                       [--timing] [--log FILE] [--ima-log FILE]\n"
	"                       [--diagnosis FILE]\n"
	"       latchkey-unseal --check-policy FILE\n"
	"       latchkey-unseal --print-exit-codes\n"
	"Opens the LUKS2 volumes of a policy file, if this boot is one that their\n"
	"owner has signed for.\n"
	"\n"
	"  --policy FILE      policy file (default /etc/latchkey/policy.yaml)\n"
	"  --signed FILE|DIR  signed policies, besides those in the LUKS2 token\n"
	"  --volume NAME      this volume of the policy file alone\n"
#ifdef LK_TCTI_ANY
	"  --tpm TCTI         device:/dev/tpm0 (default), swtpm:host=H,port=N, ...\n"
#else
	"  --tpm TCTI         device:PATH (default device:/dev/tpm0)\n"
#endif
	"  --learn DIR        where to leave what the next unlock need not ask for\n"
	"                     (default " LK_LEARNED_DIR "; none in a dry run)\n"
	"  --dry-run          do all but mapping and closing the latch\n"
	"  --quiet            no line on standard error for what succeeded\n"
	"  --log FILE         the firmware's event log, to say what differs\n"
	"                     (default: this boot's, from securityfs)\n"
	"  --ima-log FILE     the kernel's (default: this boot's)\n"
	"  --diagnosis FILE   where to leave why volumes stay closed (default\n"
	"                     " LK_DIAGNOSIS_FILE "; none in a dry run)\n"
	"  --timing           print where the time went, by step and TPM command; what\n"
	"                     a person takes to type isn't in the sum\n"
	"  --help, --version\n"
	"  --pin-file FILE    one line with the PIN, for a dry run alone\n"
	"  --check-policy FILE\n"
	"                     say whether this is a policy file that volumes can be opened\n"
	"                     by, and nothing else; needs no TPM\n"
	"  --print-exit-codes the table of exit codes: number, name, latch, sentence\n"
	"\n"
	"Exit codes:\n";

enum {
	OPT_POLICY = 256,
	OPT_SIGNED,
	OPT_VOLUME,
	OPT_TPM,
	OPT_LEARN,
	OPT_DRY_RUN,
	OPT_TIMING,
	OPT_LOG,
	OPT_IMA_LOG,
	OPT_DIAGNOSIS,
	OPT_QUIET,
	OPT_CHECK_POLICY,
	OPT_PIN_FILE,
	OPT_PRINT_EXIT_CODES,
	OPT_HELP,
	OPT_VERSION
};

static const struct option longopts[] = {
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "signed", required_argument, NULL, OPT_SIGNED },
	{ "volume", required_argument, NULL, OPT_VOLUME },
	{ "tpm", required_argument, NULL, OPT_TPM },
	{ "learn", required_argument, NULL, OPT_LEARN },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "ima-log", required_argument, NULL, OPT_IMA_LOG },
	{ "diagnosis", required_argument, NULL, OPT_DIAGNOSIS },
	{ "timing", no_argument, NULL, OPT_TIMING },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "pin-file", required_argument, NULL, OPT_PIN_FILE },
	{ "check-policy", required_argument, NULL, OPT_CHECK_POLICY },
	{ "print-exit-codes", no_argument, NULL, OPT_PRINT_EXIT_CODES },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static int wrong(const char *word, const char *why)
{
	(void)fprintf(stderr, "latchkey-unseal: %.80s: %s; see latchkey-unseal --help\n", word,
		      why);
	return LK_E_USAGE;
}

static void print_help(void)
{
	const struct lk_exit *row;

	(void)fputs(usage, stdout);
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

static int unknown_option(const char *word)
{
	const char *names[sizeof(longopts) / sizeof(longopts[0])];
	char typed[64], why[128];
	const char *near;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		names[i] = longopts[i].name; /* the last is NULL */
	(void)snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word, "="), word);
	near = strncmp(typed, "--", 2) ? NULL : lk_similar(typed + 2, names);
	(void)snprintf(why, sizeof(why), "unknown option%s%s%s", near ? "; did you mean --" : "",
		       near ? near : "", near ? "?" : "");
	return wrong(word, why);
}

/* Return: LK_OK to go on, LK_E_USAGE, or 1 when all is said. */
static int parse(int argc, char **argv, struct lk_unseal_options *o)
{
	int c;
	int at;

	opterr = 0;
	for (at = 1; (c = getopt_long(argc, argv, "+:", longopts, NULL)) != -1; at = optind) {
		switch (c) {
		case OPT_POLICY:
			o->policy = optarg;
			break;
		case OPT_SIGNED:
			o->signed_policies = optarg;
			break;
		case OPT_VOLUME:
			o->volume = optarg;
			break;
		case OPT_TPM:
			o->tcti = optarg;
			break;
		case OPT_LEARN:
			o->learn = optarg;
			break;
		case OPT_LOG:
			o->log = optarg;
			break;
		case OPT_IMA_LOG:
			o->ima_log = optarg;
			break;
		case OPT_DIAGNOSIS:
			o->diagnosis = optarg;
			break;
		case OPT_TIMING:
			lk_timing_start();
			break;
		case OPT_DRY_RUN:
			o->dry_run = true;
			break;
		case OPT_QUIET:
			lk_log_quiet(true);
			break;
		case OPT_HELP:
			print_help();
			return 1;
		case OPT_PIN_FILE:
			o->pin_file = optarg;
			break;
		case OPT_PRINT_EXIT_CODES:
			print_exit_codes();
			return 1;
		case OPT_CHECK_POLICY:
			o->check_policy = optarg;
			break;
		case OPT_VERSION:
			(void)puts("latchkey-unseal " LK_VERSION);
			return 1;
		case ':':
			return wrong(argv[at], "the option lacks its value");
		default:
			return optopt >= OPT_POLICY ? wrong(argv[at], "the option takes no value")
						    : unknown_option(argv[at]);
		}
	}
	/* In a boot it would lie where the PIN isn't to be: in the image. */
	if (o->pin_file && !o->dry_run)
		return wrong("--pin-file", "it is for --dry-run alone");
	return optind == argc ? LK_OK : wrong(argv[optind], "nothing is expected beside options");
}

int main(int argc, char **argv)
{
	struct lk_unseal_options options = {
		.policy = "/etc/latchkey/policy.yaml",
		.tcti = "device:/dev/tpm0",
	};
	struct lk_err err;
	int rc = parse(argc, argv, &options);

	if (rc == 1)
		return 0;
	if (rc == LK_E_USAGE)
		return lk_exit_code(rc);
	lk_crypto_without_configuration();
	lk_log_init("latchkey-unseal", true);
	rc = lk_secret_harden_process(&err);
	if (rc == LK_OK && options.check_policy)
		rc = lk_unseal_check_policy(options.check_policy, &err);
	else if (rc == LK_OK)
		return lk_exit_code(lk_unseal_run(&options));
	if (rc != LK_OK)
		lk_log(LK_LOG_ERR, "%s", err.msg);
	return lk_exit_code(rc);
}
