/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of what is attested: each refusal with its own reason, and nothing that is cut. */
#include "attest_made.h"

#include "core/attest/nonce.h"

/* A quote and its signature under the terms of a server, each changed in one place. */
struct whole {
	struct made_attest attest;
	struct made_signature signature;
	int verified;
	uint8_t asked_nonce;
};

static int check_quote(const struct whole *w, struct lk_attest *ret, struct lk_err *err)
{
	static const uint8_t zeros[LK_NONCE_SIZE];
	uint8_t nonce[LK_NONCE_SIZE] = { w->asked_nonce }, attest[LK_ATTEST_MAX], signature[128];
	const struct lk_attest_key key = checked_key();
	int verified = w->verified;
	const struct lk_quote_terms terms = {
		.key = &key,
		.nonce = { w->asked_nonce ? nonce : zeros, LK_NONCE_SIZE },
		.pcrs = { LK_ALG_SHA256, 0x481 },
		.hash = lk_crypto_hash,
		.verify = made_verify,
		.verify_ctx = &verified,
	};
	const struct lk_signed_attest quote = { { attest, make_attest(&w->attest, NULL, attest) },
						{ signature,
						  make_signature(&w->signature, signature) } };
	static struct lk_attest got;
	int rc = lk_quote_check(&terms, &quote, &got, err);

	if (rc == LK_OK && ret)
		*ret = got;
	return rc;
}

#define CHANGED(what, field, value, refusal)                                                       \
	static void what(struct whole *w)                                                          \
	{                                                                                          \
		w->field = value;                                                                  \
	}
CHANGED(wrong_magic, attest.magic, 0xff544348, MAGIC)
CHANGED(magic_of_data, attest.magic, 0, MAGIC)
CHANGED(a_certify, attest.type, 0x8017, TYPE)
CHANGED(a_time, attest.type, 0x8019, TYPE)
CHANGED(trailing_byte, attest.trailing, 1, ATTEST)
CHANGED(long_nonce, attest.nonce_len, 65, ATTEST)
CHANGED(short_nonce, attest.nonce_len, 31, NONCE_OTHER)
CHANGED(no_nonce, attest.nonce_len, 0, NONCE_OTHER)
CHANGED(other_nonce, attest.nonce_first, 1, NONCE_OTHER)
CHANGED(neither_safe_nor_not, attest.safe, 2, ATTEST)
CHANGED(no_selection, attest.count, 0, SELECTION)
CHANGED(two_selections, attest.count, 2, SELECTION)
CHANGED(other_bank, attest.bank, 0x0c, BANK)
CHANGED(old_bank, attest.bank, 0x04, BANK)
CHANGED(empty_selection, attest.mask, 0, SELECTION)
CHANGED(fewer_pcrs, attest.mask, 0x081, SELECTION)
CHANGED(more_pcrs, attest.mask, 0x483, SELECTION)
CHANGED(pcrs_beyond, attest.select_size, 5, ATTEST)
CHANGED(no_select, attest.select_size, 0, ATTEST)
CHANGED(short_digest, attest.digest_len, 20, DIGEST_SIZE)
CHANGED(long_digest, attest.digest_len, 48, DIGEST_SIZE)
CHANGED(no_digest, attest.digest_len, 0, DIGEST_SIZE)
CHANGED(other_key, attest.other_signer, true, SIGNER)
CHANGED(rsa, signature.scheme, 0x14, SCHEME)
CHANGED(hmac, signature.scheme, 0x05, SCHEME)
CHANGED(null_scheme, signature.scheme, 0x10, SCHEME)
CHANGED(sha1, signature.hash, 0x04, SCHEME)
CHANGED(sha384, signature.hash, 0x0c, SCHEME)
CHANGED(long_r, signature.r_len, 33, SIGNATURE_FORM)
CHANGED(no_s, signature.s_len, 0, SIGNATURE_FORM)
CHANGED(signature_goes_on, signature.trailing, 1, SIGNATURE_FORM)
CHANGED(not_verified, verified, LK_E_POLICY, SIGNATURE)

