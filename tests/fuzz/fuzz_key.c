/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of public keys: DER, PEM, base64 and hexadecimal. */
#include "core/policy/policy_key.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static void check(const struct lk_policy_key *key)
{
	uint8_t der[LK_SPKI_MAX];
	struct lk_policy_key again;
	struct lk_name name;
	size_t len = lk_policy_key_to_spki(key, der);

	INVARIANT(lk_policy_key_from_spki(der, len, &again, NULL) == LK_OK);
	INVARIANT(memcmp(key, &again, sizeof(again)) == 0);
	INVARIANT(lk_policy_key_name(key, lk_crypto_hash, &name) == LK_OK);
	INVARIANT(name.len == 2 + lk_alg_size(lk_curve_hash(key->curve)));
}

static void read_der(const uint8_t *data, size_t size)
{
	uint8_t der[LK_SPKI_MAX];
	struct lk_policy_key key;
	struct lk_err err = { 0 };
	int rc = lk_policy_key_from_spki(data, size, &key, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return;
	}
	check(&key);
	/* One encoding alone is taken. */
	INVARIANT(lk_policy_key_to_spki(&key, der) == size);
	INVARIANT(memcmp(der, data, size) == 0);
}

static void read_pem(const uint8_t *data, size_t size)
{
	struct lk_policy_key key;
	struct lk_err err = { 0 };
	int rc = lk_policy_key_from_pem((const char *)data, size, &key, &err);

	if (rc == LK_OK)
		check(&key);
	else
		check_error(rc, LK_E_INPUT, &err);
}

static char digit(unsigned int v)
{
	return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[v & 63];
}

/* What is decoded, encoded again, is the text without its line ends. */
static void read_base64(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	uint8_t out[512] = { 0 };
	size_t len = 0;
	size_t at = 0;

	if (!lk_base64_decode(text, size, out, sizeof(out) - 2, &len))
		return;
	INVARIANT(len <= sizeof(out) - 2);
	for (size_t i = 0; i < size; i++) {
		size_t byte = at / 4 * 3;
		uint32_t bits;
		char want;

		if (text[i] == '\n' || text[i] == '\r')
			continue;
		INVARIANT(byte < len);
		bits = (uint32_t)out[byte] << 16 | (uint32_t)out[byte + 1] << 8 | out[byte + 2];
		want = byte + at % 4 > len ? '=' : digit(bits >> (18 - 6 * (at % 4)));
		INVARIANT(text[i] == want);
		at++;
	}
	INVARIANT(at == (len + 2) / 3 * 4);
}

static void read_hex(const uint8_t *data, size_t size)
{
	uint8_t out[64];
	char text[129];
	size_t len;

	if (!lk_hex_decode((const char *)data, size, out, sizeof(out), &len))
		return;
	lk_hex_encode(out, len, text);
	INVARIANT(size == 2 * len);
	INVARIANT(size == 0 || strncasecmp(text, (const char *)data, size) == 0);
}

/* The first byte chooses. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const uint8_t *, size_t) = { read_der, read_pem, read_base64,
								    read_hex };

	if (size)
		readers[data[0] % 4](data + 1, size - 1);
	return 0;
}
