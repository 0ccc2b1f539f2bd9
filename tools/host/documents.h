/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the files that commands read and write. */
#ifndef LK_HOST_DOCUMENTS_H
#define LK_HOST_DOCUMENTS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "core/policy/policy_file.h"
#include "core/policy/signed_policy.h"
#include "sys/format/document.h"
#include "sys/os/fs.h"
#include "sys/os/secret.h"
#include "sys/format/yaml.h"

/* Every message names the file. "-" is standard input. */

/**
 * lk_read_pcr_values - of the policy file's bank, in any of three forms
 *
 * JSON of latchkey-provision pcrs, the text of tpm2_pcrread, or the binary of
 * tpm2_pcrread -o, which has to have exactly the selection of @pf, with or
 * without its latch. What isn't plain text is taken for binary.
 */
int lk_read_pcr_values(const char *path, const struct lk_policy_file *pf, struct lk_pcr_values *ret,
		       struct lk_err *err);

/** Bytes of a private key's passphrase, or a token's PIN, in a file. */
#define LK_PASSPHRASE_MAX 1024u

struct lk_output {
	const char *path; /* "-": standard output */
	bool force;	  /* replace what is there */
};
int lk_write_output(const struct lk_output *out, struct lk_bytes data, struct lk_err *err);

/** In quotes, with everything escaped that a terminal might obey. */
void lk_print_quoted(FILE *f, const char *text, size_t len);
void lk_print_hex(FILE *f, const uint8_t *data, size_t len);

#endif