static const struct {
	const char *name;
	void (*change)(struct whole *w);
	enum lk_refusal refusal;
} refused[] = {
#define ROW(what, refusal)                                                                         \
	{                                                                                          \
#what, what, LK_REFUSAL_##refusal                                                  \
	}
	ROW(wrong_magic, MAGIC),
	ROW(magic_of_data, MAGIC),
	ROW(a_certify, TYPE),
	ROW(a_time, TYPE),
	ROW(trailing_byte, ATTEST),
	ROW(long_nonce, ATTEST),
	ROW(short_nonce, NONCE_OTHER),
	ROW(no_nonce, NONCE_OTHER),
	ROW(other_nonce, NONCE_OTHER),
	ROW(neither_safe_nor_not, ATTEST),
	ROW(no_selection, SELECTION),
	ROW(two_selections, SELECTION),
	ROW(other_bank, BANK),
	ROW(old_bank, BANK),
	ROW(empty_selection, SELECTION),
	ROW(fewer_pcrs, SELECTION),
	ROW(more_pcrs, SELECTION),
	ROW(pcrs_beyond, ATTEST),
	ROW(no_select, ATTEST),
	ROW(short_digest, DIGEST_SIZE),
	ROW(long_digest, DIGEST_SIZE),
	ROW(no_digest, DIGEST_SIZE),
	ROW(other_key, SIGNER),
	ROW(rsa, SCHEME),
	ROW(hmac, SCHEME),
	ROW(null_scheme, SCHEME),
	ROW(sha1, SCHEME),
	ROW(sha384, SCHEME),
	ROW(long_r, SIGNATURE_FORM),
	ROW(no_s, SIGNATURE_FORM),
	ROW(signature_goes_on, SIGNATURE_FORM),
	ROW(not_verified, SIGNATURE),
};

static struct whole right_quote(void)
{
	return (struct whole){ .attest = made_attest(LK_ATTEST_QUOTE),
			       .signature = made_signature(),
			       .verified = LK_OK };
}

static void test_a_quote_as_asked_for_is_taken(void **state)
{
	struct whole w = right_quote();
	struct lk_attest a;

	(void)state;
	assert_int_equal(check_quote(&w, &a, NULL), LK_OK);
	assert_int_equal(a.reset_count, 7);
	assert_int_equal(a.clock, 1000);
	assert_true(a.safe);
	/* Each power cut does it. */
	w.attest.safe = 0;
	assert_int_equal(check_quote(&w, &a, NULL), LK_OK);
	assert_false(a.safe);
	/* Older TPMs leave out leading zeros. */
	w.signature.r_len = 31;
	assert_int_equal(check_quote(&w, &a, NULL), LK_OK);
}

static void test_each_refusal_of_a_quote_has_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(refused); i++) {
		struct whole w = right_quote();
		struct lk_err err = { 0 };
		struct lk_attest a;

		poison(&a, sizeof(a));
		refused[i].change(&w);
		if (check_quote(&w, &a, &err) == LK_OK || err.code != refused[i].refusal)
			fail_msg("%s: %s (%s)", refused[i].name, lk_refusal_word(err.code),
				 err.msg);
		assert_true(is_poisoned(&a, sizeof(a)));
		assert_true(err.msg[0]);
	}
}

static void test_a_failing_library_is_no_refusal(void **state)
{
	struct whole w = right_quote();
	struct lk_err err = { 0 };

	(void)state;
	w.verified = LK_E_SYSTEM;
	assert_int_equal(check_quote(&w, NULL, &err), LK_E_SYSTEM);
	assert_int_equal(err.code, 0);
}

static int parse_quote(const uint8_t *data, size_t len)
{
	struct lk_attest a;

	return lk_attest_parse((struct lk_bytes){ data, len }, LK_ATTEST_QUOTE, &a, NULL);
}

static int parse_nv(const uint8_t *data, size_t len)
{
	struct lk_attest a;

	return lk_attest_parse((struct lk_bytes){ data, len }, LK_ATTEST_NV, &a, NULL);
}

static int parse_signature(const uint8_t *data, size_t len)
{
	uint8_t raw[LK_ECDSA_P256_SIZE];

	return lk_attest_signature_parse((struct lk_bytes){ data, len }, raw, NULL);
}

static int parse_key(const uint8_t *data, size_t len)
{
	struct lk_attest_key key;

	return lk_attest_key_parse((struct lk_bytes){ data, len }, lk_crypto_hash, &key, NULL);
}

static void test_nothing_that_is_cut_is_taken(void **state)
{
	const struct made_attest quote = made_attest(LK_ATTEST_QUOTE);
	const struct made_attest nv = made_attest(LK_ATTEST_NV);
	const struct made_signature signature = made_signature();
	const struct made_key key = made_key();
	uint8_t bytes[LK_ATTEST_MAX];
	size_t len;

	(void)state;
	len = make_attest(&quote, NULL, bytes);
	assert_int_equal(shortest_that_parses((char *)bytes, len, parse_quote), len);
	len = make_attest(&nv, NULL, bytes);
	assert_int_equal(shortest_that_parses((char *)bytes, len, parse_nv), len);
	len = make_signature(&signature, bytes);
	assert_int_equal(shortest_that_parses((char *)bytes, len, parse_signature), len);
	len = make_key(&key, bytes);
	assert_int_equal(shortest_that_parses((char *)bytes, len, parse_key), len);
}

