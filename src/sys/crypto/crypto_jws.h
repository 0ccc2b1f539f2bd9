/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the key that a server signs its reports with: ECDSA as JSON Web Signatures have it (RFC 7518, 3.4). */
#ifndef LK_SYS_CRYPTO_CRYPTO_JWS_H
#define LK_SYS_CRYPTO_CRYPTO_JWS_H

#include "core/base/bytes.h"
#include "core/policy/policy_key.h"
#include "sys/os/fs.h"

struct lk_jws_key;
void lk_jws_key_free(struct lk_jws_key *k);
static inline void lk_jws_key_freep(struct lk_jws_key **p)
{
	lk_jws_key_free(*p);
}
#define LK_OWNED_JWS_KEY __attribute__((cleanup(lk_jws_key_freep))) struct lk_jws_key *

/** A new private key on P-256, as PKCS#8 in PEM that isn't encrypted. */
int lk_jws_key_make(struct lk_buf *ret_pem, struct lk_err *err);
/** One on P-256 or P-384. Return: LK_OK; LK_E_INPUT for anything else; LK_E_SYSTEM. */
int lk_jws_key_read(struct lk_bytes pem, struct lk_jws_key **ret, struct lk_err *err);
/** "ES256" or "ES384". */
const char *lk_jws_key_alg(const struct lk_jws_key *k);
const struct lk_policy_key *lk_jws_key_public(const struct lk_jws_key *k);
/** SubjectPublicKeyInfo in PEM. */
int lk_jws_key_public_pem(const struct lk_jws_key *k, struct lk_buf *ret, struct lk_err *err);
/** r || s over the hash of @bytes that goes with the curve. */
int lk_jws_sign(const struct lk_jws_key *k, struct lk_bytes bytes,
		uint8_t ret[static 2 * LK_COORD_MAX], size_t *ret_len, struct lk_err *err);

#endif
