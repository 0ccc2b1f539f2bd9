/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey's general help. Its commands need it, and main.c needs them: so it lies apart. */
#include "command.h"

const struct lk_cli lk_host_cli = {
	.program = "latchkey",
	.page = "latchkey(1)",
	.intro = "Usage: latchkey COMMAND [options]\n\n"
		 "Makes and signs the boot policies of devices that unlock their\n"
		 "disks by themselves, explains what they have measured, and seals\n"
		 "their configuration. Needs no TPM.\n\n",
	.outro = "\nOptions:\n"
		 "  -h, --help      this text; after a command, the command's own\n"
		 "  --version       version of the program\n"
		 "  --debug         " LK_CLI_DEBUG_HELP "\n"
		 "\nSee latchkey(1), latchkey-policy(5) and latchkey-blob(5).\n",
	.no_option = "no such option, or one that takes no value",
	.no_command = "no such command",
	.command_end = "Exit codes: latchkey(1).\n",
	.commands_width = 14,
	.options_width = 28,
	.wide = true,
	.letters = true,
};
