/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the parts of crypto_sign.h share and nobody else sees. */
#ifndef LK_SYS_CRYPTO_CRYPTO_KEY_H
#define LK_SYS_CRYPTO_CRYPTO_KEY_H

#include <openssl/bio.h>
#include <openssl/evp.h>

#include "core/base/rc.h"
#include "sys/crypto/crypto_sign.h"

struct lk_private_key {
	EVP_PKEY *pkey;
	/* Read once: encoding it takes a tenth of what a signature does, and
	 * isn't for several threads. */
	struct lk_policy_key public;
};

/**
 * Takes *@pkey over on success, and clears it.
 *
 * Return: LK_OK, LK_E_INPUT where its public half isn't one of ours, or
 * LK_E_SYSTEM.
 */
int lk_private_key_adopt(EVP_PKEY **pkey, struct lk_private_key **ret, struct lk_err *err);
/** Copy of what a memory BIO holds. */
int lk_bio_to_buf(BIO *bio, struct lk_buf *ret, struct lk_err *err);

#endif
