/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making what a TPM attests, right and wrong, for tests of who reads it. */
#ifndef LK_TEST_ATTEST_MADE_H
#define LK_TEST_ATTEST_MADE_H

#include "support.h"

#include "core/attest/quote.h"
#include "core/attest/refusal.h"
#include "core/policy/policy_digest.h"
#include "sys/crypto/crypto.h"

/** What is written, field by field; made_default() is all right. */
struct made_key {
	uint16_t type, name_alg;
	uint32_t attributes;
	uint16_t policy_len, symmetric, scheme, hash, curve, kdf, x_len, y_len;
};
struct made_attest {
	uint32_t magic;
	uint16_t type;
	bool other_signer;
	uint8_t nonce_first;
	uint16_t nonce_len;
	uint64_t clock;
	uint32_t reset, restart;
	uint8_t safe;
	/* quote */
	uint32_t count;
	uint16_t bank;
	uint8_t select_size;
	uint32_t mask;
	uint16_t digest_len;
	/* NV */
	uint32_t index;
	uint16_t offset, content_len;
	uint64_t value;
	size_t trailing;
};
struct made_signature {
	uint16_t scheme, hash, r_len, s_len;
	size_t trailing;
};

static inline struct made_key made_key(void)
{
	return (struct made_key){
		0x23, 0x0b, LK_AK_ATTRIBUTES, 0, 0x10, 0x18, 0x0b, 3, 0x10, 32, 32
	};
}

static inline struct made_attest made_attest(uint16_t type)
{
	return (struct made_attest){
		.magic = 0xff544347,
		.type = type,
		.nonce_len = LK_NONCE_SIZE,
		.clock = 1000,
		.reset = 7,
		.safe = 1,
		.count = 1,
		.bank = 0x0b,
		.select_size = 3,
		.mask = 0x481,
		.digest_len = 32,
		.index = 0x018a0001,
		.content_len = 8,
		.value = 5,
	};
}

static inline struct made_signature made_signature(void)
{
	return (struct made_signature){ 0x18, 0x0b, 32, 32, 0 };
}

static inline size_t make_key(const struct made_key *k, uint8_t out[static LK_TPMT_PUBLIC_MAX])
{
	static const uint8_t point[64] = { 1 };
	struct lk_writer w = lk_writer_init(out, LK_TPMT_PUBLIC_MAX);

	lk_write_be16(&w, k->type);
	lk_write_be16(&w, k->name_alg);
	lk_write_be32(&w, k->attributes);
	lk_write_be16(&w, k->policy_len);
	lk_write_bytes(&w, point, k->policy_len);
	lk_write_be16(&w, k->symmetric);
	lk_write_be16(&w, k->scheme);
	if (k->scheme != 0x10)
		lk_write_be16(&w, k->hash);
	lk_write_be16(&w, k->curve);
	lk_write_be16(&w, k->kdf);
	lk_write_be16(&w, k->x_len);
	lk_write_bytes(&w, point, k->x_len);
	lk_write_be16(&w, k->y_len);
	lk_write_bytes(&w, point, k->y_len);
	assert_false(w.failed);
	return w.len;
}

/** The key that signs; the same each time. */
static inline struct lk_attest_key checked_key(void)
{
	const struct made_key k = made_key();
	uint8_t bytes[LK_TPMT_PUBLIC_MAX];
	struct lk_attest_key key;
	size_t len = make_key(&k, bytes);

	assert_int_equal(lk_attest_key_parse((struct lk_bytes){ bytes, len }, lk_crypto_hash, &key,
					     NULL),
			 LK_OK);
	return key;
}

/** PCR values of a made quote: all digits of PCR n are n + 1. */
static inline struct lk_bytes made_values(uint32_t mask, uint8_t out[static 24 * 32])
{
	size_t len = 0;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(mask >> i & 1))
			continue;
		memset(out + len, (int)i + 1, 32);
		len += 32;
	}
	return (struct lk_bytes){ out, len };
}

/** @digest: of the values; NULL: of made_values(). */
static inline size_t make_attest(const struct made_attest *m, const struct lk_digest *digest,
				 uint8_t out[static LK_ATTEST_MAX])
{
	const struct lk_attest_key key = checked_key();
	struct lk_writer w = lk_writer_init(out, LK_ATTEST_MAX);
	struct lk_digest made = { 0 };
	uint8_t nonce[64] = { m->nonce_first }, room[24 * 32];
	struct lk_bytes values = made_values(m->mask & 0xffffff, room);
	struct lk_name name;

	lk_write_be32(&w, m->magic);
	lk_write_be16(&w, m->type);
	lk_write_be16(&w, key.qualified_name.len);
	lk_write_bytes(&w, m->other_signer ? key.name.data : key.qualified_name.data,
		       key.qualified_name.len);
	lk_write_be16(&w, m->nonce_len);
	lk_write_bytes(&w, nonce, m->nonce_len > sizeof(nonce) ? sizeof(nonce) : m->nonce_len);
	lk_write_be64(&w, m->clock);
	lk_write_be32(&w, m->reset);
	lk_write_be32(&w, m->restart);
	lk_write_u8(&w, m->safe);
	lk_write_be64(&w, 0x2000);
	if (m->type == LK_ATTEST_NV) {
		assert_int_equal(lk_floor_name(m->index, lk_crypto_hash, &name), LK_OK);
		lk_write_be16(&w, name.len);
		lk_write_bytes(&w, name.data, name.len);
		lk_write_be16(&w, m->offset);
		lk_write_be16(&w, m->content_len);
		for (size_t i = 0; i + 8 < m->content_len; i++)
			lk_write_u8(&w, 0);
		lk_write_be64(&w, m->value);
	} else {
		assert_true(lk_crypto_hash(LK_ALG_SHA256, &values, 1, &made));
		lk_write_be32(&w, m->count);
		for (uint32_t i = 0; i < m->count; i++) {
			lk_write_be16(&w, m->bank);
			lk_write_u8(&w, m->select_size);
			for (size_t j = 0; j < m->select_size; j++)
				lk_write_u8(&w, j < 4 ? (uint8_t)(m->mask >> (8 * j)) : 0);
		}
		lk_write_be16(&w, m->digest_len);
		lk_write_bytes(&w, digest ? digest->data : made.data, m->digest_len);
	}
	for (size_t i = 0; i < m->trailing; i++)
		lk_write_u8(&w, 0);
	assert_false(w.failed);
	return w.len;
}

static inline size_t make_signature(const struct made_signature *s, uint8_t out[static 128])
{
	static const uint8_t number[64] = { 1 };
	struct lk_writer w = lk_writer_init(out, 128);

	lk_write_be16(&w, s->scheme);
	lk_write_be16(&w, s->hash);
	lk_write_be16(&w, s->r_len);
	lk_write_bytes(&w, number, s->r_len);
	lk_write_be16(&w, s->s_len);
	lk_write_bytes(&w, number, s->s_len);
	for (size_t i = 0; i < s->trailing; i++)
		lk_write_u8(&w, 0);
	return w.len;
}

/** An lk_verify_fn; @ctx points to what it returns. */
static inline int made_verify(void *ctx, const struct lk_policy_key *key,
			      const struct lk_digest *digest, struct lk_bytes signature,
			      struct lk_err *err)
{
	(void)key;
	assert_int_equal(digest->len, 32);
	assert_int_equal(signature.len, LK_ECDSA_P256_SIZE);
	return *(int *)ctx == LK_OK ? LK_OK : lk_err_set(err, (enum lk_rc) * (int *)ctx, 0, "no");
}

#endif
