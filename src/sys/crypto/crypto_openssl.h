/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns handles of OpenSSL that free themselves, and its errors in words. */
#ifndef LK_SYS_CRYPTO_CRYPTO_OPENSSL_H
#define LK_SYS_CRYPTO_CRYPTO_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/evp.h>

#include "core/base/rc.h"

/**
 * Property query for whatever needs no private key. The provider of a token
 * may offer digests and public-key operations too, and would make the token
 * do them, one slow command each; it stays for what nobody else can do.
 */
#define LK_OPENSSL_SOFTWARE "?provider=default"

#define LK_OPENSSL_CLEANUP(type, free_fn)                                                          \
	static inline void lk_##type##_freep(type **p)                                             \
	{                                                                                          \
		free_fn(*p);                                                                       \
	}

LK_OPENSSL_CLEANUP(BIO, BIO_free_all)
LK_OPENSSL_CLEANUP(EVP_PKEY, EVP_PKEY_free)
LK_OPENSSL_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

#define LK_OWNED_OPENSSL(type) __attribute__((cleanup(lk_##type##_freep))) type

/**
 * lk_openssl_error - record what failed, with OpenSSL's own reason
 * @what: the step, as a clause: "the key can't be read"
 *
 * Empties OpenSSL's error queue. Return: @rc.
 */
int lk_openssl_error(struct lk_err *err, enum lk_rc rc, const char *what);

#endif
