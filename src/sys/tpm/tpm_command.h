/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the names of TPM commands, for who is told of them: the sums of --timing, and the debug log. */
#ifndef LK_SYS_TPM_TPM_COMMAND_H
#define LK_SYS_TPM_TPM_COMMAND_H

#include <stddef.h>
#include <stdint.h>

struct lk_tpm_command {
	uint32_t code;
	size_t handles; /* how many handles follow the header */
	const char *name;
};

/** Never NULL: a command that Latchkey doesn't send is "a TPM command", without handles.
 * @command: its bytes, of which only the code is read */
const struct lk_tpm_command *lk_tpm_command_of(const uint8_t *command, size_t len);

#endif