static void test_a_key_that_is_not_fit_is_refused_for_its_own_reason(void **state)
{
	static const struct {
		uint32_t without, with;
		enum lk_refusal refusal;
	} attributes[] = {
		{ LK_AK_RESTRICTED, 0, LK_REFUSAL_KEY_RESTRICTED },
		{ LK_AK_FIXED_TPM, 0, LK_REFUSAL_KEY_FIXED_TPM },
		{ LK_AK_FIXED_PARENT, 0, LK_REFUSAL_KEY_FIXED_PARENT },
		{ LK_AK_ORIGIN, 0, LK_REFUSAL_KEY_ORIGIN },
		{ LK_AK_SIGN, 0, LK_REFUSAL_KEY_SIGN_ONLY },
		{ 0, LK_AK_DECRYPT, LK_REFUSAL_KEY_SIGN_ONLY },
		{ LK_AK_USER_WITH_AUTH, 0, LK_REFUSAL_KEY_AUTH },
		{ 0, 0x80, LK_REFUSAL_KEY_ATTRIBUTES },	      /* adminWithPolicy */
		{ 0, 0x4, LK_REFUSAL_KEY_ATTRIBUTES },	      /* stClear */
		{ 0, 0x80000000, LK_REFUSAL_KEY_ATTRIBUTES }, /* reserved */
	};

	(void)state;
	for (size_t i = 0; i < N_OF(attributes); i++) {
		struct made_key k = made_key();
		uint8_t bytes[LK_TPMT_PUBLIC_MAX];
		struct lk_attest_key key;
		struct lk_err err = { 0 };

		k.attributes = (k.attributes & ~attributes[i].without) | attributes[i].with;
		poison(&key, sizeof(key));
		assert_int_equal(lk_attest_key_parse((struct lk_bytes){ bytes,
									make_key(&k, bytes) },
						     lk_crypto_hash, &key, &err),
				 LK_E_POLICY);
		assert_int_equal(err.code, attributes[i].refusal);
		assert_true(is_poisoned(&key, sizeof(key)));
	}
}

static void expect_key(const struct made_key *k, enum lk_refusal refusal)
{
	uint8_t bytes[LK_TPMT_PUBLIC_MAX];
	struct lk_attest_key key;
	struct lk_err err = { 0 };

	assert_int_not_equal(lk_attest_key_parse((struct lk_bytes){ bytes, make_key(k, bytes) },
						 lk_crypto_hash, &key, &err),
			     LK_OK);
	assert_int_equal(err.code, refusal);
}

