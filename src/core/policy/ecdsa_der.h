/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns ECDSA signatures in DER: ECDSA-Sig-Value (RFC 3279, 2.2.3), strictly. */
#ifndef LK_CORE_POLICY_ECDSA_DER_H
#define LK_CORE_POLICY_ECDSA_DER_H

#include "core/base/bytes.h"
#include "core/policy/policy_key.h"
#include "core/base/rc.h"

/** SEQUENCE, two INTEGERs with a sign byte each: 104 bytes on P-384. */
#define LK_ECDSA_DER_MAX (2u * (LK_COORD_MAX + 1u + 2u) + 3u)

/**
 * lk_ecdsa_der_decode - ECDSA-Sig-Value to r || s, each of the curve's size
 *
 * DER alone (X.690, 10): shortest lengths, shortest INTEGERs, none negative,
 * nothing after. That r and s lie within [1, n - 1] is for who verifies.
 *
 * Return: LK_OK or LK_E_INPUT.
 */
int lk_ecdsa_der_decode(struct lk_bytes der, enum lk_curve curve,
			uint8_t ret[static 2 * LK_COORD_MAX], size_t *ret_len, struct lk_err *err);

/** r || s to DER; gives its length. @raw is two halves of the curve's size. */
size_t lk_ecdsa_der_encode(struct lk_bytes raw, uint8_t out[static LK_ECDSA_DER_MAX]);

#endif
