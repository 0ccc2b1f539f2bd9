/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the policy key's encodings. */
#include "support.h"

#include <stdio.h>

#include "core/policy/policy_key.h"
#include "sys/crypto/crypto.h"
#include "vectors.h"

/* One of key_vectors as DER; returns its length. */
static size_t der_of(size_t i, uint8_t der[static LK_SPKI_MAX])
{
	struct lk_policy_key key;

	assert_int_equal(lk_policy_key_from_pem(key_vectors[i].pem, strlen(key_vectors[i].pem),
						&key, NULL),
			 LK_OK);
	return lk_policy_key_to_spki(&key, der);
}

static void test_the_generators_are_read_from_pem(void **s)
{
	static const uint8_t x256[] = { 0x6b, 0x17, 0xd1, 0xf2 };
	static const uint8_t x384[] = { 0xaa, 0x87, 0xca, 0x22 };
	struct lk_policy_key key;

	(void)s;
	assert_int_equal(lk_policy_key_from_pem(key_vectors[0].pem, strlen(key_vectors[0].pem),
						&key, NULL),
			 LK_OK);
	assert_int_equal(key.curve, LK_CURVE_P256);
	assert_memory_equal(key.x, x256, sizeof(x256));
	assert_int_equal(lk_policy_key_from_pem(key_vectors[1].pem, strlen(key_vectors[1].pem),
						&key, NULL),
			 LK_OK);
	assert_int_equal(key.curve, LK_CURVE_P384);
	assert_memory_equal(key.x, x384, sizeof(x384));
}

static void test_der_is_written_as_it_was_read(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_OF(key_vectors); i++) {
		uint8_t der[LK_SPKI_MAX];
		uint8_t again[LK_SPKI_MAX];
		size_t len = der_of(i, der);
		struct lk_policy_key key;

		assert_int_equal(len, i == 0 ? 91 : 120);
		assert_int_equal(lk_policy_key_from_spki(der, len, &key, NULL), LK_OK);
		assert_int_equal(lk_policy_key_to_spki(&key, again), len);
		assert_memory_equal(der, again, len);
	}
}

static void test_names_are_what_the_tpm_says(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_OF(key_vectors); i++) {
		struct lk_policy_key key;
		struct lk_name name;
		uint8_t want[LK_NAME_MAX];
		size_t len = unhex(key_vectors[i].name, want, sizeof(want));

		assert_int_equal(lk_policy_key_from_pem(key_vectors[i].pem,
							strlen(key_vectors[i].pem), &key, NULL),
				 LK_OK);
		assert_int_equal(lk_policy_key_name(&key, lk_crypto_hash, &name), LK_OK);
		assert_int_equal(name.len, len);
		assert_memory_equal(name.data, want, len);
		assert_int_equal(lk_policy_key_name(&key, failing_hash, &name), LK_E_SYSTEM);
	}
}

