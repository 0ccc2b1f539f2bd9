/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the policy file's words for what its model holds as numbers. */
#include "words.h"

const char *lk_on_failure_word(enum lk_on_failure v)
{
	switch (v) {
	case LK_ON_FAILURE_PROMPT:
		return "prompt";
	case LK_ON_FAILURE_HALT:
		return "halt";
	case LK_ON_FAILURE_REBOOT:
		return "reboot";
	default:
		return "fail";
	}
}

const char *lk_integrity_word(enum lk_integrity v)
{
	return v == LK_INTEGRITY_HMAC_SHA256 ? "hmac-sha256" : "none";
}

const char *lk_volume_option_word(unsigned int i)
{
	/* In the order of enum lk_volume_option. */
	static const char *const words[] = {
		"discard",	     "read-only",
		"no-read-workqueue", "no-write-workqueue",
		"same-cpu-crypt",    "submit-from-crypt-cpus",
	};

	return i < sizeof(words) / sizeof(words[0]) ? words[i] : NULL;
}
