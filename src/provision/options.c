/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the parsing of latchkey-provision's options, and the help of each command. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "core/base/similar.h"
#include "core/luks/booted.h"
#include "core/luks/hints.h"
#include "core/policy/device_file.h"
#include "sys/boot/efivars.h"
#include "sys/os/log.h"

#define FIRST_LONG 1000

static const struct {
	const char *name;
	const char *arg; /* NULL: a flag */
	const char *help;
} table[LK_OPT_COUNT] = {
	[LK_OPT_TPM] = { "tpm", "TCTI", "the TPM (default device:/dev/tpm0)" },
	[LK_OPT_POLICY] = { "policy", "FILE", "policy file (default /etc/latchkey/policy.yaml)" },
	[LK_OPT_VOLUME] = { "volume", "NAME", "volume of the policy file" },
	[LK_OPT_DEVICE] = { "device", "PATH", "device or file instead of the policy file's" },
	[LK_OPT_POLICIES] = { "policies", "DIR", "folder of signed policies (*.yaml)" },
	[LK_OPT_RECORD] = { "record", "FILE", "provisioning record (JSON)" },
	[LK_OPT_RECIPIENT] = { "recipient", "FILE",
			       "certificate or public key that secrets of the record are encrypted to" },
	[LK_OPT_OWNER_AUTH] = { "owner-auth", "FILE", "authorization of the owner hierarchy" },
	[LK_OPT_ENDORSEMENT_AUTH] = { "endorsement-auth", "FILE",
				      "authorization of the endorsement hierarchy, where it has one" },
	[LK_OPT_LOCKOUT_AUTH] = { "lockout-auth", "FILE",
				  "authorization of the lockout hierarchy" },
	[LK_OPT_POLICY_KEY] = { "policy-key", "FILE", "public policy signing key (PEM)" },
	[LK_OPT_CONFIG_KEY] = { "config-key", "FILE", "AES key for configuration: 16 or 32 bytes" },
	[LK_OPT_CONFIG_KEY_FORM] = { "config-key-form", "FORM",
				     "auto, cipher or sealed (default auto)" },
	[LK_OPT_EK_CA] = { "ek-ca", "FILE", "trusted certificates that must vouch for the TPM" },
	[LK_OPT_FAPI_DIR] = { "fapi-dir", "DIR", "key store instead of the system's" },
	[LK_OPT_OVERWRITE] = { "overwrite", "DEVICE", "what this very device holds may be lost" },
	[LK_OPT_RECOVERY_KEY_FILE] = { "recovery-key-file", "FILE", "the volume's recovery key" },
	[LK_OPT_YES] = { "yes", "NAME", "the answer to the question" },
	[LK_OPT_BANK] = { "bank", "BANK", "sha256 (default) or sha384" },
	[LK_OPT_LEARNED] = { "learned", "DIR", "what unlocks left (default " LK_LEARNED_DIR ")" },
	[LK_OPT_BOOTED] = { "booted", "DIR", "what unlocks said (default " LK_BOOTED_DIR ")" },
	[LK_OPT_TO] = { "to", "VERSION", "the floor (default: the version that booted)" },
	[LK_OPT_PIN_FILE] = { "pin-file", "FILE", "the PIN of a volume that is to have one" },
	[LK_OPT_LOG] = { "log", "FILE", "the firmware's event log (default: this boot's)" },
	[LK_OPT_IMA_LOG] = { "ima-log", "FILE", "the kernel's (default: this boot's)" },
	[LK_OPT_PCRS] = { "pcrs", "FILE", "the PCR values now" },
	[LK_OPT_EFIVARS] = { "efivars", "DIR", "EFI variables (default " LK_EFIVARS_DIR ")" },
	[LK_OPT_ESP] = { "esp", "DIR", "where the EFI system partition is mounted" },
	[LK_OPT_UKI] = { "uki", "FILE", "unified kernel image that will be booted" },
	[LK_OPT_KERNEL] = { "kernel", "FILE", "kernel that will be booted" },
	[LK_OPT_INITRD] = { "initrd", "FILE", "its initrd" },
	[LK_OPT_CMDLINE] = { "cmdline", "TEXT", "its command line, as /proc/cmdline" },
	[LK_OPT_FIRMWARE_LOG] = { "firmware-log", "FILE",
				  "log of a machine with the new firmware" },
	[LK_OPT_PREDICTED] = { "predicted", "FILE", "write the PCR values to come, for signing" },
	[LK_OPT_SHARED_POLICY_REF] = { "shared-policy-ref", "REF",
				       "for a policy file of format 1: its policy-ref" },
	[LK_OPT_UNEXTENDED] = { "unextended", "LIST",
				"PCRs that nobody extends, and that is meant" },
	[LK_OPT_DEVICE_FILE] = { "device-file", "FILE",
				 "whose TPM it has to be (default " LK_DEVICE_FILE ")" },
	[LK_OPT_OUTPUT] = { "output", "FILE", "what to write; - is standard output" },
	[LK_OPT_NEW_AUTH] = { "new-auth", "FILE",
			      "the authorization to come (default: a random one)" },
	[LK_OPT_HANDLE] = { "handle", "HANDLE", "a TPM object that no volume uses" },
	[LK_OPT_IMA_UNCHANGED] = { "ima-unchanged", NULL, "what IMA measures of files stays" },
	[LK_OPT_SHRED] = { "shred", NULL, "overwrite and remove the configuration key's file" },
	[LK_OPT_VERBOSE] = { "verbose", NULL, "libraries' messages too" },
	[LK_OPT_JSON] = { "json", NULL, "JSON instead of text" },
	[LK_OPT_NO_RECOVERY_KEY] = { "no-recovery-key", NULL,
				     "no second way in: data die with the TPM" },
	[LK_OPT_REPLACE_OBJECT] = { "replace-object", NULL,
				    "the TPM object at the volume's handle may be lost" },
	[LK_OPT_INSTALLATION] = { "installation", NULL, "what install made, instead of a volume" },
};

