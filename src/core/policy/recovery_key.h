/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the recovery key's written form: what a person reads out and types. */
#ifndef LK_CORE_POLICY_RECOVERY_KEY_H
#define LK_CORE_POLICY_RECOVERY_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 160 random bits as 40 modhex letters (the same on every keyboard layout), in
 * 8 groups of 5 with dashes between: the keyslot's passphrase, dashes included. */
#define LK_RECOVERY_KEY_BYTES 20u
#define LK_RECOVERY_KEY_TEXT  47u /* characters, without a NUL */

/** Writes LK_RECOVERY_KEY_TEXT characters and a NUL. */
void lk_recovery_key_format(const uint8_t random[static LK_RECOVERY_KEY_BYTES],
			    char out[static LK_RECOVERY_KEY_TEXT + 1]);

/**
 * lk_recovery_key_normalize - what was typed, as lk_recovery_key_format writes it
 * @out: LK_RECOVERY_KEY_TEXT characters and a NUL; undefined on false
 *
 * Any case; dashes and spaces anywhere or nowhere.
 * Return: false when it isn't 40 modhex letters.
 */
bool lk_recovery_key_normalize(const char *typed, size_t len,
			       char out[static LK_RECOVERY_KEY_TEXT + 1]);

#endif
