/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the keys that commands are given: policy key, public or private, and configuration key. */
#ifndef LK_HOST_KEY_KEYS_H
#define LK_HOST_KEY_KEYS_H

#include "core/policy/policy_key.h"
#include "sys/crypto/crypto_sign.h"
#include "sys/os/secret.h"

/* Every message names the file. Others being able to read a secret is worth a
 * warning, no more: it is too late then. */

/** @passphrase_file: NULL: it is asked for where the key needs one. */
int lk_load_private_key(const char *uri, const char *passphrase_file, struct lk_private_key **ret,
			struct lk_err *err);
/** PEM */
int lk_load_policy_key(const char *path, struct lk_policy_key *ret, struct lk_err *err);
/** 16 or 32 bytes, as they are. */
int lk_load_config_key(const char *path, struct lk_secret *ret, struct lk_err *err);

#endif