const char *lk_option_name(enum lk_opt opt)
{
	return table[opt].name;
}

static void print_help(const struct lk_command *cmd)
{
	printf("Usage: latchkey-provision %s [options]%s%s\n\n%s.\n", cmd->name,
	       cmd->args[0] ? " " : "", cmd->args, cmd->summary);
	if (cmd->required)
		printf("\nRequired: %s\n", cmd->required);
	printf("\nOptions:\n");
	for (unsigned int i = 0; i < LK_OPT_COUNT; i++) {
		const char *arg = table[i].arg;
		char left[40];

		if (!(cmd->options >> i & 1))
			continue;
		if (i == LK_OPT_YES && cmd->answer)
			arg = cmd->answer;
		snprintf(left, sizeof(left), "--%s%s%s", table[i].name, arg ? " " : "",
			 arg ? arg : "");
		printf("  %-24s %s\n", left, table[i].help);
	}
	printf("  %-24s %s\n", "--help", "this text");
	if (cmd->notes)
		printf("\n%s", cmd->notes);
}

/** Long options of @cmd for getopt_long. */
static void fill_options(const struct lk_command *cmd, struct option out[static LK_OPT_COUNT + 2])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < LK_OPT_COUNT; i++)
		if (cmd->options >> i & 1)
			out[n++] = (struct option){ table[i].name,
						    table[i].arg ? required_argument : no_argument,
						    NULL, (int)(FIRST_LONG + i) };
	out[n++] = (struct option){ "help", no_argument, NULL, 'h' };
	out[n] = (struct option){ NULL, 0, NULL, 0 };
}

static int usage(const struct lk_command *cmd, const char *word, const char *why)
{
	lk_log(LK_LOG_ERR, "%s: %s%s%s; see \"latchkey-provision %s --help\"", cmd->name,
	       word ? word : "", word ? ": " : "", why, cmd->name);
	return LK_E_USAGE;
}

/* "--volum=x" is near to "volume"; of what the command knows. */
static int unknown_option(const struct lk_command *cmd, const char *word)
{
	const char *names[LK_OPT_COUNT + 1];
	char typed[64], why[128];
	const char *near;
	size_t n = 0;

	for (unsigned int i = 0; i < LK_OPT_COUNT; i++)
		if (cmd->options >> i & 1)
			names[n++] = table[i].name;
	names[n] = NULL;
	(void)snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word, "="), word);
	near = strncmp(typed, "--", 2) ? NULL : lk_similar(typed + 2, names);
	(void)snprintf(why, sizeof(why), "unknown option%s%s%s", near ? "; did you mean --" : "",
		       near ? near : "", near ? "?" : "");
	return usage(cmd, word, why);
}

static int given_twice(const struct lk_command *cmd, const char *option)
{
	char dashed[40];

	snprintf(dashed, sizeof(dashed), "--%s", option);
	return usage(cmd, dashed, "the option was given twice");
}

/** What was being looked at: of several letters in one word getopt moves on after
 * the last alone. Words that are no options may stand before it. */
static const char *wrong_word(char **argv, int at)
{
	return optind > at ? argv[optind - 1] : argv[at];
}

/* The same volume twice is a slip, as any other option twice is. */
static bool add_volume(struct lk_options *opts, const char *name)
{
	for (unsigned int i = 0; i < opts->n_volumes; i++)
		if (strcmp(opts->volumes[i], name) == 0)
			return false;
	if (opts->n_volumes == LK_OPT_VOLUMES_MAX)
		return false;
	opts->volumes[opts->n_volumes++] = name;
	return true;
}

static int take(const struct lk_command *cmd, struct lk_options *opts, unsigned int opt,
		const char *arg)
{
	bool again = cmd->many_volumes && opt == LK_OPT_VOLUME;

	if ((opts->given >> opt & 1 && !again) || (opt == LK_OPT_VOLUME && !add_volume(opts, arg)))
		return LK_E_USAGE;
	opts->given |= UINT64_C(1) << opt;
	if (opt < LK_OPT_VALUES)
		opts->value[opt] = arg;
	return LK_OK;
}

int lk_options_parse(const struct lk_command *cmd, int argc, char **argv, struct lk_options *ret,
		     bool *ret_help)
{
	struct option longs[LK_OPT_COUNT + 2];
	struct lk_options opts = { 0 };
	int c;
	int at;

	fill_options(cmd, longs);
	opts.value[LK_OPT_TPM] = "device:/dev/tpm0";
	opts.value[LK_OPT_POLICY] = "/etc/latchkey/policy.yaml";
	*ret_help = false;
	optind = 1;
	opterr = 0;
	for (at = 1; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1; at = optind) {
		if (c == 'h') {
			print_help(cmd);
			*ret_help = true;
			return LK_OK;
		}
		if (c == ':')
			return usage(cmd, argv[optind - 1], "the option lacks its value");
		if (c < FIRST_LONG && optopt >= FIRST_LONG)
			return usage(cmd, wrong_word(argv, at), "the option takes no value");
		if (c < FIRST_LONG)
			return unknown_option(cmd, wrong_word(argv, at));
		if (take(cmd, &opts, (unsigned int)(c - FIRST_LONG), optarg))
			return given_twice(cmd, table[c - FIRST_LONG].name);
	}
	opts.args = argv + optind;
	opts.n_args = argc - optind;
	if (opts.n_args < cmd->min_args || opts.n_args > cmd->max_args)
		return usage(cmd, NULL, "wrong number of arguments");
	*ret = opts;
	return LK_OK;
}
