/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the part of the policy file that a boot which is refused goes by. */
#ifndef LK_CORE_POLICY_POLICY_FILE_REFUSED_H
#define LK_CORE_POLICY_POLICY_FILE_REFUSED_H

#include "core/policy/policy_file.h"

/** Seconds, of what is waited for; */
#define LK_TIMEOUT_MAX 600u
/** and of a prompt's time limit: a day. */
#define LK_TIMEOUT_PROMPT_MAX 86400u

/**
 * lk_policy_file_parse_refused - signed-from, timeout-signed, timeout-prompt, after-prompt
 * @pf: these fields are filled, with what holds where the file says nothing
 *
 * Return: LK_OK, or LK_E_INPUT with line and column.
 */
int lk_policy_file_parse_refused(const struct lk_doc *doc, struct lk_policy_file *pf,
				 struct lk_err *err);

/** What a volume that stays closed wants of the machine in the end: once a prompt is over, where it has one. */
static inline enum lk_on_failure lk_policy_file_ending(const struct lk_policy_file *pf,
						       const struct lk_volume *vol)
{
	return vol->on_failure == LK_ON_FAILURE_PROMPT ? pf->after_prompt : vol->on_failure;
}

/** Seconds of an optional @key; @ret is left as it is where it isn't there. */
int lk_policy_file_seconds(const struct lk_doc *doc, const char *key, uint64_t max,
			   unsigned int *ret, struct lk_err *err);

#endif
