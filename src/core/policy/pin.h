/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns how a typed PIN becomes the authorization of a TPM object. */
#ifndef LK_CORE_POLICY_PIN_H
#define LK_CORE_POLICY_PIN_H

#include "core/base/alg.h"
#include "core/base/rc.h"

#define LK_PIN_MIN 4u
#define LK_PIN_MAX 128u

/** LK_E_INPUT when it is shorter or longer than a PIN may be. */
int lk_pin_check(struct lk_bytes pin, struct lk_err *err);

/**
 * lk_pin_auth - SHA-256 of the PIN, without zeros at its end
 *
 * A TPM leaves those out of an authorization value (Part 1, 17.6.4.3), and not
 * every library does so alike.
 */
int lk_pin_auth(struct lk_bytes pin, lk_hash_fn hash, struct lk_digest *ret);

#endif