static void test_a_key_of_another_scheme_is_refused(void **state)
{
	struct made_key k;

	(void)state;
#define KEY(field, value, refusal)                                                                 \
	do {                                                                                       \
		k = made_key();                                                                    \
		k.field = value;                                                                   \
		expect_key(&k, LK_REFUSAL_##refusal);                                              \
	} while (0)
	KEY(type, 0x01, KEY_SCHEME);
	KEY(name_alg, 0x0c, KEY_SCHEME);
	KEY(symmetric, 0x06, KEY_SCHEME);
	KEY(scheme, 0x1a, KEY_SCHEME);
	KEY(scheme, 0x10, KEY_SCHEME);
	KEY(hash, 0x0c, KEY_SCHEME);
	KEY(curve, 0x04, KEY_SCHEME);
	KEY(kdf, 0x20, KEY_SCHEME);
	KEY(policy_len, 32, KEY_ATTRIBUTES);
	KEY(x_len, 33, KEY_FORM);
	KEY(y_len, 0, KEY_FORM);
}

static void test_values_are_proven_by_the_quote(void **state)
{
	struct whole w = right_quote();
	struct lk_attest a;
	struct lk_pcr_values values;
	uint8_t room[24 * 32];
	struct lk_bytes bytes = made_values(0x481, room);
	struct lk_err err = { 0 };

	(void)state;
	assert_int_equal(check_quote(&w, &a, NULL), LK_OK);
	/* The views lie in bytes that are gone. */
	uint8_t attest[LK_ATTEST_MAX];
	size_t len = make_attest(&w.attest, NULL, attest);

	assert_int_equal(lk_attest_parse((struct lk_bytes){ attest, len }, LK_ATTEST_QUOTE, &a,
					 NULL),
			 LK_OK);
	assert_int_equal(lk_quote_values(&a, bytes, lk_crypto_hash, &values, NULL), LK_OK);
	assert_int_equal(values.value[7][0], 8);
	assert_int_equal(values.value[10][31], 11);
	room[3] ^= 1;
	assert_int_equal(lk_quote_values(&a, bytes, lk_crypto_hash, &values, &err), LK_E_POLICY);
	assert_int_equal(err.code, LK_REFUSAL_VALUES);
	bytes.len--;
	assert_int_equal(lk_quote_values(&a, bytes, lk_crypto_hash, &values, &err), LK_E_INPUT);
	assert_int_equal(err.code, LK_REFUSAL_VALUES);
}

static int check_floor(const struct made_attest *m, enum lk_floor_kind which, uint64_t *value,
		       struct lk_err *err)
{
	static const uint8_t zeros[LK_NONCE_SIZE];
	const struct made_signature s = made_signature();
	const struct lk_attest_key key = checked_key();
	uint8_t attest[LK_ATTEST_MAX], signature[128];
	int verified = LK_OK;
	const struct lk_quote_terms terms = { .key = &key,
					      .nonce = { zeros, sizeof(zeros) },
					      .hash = lk_crypto_hash,
					      .verify = made_verify,
					      .verify_ctx = &verified };
	const struct lk_signed_attest floor = { { attest, make_attest(m, NULL, attest) },
						{ signature, make_signature(&s, signature) } };

	return lk_floor_check(&terms, &floor, which, value, err);
}

static void test_a_floor_is_that_index_whole_and_over_the_nonce(void **state)
{
	struct made_attest m = made_attest(LK_ATTEST_NV);
	struct lk_err err = { 0 };
	uint64_t value = 99;

	(void)state;
	assert_int_equal(check_floor(&m, LK_FLOOR_VERSION, &value, NULL), LK_OK);
	assert_int_equal(value, 5);
	value = 99;
	assert_int_equal(check_floor(&m, LK_FLOOR_SEQUENCE, &value, &err), LK_E_POLICY);
	assert_int_equal(err.code, LK_REFUSAL_FLOOR);
	m.offset = 1;
	assert_int_equal(check_floor(&m, LK_FLOOR_VERSION, &value, &err), LK_E_POLICY);
	assert_int_equal(err.code, LK_REFUSAL_FLOOR);
	m = made_attest(LK_ATTEST_NV);
	m.content_len = 9;
	assert_int_equal(check_floor(&m, LK_FLOOR_VERSION, &value, &err), LK_E_POLICY);
	assert_int_equal(err.code, LK_REFUSAL_FLOOR);
	m = made_attest(LK_ATTEST_NV);
	m.nonce_first = 1;
	assert_int_equal(check_floor(&m, LK_FLOOR_VERSION, &value, &err), LK_E_POLICY);
	assert_int_equal(err.code, LK_REFUSAL_NONCE_OTHER);
	m = made_attest(LK_ATTEST_QUOTE);
	assert_int_equal(check_floor(&m, LK_FLOOR_VERSION, &value, &err), LK_E_INPUT);
	assert_int_equal(err.code, LK_REFUSAL_TYPE);
	assert_int_equal(value, 99);
}

/* Freshness. */

static int fresh(uint32_t reset, uint64_t clock, uint64_t nonce_ms, enum lk_boot_change *ret,
		 struct lk_err *err)
{
	const struct lk_attest_state before = {
		.any = true, .boot = 7, .restarts = 1, .clock = 1000, .nonce_ms = 50000
	};
	const struct lk_attest quote = { .reset_count = reset, .clock = clock, .restart_count = 1 };

	return lk_quote_fresh(&before, &quote, nonce_ms, ret, err);
}

static void test_each_quote_counts_once(void **state)
{
	const struct lk_attest_state none = { .any = false };
	const struct lk_attest resumed = { .reset_count = 7, .clock = 1001, .restart_count = 2 };
	const struct lk_attest earlier = { .reset_count = 7, .clock = 1001, .restart_count = 0 };
	const struct lk_attest_state before = {
		.any = true, .boot = 7, .restarts = 1, .clock = 1000
	};
	enum lk_boot_change change;
	struct lk_err err = { 0 };

	(void)state;
	assert_int_equal(lk_quote_fresh(&none, &resumed, 1, &change, NULL), LK_OK);
	assert_int_equal(change, LK_BOOT_FIRST);
	assert_int_equal(fresh(7, 1001, 50001, &change, NULL), LK_OK);
	assert_int_equal(change, LK_BOOT_SAME);
	assert_int_equal(fresh(8, 10, 50001, &change, NULL), LK_OK);
	assert_int_equal(change, LK_BOOT_NEW);
	assert_int_equal(lk_quote_fresh(&before, &resumed, 1, &change, NULL), LK_OK);
	assert_int_equal(change, LK_BOOT_RESUMED);
	/* The same, an older one, and one from before a resume. */
	assert_int_equal(fresh(7, 1000, 50001, &change, &err), LK_E_POLICY);
	assert_int_equal(err.code, LK_REFUSAL_CLOCK);
	assert_int_equal(fresh(7, 999, 50001, &change, NULL), LK_E_POLICY);
	assert_int_equal(lk_quote_fresh(&before, &earlier, 1, &change, NULL), LK_E_POLICY);
	/* A TPM that was cleared counts from the start; an old quote looks like it, but for its nonce. */
	assert_int_equal(fresh(0, 5, 50001, &change, NULL), LK_OK);
	assert_int_equal(change, LK_BOOT_CLEARED);
	assert_int_equal(fresh(6, 5000, 50000, &change, NULL), LK_E_POLICY);
	assert_int_equal(fresh(6, 5000, 49999, &change, NULL), LK_E_POLICY);
}

/* Nonces. */

static const uint8_t nonce_key[LK_NONCE_KEY_SIZE] = { 1, 2, 3 };
static const struct lk_nonce_maker maker = { { nonce_key, sizeof(nonce_key) }, lk_crypto_hmac };
#define NOW 1700000000000u

static void expect_nonce(const uint8_t *nonce, size_t len, uint64_t now, enum lk_refusal refusal)
{
	struct lk_err err = { 0 };
	uint64_t given = 1;
	int rc = lk_nonce_check(&maker, now, (struct lk_bytes){ nonce, len }, &given, &err);

	assert_int_equal(rc == LK_OK, refusal == LK_REFUSAL_NONE);
	assert_int_equal(err.code, refusal);
	assert_int_equal(given, rc == LK_OK ? NOW : 1);
}

static void test_a_nonce_is_known_for_a_minute(void **state)
{
	static const uint8_t chance[LK_NONCE_RANDOM_SIZE] = { 9 };
	uint8_t nonce[LK_NONCE_SIZE];

	(void)state;
	assert_int_equal(lk_nonce_make(&maker, NOW, chance, nonce, NULL), LK_OK);
	expect_nonce(nonce, sizeof(nonce), NOW, LK_REFUSAL_NONE);
	expect_nonce(nonce, sizeof(nonce), NOW + LK_NONCE_LIFE_MS, LK_REFUSAL_NONE);
	expect_nonce(nonce, sizeof(nonce), NOW + LK_NONCE_LIFE_MS + 1, LK_REFUSAL_NONCE_OLD);
	expect_nonce(nonce, sizeof(nonce), NOW - LK_NONCE_AHEAD_MS, LK_REFUSAL_NONE);
	expect_nonce(nonce, sizeof(nonce), NOW - LK_NONCE_AHEAD_MS - 1, LK_REFUSAL_NONCE_OLD);
	expect_nonce(nonce, sizeof(nonce) - 1, NOW, LK_REFUSAL_NONCE_FORM);
	expect_nonce(nonce, 0, NOW, LK_REFUSAL_NONCE_FORM);
	for (size_t i = 0; i < sizeof(nonce); i++) {
		nonce[i] ^= 0x10;
		expect_nonce(nonce, sizeof(nonce), NOW, LK_REFUSAL_NONCE_FOREIGN);
		nonce[i] ^= 0x10;
	}
}

static void test_every_refusal_has_a_word(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < LK_REFUSAL_COUNT; i++)
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(lk_refusal_word(i), lk_refusal_word(j));
	assert_string_equal(lk_refusal_word(LK_REFUSAL_COUNT), "none");
	assert_string_equal(lk_refusal_word(0xffffffff), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_quote_as_asked_for_is_taken),
		cmocka_unit_test(test_each_refusal_of_a_quote_has_its_own_reason),
		cmocka_unit_test(test_a_failing_library_is_no_refusal),
		cmocka_unit_test(test_nothing_that_is_cut_is_taken),
		cmocka_unit_test(test_a_key_that_is_not_fit_is_refused_for_its_own_reason),
		cmocka_unit_test(test_a_key_of_another_scheme_is_refused),
		cmocka_unit_test(test_values_are_proven_by_the_quote),
		cmocka_unit_test(test_a_floor_is_that_index_whole_and_over_the_nonce),
		cmocka_unit_test(test_each_quote_counts_once),
		cmocka_unit_test(test_a_nonce_is_known_for_a_minute),
		cmocka_unit_test(test_every_refusal_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
