/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns json-c: what commands print for programs to read. */
#ifndef LK_HOST_JSON_OUT_H
#define LK_HOST_JSON_OUT_H

#include "core/policy/policy_file.h"
#include "core/policy/signed_policy.h"

/** The policy file with its defaults filled in, to standard output. */
int lk_json_print_policy_file(const struct lk_policy_file *pf, struct lk_err *err);
/** The same mapping as in the file and in the LUKS2 token. */
int lk_json_print_signed_policy(const struct lk_signed_policy *sp, struct lk_err *err);

/** What became of one file of policy verify. */
struct lk_verdict {
	const char *path;
	int rc; /* LK_OK, or why not */
	char reason[LK_ERR_MSG_MAX];
	uint32_t version;
	char label[LK_LABEL_MAX + 1];
};
int lk_json_print_verdicts(const struct lk_verdict *verdicts, size_t n, struct lk_err *err);

#endif
