/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making nonces, and knowing one again. */
#include "core/attest/nonce.h"

#include <string.h>

#include "core/attest/refusal.h"

#define MAC_SIZE (LK_NONCE_SIZE - 8u - LK_NONCE_RANDOM_SIZE)

/* The tag keeps the key's other uses apart. */
static bool mac(const struct lk_nonce_maker *maker, const uint8_t *nonce,
		uint8_t ret[static MAC_SIZE])
{
	static const char tag[16] = "latchkey-nonce-1";
	uint8_t data[sizeof(tag) + LK_NONCE_SIZE - MAC_SIZE];
	struct lk_digest digest;

	memcpy(data, tag, sizeof(tag));
	memcpy(data + sizeof(tag), nonce, LK_NONCE_SIZE - MAC_SIZE);
	if (!maker->hmac(LK_ALG_SHA256, maker->key, (struct lk_bytes){ data, sizeof(data) },
			 &digest))
		return false;
	memcpy(ret, digest.data, MAC_SIZE);
	return true;
}

int lk_nonce_make(const struct lk_nonce_maker *maker, uint64_t now_ms,
		  const uint8_t chance[static LK_NONCE_RANDOM_SIZE],
		  uint8_t ret[static LK_NONCE_SIZE], struct lk_err *err)
{
	uint8_t nonce[LK_NONCE_SIZE];
	struct lk_writer w = lk_writer_init(nonce, sizeof(nonce));

	lk_write_be64(&w, now_ms);
	lk_write_bytes(&w, chance, LK_NONCE_RANDOM_SIZE);
	if (!mac(maker, nonce, nonce + w.len))
		return lk_err_set(err, LK_E_SYSTEM, 0, "a nonce can't be made: HMAC failed");
	memcpy(ret, nonce, sizeof(nonce));
	return LK_OK;
}

/* Takes as long for any two. */
static bool same_mac(const uint8_t *a, const uint8_t *b)
{
	uint8_t differ = 0;

	for (size_t i = 0; i < MAC_SIZE; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

int lk_nonce_check(const struct lk_nonce_maker *maker, uint64_t now_ms, struct lk_bytes nonce,
		   uint64_t *ret_given_ms, struct lk_err *err)
{
	struct lk_reader r = lk_reader_init(nonce.data, nonce.len);
	uint64_t given = lk_read_be64(&r);
	uint8_t own[MAC_SIZE];

	if (nonce.len != LK_NONCE_SIZE)
		return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_NONCE_FORM,
				  "the nonce has %zu bytes, and one of this server has %u",
				  nonce.len, LK_NONCE_SIZE);
	if (!mac(maker, nonce.data, own))
		return lk_err_set(err, LK_E_SYSTEM, 0, "a nonce can't be checked: HMAC failed");
	if (!same_mac(own, nonce.data + LK_NONCE_SIZE - MAC_SIZE))
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_NONCE_FOREIGN,
			"the nonce isn't of this server: ask it for a challenge, and quote that");
	if (given > now_ms ? given - now_ms > LK_NONCE_AHEAD_MS : now_ms - given > LK_NONCE_LIFE_MS)
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_NONCE_OLD,
			"the nonce was given out more than %u seconds ago: ask for another challenge",
			LK_NONCE_LIFE_MS / 1000u);
	*ret_given_ms = given;
	return LK_OK;
}
