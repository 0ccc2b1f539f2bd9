/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for long data: hashing and AES-CTR in pieces; and wrapping a key with AES-CFB. */
#ifndef LK_SYS_CRYPTO_CRYPTO_STREAM_H
#define LK_SYS_CRYPTO_CRYPTO_STREAM_H

#include <stdbool.h>

#include "core/base/alg.h"
#include "core/base/bytes.h"
#include "core/base/rc.h"
#include "sys/os/secret.h"

/** A hash that is fed in pieces. */
struct lk_hasher;
int lk_hasher_new(enum lk_alg alg, struct lk_hasher **ret, struct lk_err *err);
int lk_hasher_update(struct lk_hasher *h, const uint8_t *data, size_t len, struct lk_err *err);
/** The digest; the hasher takes nothing after. */
int lk_hasher_final(struct lk_hasher *h, struct lk_digest *ret, struct lk_err *err);
void lk_hasher_free(struct lk_hasher *h);
static inline void lk_hasher_freep(struct lk_hasher **p)
{
	lk_hasher_free(*p);
}
#define LK_OWNED_HASHER __attribute__((cleanup(lk_hasher_freep))) struct lk_hasher *

/** AES in counter mode (SP 800-38A, 6.5): both ways are the same. */
struct lk_ctr;
/**
 * @key: 16 or 32 bytes
 * @iv: the first counter block; it counts as one 128-bit big-endian number
 */
int lk_ctr_new(const struct lk_secret *key, const uint8_t iv[static 16], struct lk_ctr **ret,
	       struct lk_err *err);
/** @out may be @in. */
int lk_ctr_update(struct lk_ctr *c, const uint8_t *in, size_t len, uint8_t *out,
		  struct lk_err *err);
void lk_ctr_free(struct lk_ctr *c);
static inline void lk_ctr_freep(struct lk_ctr **p)
{
	lk_ctr_free(*p);
}
#define LK_OWNED_CTR __attribute__((cleanup(lk_ctr_freep))) struct lk_ctr *

/**
 * AES-CFB with 128-bit feedback (SP 800-38A, 6.3), as TPM2_EncryptDecrypt2
 * does it. @key: 16 or 32 bytes; @in: at most 64 bytes.
 */
int lk_crypto_cfb_encrypt(const struct lk_secret *key, const uint8_t iv[static 16],
			  const struct lk_secret *in, uint8_t *out, struct lk_err *err);
int lk_crypto_cfb_decrypt(const struct lk_secret *key, const uint8_t iv[static 16],
			  struct lk_bytes in, struct lk_secret *ret, struct lk_err *err);

/** AES (key of 16 or 32 bytes) of one all-zero block: tells keys apart. */
int lk_crypto_aes_zero_block(const struct lk_secret *key, uint8_t ret[static 16],
			     struct lk_err *err);

#endif
