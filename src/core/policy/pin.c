/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the PIN's rules and its hash. */
#include "core/policy/pin.h"

int lk_pin_check(struct lk_bytes pin, struct lk_err *err)
{
	if (pin.len < LK_PIN_MIN || pin.len > LK_PIN_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "a PIN has %u to %u characters", LK_PIN_MIN,
				  LK_PIN_MAX);
	return LK_OK;
}

int lk_pin_auth(struct lk_bytes pin, lk_hash_fn hash, struct lk_digest *ret)
{
	if (!hash(LK_ALG_SHA256, &pin, 1, ret))
		return LK_E_SYSTEM;
	while (ret->len && ret->data[ret->len - 1] == 0)
		ret->len--;
	return LK_OK;
}
