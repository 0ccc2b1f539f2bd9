/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for whoever holds private keys: making, loading, signing, encrypting to. */
#ifndef LK_SYS_CRYPTO_SIGN_H
#define LK_SYS_CRYPTO_SIGN_H

#include "core/alg.h"
#include "core/policy_key.h"
#include "core/rc.h"
#include "sys/fs.h"
#include "sys/secret.h"

/** A private key, in memory or behind a provider. */
struct lk_private_key;
void lk_private_key_free(struct lk_private_key *key);
static inline void lk_private_key_freep(struct lk_private_key **p)
{
	lk_private_key_free(*p);
}
#define LK_OWNED_PRIVATE_KEY                                                   \
	__attribute__((cleanup(lk_private_key_freep))) struct lk_private_key *

int lk_private_key_generate(enum lk_curve curve, struct lk_private_key **ret,
			    struct lk_err *err);
/**
 * lk_private_key_load - a PEM file or an OpenSSL store URI
 * @passphrase: may be NULL; when the key needs one and there is none, asked
 *	for on the terminal
 */
int lk_private_key_load(const char *uri, const struct lk_secret *passphrase,
			struct lk_private_key **ret, struct lk_err *err);
/** PKCS#8 PEM, encrypted (PBES2, AES-256) when @passphrase is given. */
int lk_private_key_to_pem(const struct lk_private_key *key,
			  const struct lk_secret *passphrase,
			  struct lk_secret *ret, struct lk_err *err);
int lk_private_key_public(const struct lk_private_key *key,
			  struct lk_policy_key *ret, struct lk_err *err);
/** ECDSA over a digest; r || s. */
int lk_private_key_sign(const struct lk_private_key *key,
			const struct lk_digest *digest,
			uint8_t ret[static 2 * LK_COORD_MAX], size_t *ret_len,
			struct lk_err *err);
/** DER ECDSA-Sig-Value (strict) to r || s. */
int lk_signature_from_der(const uint8_t *der, size_t len, enum lk_curve curve,
			  uint8_t ret[static 2 * LK_COORD_MAX], size_t *ret_len,
			  struct lk_err *err);
/** Public key as PEM text. */
int lk_policy_key_to_pem(const struct lk_policy_key *key, struct lk_buf *ret,
			 struct lk_err *err);

int lk_random(struct lk_secret *ret, size_t len, struct lk_err *err);

/**
 * lk_cms_encrypt - CMS EnvelopedData (RFC 5652), PEM, AES-256
 * @recipient: certificate or public key file in PEM (RSA or EC)
 */
int lk_cms_encrypt(const char *recipient, struct lk_bytes plain,
		   struct lk_buf *ret_pem, struct lk_err *err);

#endif
