/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the policy file's words for what its model holds as numbers. */
#ifndef LK_HOST_WORDS_H
#define LK_HOST_WORDS_H

#include "core/policy/policy_file.h"

const char *lk_on_failure_word(enum lk_on_failure v);
const char *lk_integrity_word(enum lk_integrity v);
/** Word of the option with bit @i; NULL after the last. */
const char *lk_volume_option_word(unsigned int i);

#endif
