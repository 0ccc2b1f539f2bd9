/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for whoever holds private keys: making, loading, signing, encrypting to. */
#ifndef LK_SYS_CRYPTO_CRYPTO_SIGN_H
#define LK_SYS_CRYPTO_CRYPTO_SIGN_H

#include <stdbool.h>

#include "core/base/alg.h"
#include "core/policy/policy_key.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"
#include "sys/os/secret.h"

/** A private key, in memory or behind a provider. */
struct lk_private_key;
void lk_private_key_free(struct lk_private_key *key);
static inline void lk_private_key_freep(struct lk_private_key **p)
{
	lk_private_key_free(*p);
}
#define LK_OWNED_PRIVATE_KEY __attribute__((cleanup(lk_private_key_freep))) struct lk_private_key *

int lk_private_key_generate(enum lk_curve curve, struct lk_private_key **ret, struct lk_err *err);
/**
 * lk_passphrase_ask - from the terminal, unseen; never from standard input
 * @twice: ask again and compare, for a new passphrase
 *
 * Return: LK_OK, LK_E_INPUT for an empty or a mistyped one, LK_E_SYSTEM where
 * there is no terminal.
 */
int lk_passphrase_ask(const char *prompt, bool twice, struct lk_secret *ret, struct lk_err *err);

/**
 * lk_private_key_load - a PEM file or an OpenSSL store URI
 * @passphrase: or the PIN of a token; may be NULL: when the key needs one and
 *	there is none, it is asked for on the terminal
 *
 * Providers come from OpenSSL's default configuration.
 *
 * Return: LK_OK, LK_E_INPUT for a key that can't be read, isn't alone or isn't
 * on one of our curves, LK_E_IO, LK_E_SYSTEM.
 */
int lk_private_key_load(const char *uri, const struct lk_secret *passphrase,
			struct lk_private_key **ret, struct lk_err *err);
/**
 * PKCS#8 PEM, encrypted (PBES2, PBKDF2 with HMAC-SHA-256, AES-256-CBC) when
 * @passphrase is given. Only of a key that lk_private_key_generate made.
 */
int lk_private_key_to_pem(const struct lk_private_key *key, const struct lk_secret *passphrase,
			  struct lk_secret *ret, struct lk_err *err);
const struct lk_policy_key *lk_private_key_public(const struct lk_private_key *key);
/** ECDSA over a digest; r || s. */
int lk_private_key_sign(const struct lk_private_key *key, const struct lk_digest *digest,
			uint8_t ret[static 2 * LK_COORD_MAX], size_t *ret_len, struct lk_err *err);
/** Public key as PEM text. */
int lk_policy_key_to_pem(const struct lk_policy_key *key, struct lk_buf *ret, struct lk_err *err);

/** Bytes from the kernel's generator; at most 256. */
int lk_random(struct lk_secret *ret, size_t len, struct lk_err *err);

/**
 * lk_cms_encrypt - CMS EnvelopedData (RFC 5652), PEM, AES-256
 * @recipient: certificate or public key file in PEM (RSA or EC)
 *
 * A certificate is named in the message by issuer and serial number, a bare
 * key by its SHA-1 key identifier; `openssl cms -decrypt -inkey KEY` opens
 * both. The content's type is given no meaning: it is bytes.
 */
int lk_cms_encrypt(const char *recipient, struct lk_bytes plain, struct lk_buf *ret_pem,
		   struct lk_err *err);

#endif
