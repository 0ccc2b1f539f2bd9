/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a PEM file says that it holds (RFC 7468), for messages about files that changed places. */
#ifndef LK_CORE_BASE_PEM_H
#define LK_CORE_BASE_PEM_H

#include "core/base/bytes.h"

/** "a private key", "a public key", "a certificate" and the like, by the first
 * label in @text; NULL where there is none that is known. */
const char *lk_pem_kind(struct lk_bytes text);

/** DER of the first "PUBLIC KEY" in @pem. False where there is none, or no room for it. */
bool lk_pem_public_der(const char *pem, uint8_t *out, size_t cap, size_t *ret_len);

#endif