static void test_every_bit_of_the_prefix_counts(void **s)
{
	static const size_t prefix[] = { 27, 24 };

	(void)s;
	for (size_t i = 0; i < N_OF(key_vectors); i++) {
		uint8_t der[LK_SPKI_MAX];
		size_t len = der_of(i, der);

		for (size_t bit = 0; bit < 8 * prefix[i]; bit++) {
			struct lk_policy_key key;

			poison(&key, sizeof(key));
			der[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(lk_policy_key_from_spki(der, len, &key, NULL), LK_E_INPUT);
			assert_true(is_poisoned(&key, sizeof(key)));
			der[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static int parse_der(const uint8_t *data, size_t len)
{
	struct lk_policy_key key;

	return lk_policy_key_from_spki(data, len, &key, NULL);
}

static void test_der_cut_anywhere_or_with_a_tail_is_refused(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_OF(key_vectors); i++) {
		uint8_t der[LK_SPKI_MAX + 1] = { 0 };
		size_t len = der_of(i, der);

		assert_int_equal(shortest_that_parses((const char *)der, len, parse_der), len);
		assert_int_equal(parse_der(der, len + 1), LK_E_INPUT);
	}
}

static int parse_pem(const uint8_t *data, size_t len)
{
	struct lk_policy_key key;
	int rc;

	poison(&key, sizeof(key));
	rc = lk_policy_key_from_pem((const char *)data, len, &key, NULL);
	assert_true(rc == LK_OK || is_poisoned(&key, sizeof(key)));
	return rc;
}

static void test_pem_cut_anywhere_but_at_its_last_line_end_is_refused(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_OF(key_vectors); i++) {
		const char *pem = key_vectors[i].pem;

		assert_int_equal(shortest_that_parses(pem, strlen(pem), parse_pem),
				 strlen(pem) - 1);
	}
}

static int parse_with(const char *before, const char *pem, const char *after)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s%s%s", before, pem, after);

	return parse_pem((const uint8_t *)text, (size_t)n);
}

static void test_pem_with_anything_beside_it_is_refused(void **s)
{
	static const char *const junk[] = { "x", "-", "\x01", "# comment\n",
					    "-----BEGIN PUBLIC KEY-----\n" };
	const char *pem = key_vectors[0].pem;

	(void)s;
	assert_int_equal(parse_with("", pem, ""), LK_OK);
	assert_int_equal(parse_with(" \r\n\t", pem, "\n \r\t"), LK_OK);
	assert_int_equal(parse_with("", pem, pem), LK_E_INPUT);
	for (size_t i = 0; i < N_OF(junk); i++) {
		assert_int_equal(parse_with(junk[i], pem, ""), LK_E_INPUT);
		assert_int_equal(parse_with("", pem, junk[i]), LK_E_INPUT);
	}
	/* A NUL is no white space. */
	assert_int_equal(parse_pem((const uint8_t *)pem, strlen(pem) + 1), LK_E_INPUT);
}

static void test_pem_with_another_body_is_refused(void **s)
{
	static const struct {
		const char *from;
		const char *to;
	} edits[] = {
		{ "MFkw", "MFk!" },
		{ "MFkw", "MFk w" },
		{ "MFkw", "MFkwMFkw" },
		{ "MFkw", "" },
		{ "N79R9Q==", "N79R9Q=" },
		{ "N79R9Q==", "N79R9R==" },
		{ "N79R9Q==", "N79R9Q==AAAA" },
		{ "BEGIN PUBLIC", "BEGIN PRIVATE" },
		{ "END PUBLIC", "END EC" },
		{ "-----BEGIN", "----BEGIN" },
		{ "MFkw", "Proc-Type: 4,ENCRYPTED\n\nMFkw" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++) {
		char *text = swapped(key_vectors[0].pem, edits[i].from, edits[i].to);

		if (parse_pem((const uint8_t *)text, strlen(text)) != LK_E_INPUT)
			fail_msg("taken: %s", text);
		free(text);
	}
}

static void test_curves_have_their_own_hash_and_size(void **s)
{
	(void)s;
	assert_int_equal(lk_curve_size(LK_CURVE_P256), 32);
	assert_int_equal(lk_curve_size(LK_CURVE_P384), 48);
	assert_int_equal(lk_curve_hash(LK_CURVE_P256), LK_ALG_SHA256);
	assert_int_equal(lk_curve_hash(LK_CURVE_P384), LK_ALG_SHA384);
	assert_string_equal(lk_curve_name(LK_CURVE_P256), "p256");
	assert_string_equal(lk_curve_name(LK_CURVE_P384), "p384");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_generators_are_read_from_pem),
		cmocka_unit_test(test_der_is_written_as_it_was_read),
		cmocka_unit_test(test_names_are_what_the_tpm_says),
		cmocka_unit_test(test_every_bit_of_the_prefix_counts),
		cmocka_unit_test(test_der_cut_anywhere_or_with_a_tail_is_refused),
		cmocka_unit_test(test_pem_cut_anywhere_but_at_its_last_line_end_is_refused),
		cmocka_unit_test(test_pem_with_anything_beside_it_is_refused),
		cmocka_unit_test(test_pem_with_another_body_is_refused),
		cmocka_unit_test(test_curves_have_their_own_hash_and_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
