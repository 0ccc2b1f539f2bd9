/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the tables of words, and the settings that are one word or a time limit. */
#include "core/policy/policy_file_words.h"

#include <stddef.h>

const char *const lk_on_failure_words[] = { "fail", "prompt", "halt", "reboot", NULL };

const char *const lk_integrity_words[] = { "none", "hmac-sha256", NULL };

const char *const lk_volume_option_words[] = { "discard",
					       "read-only",
					       "no-read-workqueue",
					       "no-write-workqueue",
					       "same-cpu-crypt",
					       "submit-from-crypt-cpus",
					       NULL };

const char *lk_policy_file_word(const struct lk_policy_file *pf, enum lk_policy_file_key key)
{
	switch (key) {
	case LK_POLICY_KEY_BANK:
		return lk_alg_name(pf->pcrs.bank);
	case LK_POLICY_KEY_ON_FAILURE:
		return lk_on_failure_words[pf->on_failure];
	case LK_POLICY_KEY_AFTER_PROMPT:
		return lk_on_failure_words[pf->after_prompt];
	default:
		return NULL;
	}
}

bool lk_policy_file_time_limit(const struct lk_policy_file *pf, enum lk_policy_file_key key,
			       unsigned int *ret)
{
	switch (key) {
	case LK_POLICY_KEY_TIMEOUT_TPM:
		*ret = pf->timeout_tpm;
		return true;
	case LK_POLICY_KEY_TIMEOUT_DEVICE:
		*ret = pf->timeout_device;
		return true;
	case LK_POLICY_KEY_TIMEOUT_PROMPT:
		*ret = pf->timeout_prompt;
		return true;
	case LK_POLICY_KEY_TIMEOUT_SIGNED:
		*ret = pf->timeout_signed;
		return true;
	default:
		return false;
	}
}
