/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the table of latchkey-provision's options: each of them means the same in every command. */
#include "options.h"

#include <getopt.h>

#include "core/base/paths.h"
#include "core/luks/booted.h"
#include "core/luks/hints.h"
#include "core/policy/device_file.h"
#include "sys/boot/efivars.h"

static const struct {
	const char *name;
	const char *arg; /* NULL: a flag */
	const char *help;
} table[LK_OPT_COUNT] = {
	[LK_OPT_TPM] = { "tpm", "TCTI", "the TPM (default " LK_TPM_ALONE ")" },
	[LK_OPT_POLICY] = { "policy", "FILE", "policy file (default " LK_POLICY_PATH ")" },
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
	[LK_OPT_MAP] = { "map", NULL, "map what was made, for this very boot" },
	[LK_OPT_INSTALLATION] = { "installation", NULL, "what install made in the TPM" },
	[LK_OPT_ROOT] = { "root", "DIR", "the device's system, where it isn't the one that runs" },
	[LK_OPT_USERCONFIG] = { "userconfig", "FILE",
				"latchkey-userconfig (default: beside this program)" },
	[LK_OPT_KEEP_OBJECT] = { "keep-object", NULL, "the TPM is left as it is" },
	[LK_OPT_KEEP_CONFIGURATION] = { "keep-configuration", NULL,
					"what was applied and uploaded stays" },
};

const struct lk_cli lk_provision_cli = {
	.program = "latchkey-provision",
	.page = "latchkey-provision(8)",
	.intro = "Usage: latchkey-provision COMMAND [options]\n\n"
		 "Prepares a device's TPM and volumes for unattended unlocking.\n\n",
	.outro = "\n  --help           this text, and each command's options after its name\n"
		 "  --version        print the version\n"
		 "  --debug          " LK_CLI_DEBUG_HELP "\n\n"
		 "See latchkey-provision(8).\n",
	.summary_end = ".",
	.commands_width = 18,
	.options_width = 24,
	.named = true,
};

const char *lk_option_name(enum lk_opt opt)
{
	return table[opt].name;
}

/** The rows of the table that @cmd has, with places in @opts and @flags. */
static void fill_options(const struct lk_command *cmd, struct lk_options *opts,
			 bool flags[static LK_OPT_COUNT],
			 struct lk_option out[static LK_OPT_COUNT + 1])
{
	size_t n = 0;

	for (unsigned int i = 0; i < LK_OPT_COUNT; i++) {
		struct lk_option *o = &out[n];

		if (!(cmd->options >> i & 1))
			continue;
		*o = (struct lk_option){ .name = table[i].name,
					 .arg = table[i].arg,
					 .help = table[i].help };
		if (i == LK_OPT_YES && cmd->answer)
			o->arg = cmd->answer;
		if (i == LK_OPT_VOLUME && cmd->many_volumes) {
			o->how = LK_CLI_LIST;
			o->value = opts->volumes;
		} else if (i < LK_OPT_VALUES) {
			o->value = &opts->value[i];
		} else {
			o->flag = &flags[i];
		}
		n++;
	}
	out[n] = (struct lk_option)LK_OPTIONS_END;
}

int lk_options_parse(const struct lk_command *cmd, int argc, char **argv, struct lk_options *ret,
		     struct lk_err *err)
{
	struct lk_option options[LK_OPT_COUNT + 1];
	bool flags[LK_OPT_COUNT] = { false };
	struct lk_options opts = { 0 };
	int rc;

	fill_options(cmd, &opts, flags, options);
	rc = lk_cli_parse(&lk_provision_cli, &cmd->cli, options, argc, argv, err);
	if (rc != LK_OK)
		return rc;
	if (!cmd->many_volumes)
		opts.volumes[0] = opts.value[LK_OPT_VOLUME];
	while (opts.n_volumes < LK_CLI_LIST_MAX && opts.volumes[opts.n_volumes])
		opts.value[LK_OPT_VOLUME] = opts.volumes[opts.n_volumes++];
	for (unsigned int i = 0; i < LK_OPT_COUNT; i++)
		if (i < LK_OPT_VALUES ? opts.value[i] != NULL : flags[i])
			opts.given |= UINT64_C(1) << i;
	if (!opts.value[LK_OPT_TPM])
		opts.value[LK_OPT_TPM] = LK_TPM_ALONE;
	if (!opts.value[LK_OPT_POLICY])
		opts.value[LK_OPT_POLICY] = LK_POLICY_PATH;
	opts.args = argv + optind;
	opts.n_args = argc - optind;
	*ret = opts;
	return LK_OK;
}
