/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the policy file's words for what its model holds as numbers: they are read and shown by the same tables. */
#ifndef LK_CORE_POLICY_POLICY_FILE_WORDS_H
#define LK_CORE_POLICY_POLICY_FILE_WORDS_H

#include "core/policy/policy_file.h"

/** By enum lk_on_failure, by enum lk_integrity, and by the bits of enum lk_volume_option; NULL ends each. */
extern const char *const lk_on_failure_words[];
extern const char *const lk_integrity_words[];
extern const char *const lk_volume_option_words[];

/** The value of a setting that is one word (bank, on-failure, after-prompt); else NULL. */
const char *lk_policy_file_word(const struct lk_policy_file *pf, enum lk_policy_file_key key);
/** Whether the setting is a time limit, and how many seconds it is. */
bool lk_policy_file_time_limit(const struct lk_policy_file *pf, enum lk_policy_file_key key,
			       unsigned int *ret);

#endif
