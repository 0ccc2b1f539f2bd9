/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for provisioning: PEM, RSA keys, endorsement certificates. */
#ifndef LK_SYS_CRYPTO_CRYPTO_ADMIN_H
#define LK_SYS_CRYPTO_CRYPTO_ADMIN_H

#include "core/base/bytes.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"
#include "sys/os/secret.h"

/** DER SubjectPublicKeyInfo of an RSA key with exponent 65537. */
int lk_crypto_rsa_spki(struct lk_bytes modulus, struct lk_buf *ret, struct lk_err *err);
/** PEM text under @label ("PUBLIC KEY", "CERTIFICATE"). */
int lk_crypto_pem(const char *label, struct lk_bytes der, struct lk_buf *ret, struct lk_err *err);

/**
 * lk_crypto_certificate_check - is it that key's, and who vouches for it?
 * @cert: DER, with whatever padding an NV index has after it
 * @spki: the key that it must be for
 * @ca_file: PEM certificates that are all trusted; NULL: the chain isn't looked
 * at
 *
 * Return: LK_OK, LK_E_INPUT when it can't be parsed, LK_E_POLICY when it is
 * another key's or its chain doesn't verify, LK_E_SYSTEM.
 */
int lk_crypto_certificate_check(struct lk_bytes cert, struct lk_bytes spki, const char *ca_file,
				struct lk_err *err);
/** Length of the DER element that @data begins with; 0 when malformed. */
size_t lk_crypto_der_length(struct lk_bytes data);

#endif
