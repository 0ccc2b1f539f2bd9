/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of hash, HMAC and ECDSA verification. */
#include "support.h"

#include "sys/crypto/crypto.h"

static struct lk_bytes text(const char *s)
{
	return (struct lk_bytes){ (const uint8_t *)s, strlen(s) };
}

static void assert_digest(const struct lk_digest *have, const char *want)
{
	uint8_t bytes[LK_DIGEST_MAX];

	assert_int_equal(have->len, unhex(want, bytes, sizeof(bytes)));
	assert_memory_equal(have->data, bytes, have->len);
}

/* FIPS 180-4: the examples for "abc" and the empty message. */
static void test_hashes_are_those_of_fips_180(void **s)
{
	const struct lk_bytes abc[] = { text("a"), { NULL, 0 }, text("bc") };
	struct lk_digest d;

	(void)s;
	assert_true(lk_crypto_hash(LK_ALG_SHA256, abc, 3, &d));
	assert_digest(&d, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(lk_crypto_hash(LK_ALG_SHA384, abc, 3, &d));
	assert_digest(
		&d,
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
	assert_true(lk_crypto_hash(LK_ALG_SHA256, NULL, 0, &d));
	assert_digest(&d, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, test case 2. */
static void test_hmacs_are_those_of_rfc_4231(void **s)
{
	struct lk_digest d;

	(void)s;
	assert_true(lk_crypto_hmac(LK_ALG_SHA256, text("Jefe"),
				   text("what do ya want for nothing?"), &d));
	assert_digest(&d, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_true(lk_crypto_hmac(LK_ALG_SHA384, text("Jefe"),
				   text("what do ya want for nothing?"), &d));
	assert_digest(
		&d,
		"af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
}

/* RFC 6979, A.2.5 and A.2.6: message "sample". */
static const struct {
	enum lk_curve curve;
	const char *x;
	const char *y;
	const char *r;
	const char *s;
} ecdsa[] = {
	{ LK_CURVE_P256, "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
	  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
	  "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
	  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
	{ LK_CURVE_P384,
	  "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13",
	  "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
	  "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
	  "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8" },
};

/** One of ecdsa[], ready to be verified. */
struct sample {
	struct lk_policy_key key;
	struct lk_digest digest;
	uint8_t signature[2 * LK_COORD_MAX];
	size_t half;
};

static struct sample sample(size_t i)
{
	struct sample s = { .key = { .curve = ecdsa[i].curve } };
	const struct lk_bytes message = text("sample");

	s.half = lk_curve_size(ecdsa[i].curve);
	(void)unhex(ecdsa[i].x, s.key.x, LK_COORD_MAX);
	(void)unhex(ecdsa[i].y, s.key.y, LK_COORD_MAX);
	(void)unhex(ecdsa[i].r, s.signature, s.half);
	(void)unhex(ecdsa[i].s, s.signature + s.half, s.half);
	assert_true(lk_crypto_hash(lk_curve_hash(ecdsa[i].curve), &message, 1, &s.digest));
	return s;
}

static int verify(const struct sample *s)
{
	return lk_crypto_verify(&s->key, &s->digest, (struct lk_bytes){ s->signature, 2 * s->half },
				NULL);
}

static void test_signatures_of_rfc_6979_verify(void **st)
{
	(void)st;
	for (size_t i = 0; i < N_OF(ecdsa); i++) {
		struct sample s = sample(i);

		assert_int_equal(verify(&s), LK_OK);
	}
}

static void test_a_changed_bit_anywhere_is_refused(void **st)
{
	(void)st;
	for (size_t i = 0; i < N_OF(ecdsa); i++) {
		struct sample s = sample(i);

		for (size_t bit = 0; bit < 16 * s.half; bit += 7) {
			s.signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(verify(&s), LK_E_POLICY);
			s.signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (size_t bit = 0; bit < 8u * s.digest.len; bit += 7) {
			s.digest.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(verify(&s), LK_E_POLICY);
			s.digest.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void test_a_point_off_the_curve_is_refused(void **st)
{
	(void)st;
	for (size_t i = 0; i < N_OF(ecdsa); i++) {
		struct sample s = sample(i);

		s.key.x[0] ^= 1;
		assert_int_equal(verify(&s), LK_E_POLICY);
		memset(s.key.x, 0, sizeof(s.key.x));
		memset(s.key.y, 0, sizeof(s.key.y));
		assert_int_equal(verify(&s), LK_E_POLICY);
		memset(s.key.x, 0xff, sizeof(s.key.x));
		assert_int_equal(verify(&s), LK_E_POLICY);
	}
}

static void test_r_and_s_out_of_range_are_refused(void **st)
{
	static const uint8_t order[32] = {
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
		0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
	};

	(void)st;
	for (size_t at = 0; at < 64; at += 32) {
		struct sample s = sample(0);

		memset(s.signature + at, 0, 32);
		assert_int_equal(verify(&s), LK_E_POLICY);
		memset(s.signature + at, 0xff, 32);
		assert_int_equal(verify(&s), LK_E_POLICY);
		memcpy(s.signature + at, order, 32);
		assert_int_equal(verify(&s), LK_E_POLICY);
	}
}

static void test_a_signature_of_another_length_is_refused(void **st)
{
	struct sample s = sample(1);

	(void)st;
	for (size_t len = 0; len < 96; len++)
		assert_int_equal(lk_crypto_verify(&s.key, &s.digest,
						  (struct lk_bytes){ s.signature, len }, NULL),
				 LK_E_POLICY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes_are_those_of_fips_180),
		cmocka_unit_test(test_hmacs_are_those_of_rfc_4231),
		cmocka_unit_test(test_signatures_of_rfc_6979_verify),
		cmocka_unit_test(test_a_changed_bit_anywhere_is_refused),
		cmocka_unit_test(test_a_point_off_the_curve_is_refused),
		cmocka_unit_test(test_r_and_s_out_of_range_are_refused),
		cmocka_unit_test(test_a_signature_of_another_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
