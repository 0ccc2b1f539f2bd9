/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of policy digests against what a TPM calculated. */
#include "support.h"

#include "core/policy/pcr_text.h"
#include "core/policy/policy_digest.h"
#include "sys/crypto/crypto.h"
#include "vectors.h"

static void assert_digest(const struct lk_digest *have, const char *want)
{
	uint8_t bytes[LK_DIGEST_MAX];

	assert_int_equal(have->len, unhex(want, bytes, sizeof(bytes)));
	assert_memory_equal(have->data, bytes, have->len);
}

static struct lk_pcr_values values_of(size_t i)
{
	const struct lk_pcr_selection sel = { pcr_vectors[i].bank, pcr_vectors[i].mask };
	struct lk_pcr_values v;
	uint8_t data[256];
	size_t len = unhex(pcr_vectors[i].values, data, sizeof(data));

	assert_int_equal(lk_pcr_values_from_binary(data, len, &sel, &v, NULL), LK_OK);
	return v;
}

static void test_policy_pcr_is_what_the_tpm_says(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_OF(pcr_vectors); i++) {
		struct lk_pcr_values v = values_of(i);
		struct lk_digest d;

		lk_policy_start(pcr_vectors[i].alg, &d);
		assert_int_equal(lk_policy_pcr(pcr_vectors[i].alg, &v, lk_crypto_hash, &d), LK_OK);
		assert_digest(&d, pcr_vectors[i].digest);
	}
}

static void test_policy_nv_after_policy_pcr_is_what_the_tpm_says(void **s)
{
	struct lk_pcr_values v = values_of(0); /* 0, 7, 10, 15 */

	(void)s;
	for (size_t i = 0; i < N_OF(floor_vectors); i++) {
		enum lk_alg alg = floor_vectors[i].alg;
		struct lk_digest d;

		lk_policy_start(alg, &d);
		assert_int_equal(lk_policy_pcr(alg, &v, lk_crypto_hash, &d), LK_OK);
		assert_int_equal(lk_policy_nv_floor(alg, 0x018a0001, floor_vectors[i].version,
						    lk_crypto_hash, &d),
				 LK_OK);
		assert_digest(&d, floor_vectors[i].digest);
	}
}

static void test_the_name_of_the_floor_is_what_the_tpm_says(void **s)
{
	struct lk_name name = { 0 };
	uint8_t want[LK_NAME_MAX];

	(void)s;
	assert_int_equal(lk_floor_name(0x018a0001, lk_crypto_hash, &name), LK_OK);
	assert_int_equal(name.len, unhex(floor_name, want, sizeof(want)));
	assert_memory_equal(name.data, want, name.len);
}

static void test_only_the_written_bit_tells_a_floor_defined_from_written(void **s)
{
	uint8_t defined[LK_FLOOR_PUBLIC_SIZE];
	uint8_t written[LK_FLOOR_PUBLIC_SIZE];

	(void)s;
	lk_floor_nv_public(0x018a0001, false, defined);
	lk_floor_nv_public(0x018a0001, true, written);
	assert_int_equal(defined[6] ^ written[6], 0x20);
	written[6] = defined[6];
	assert_memory_equal(defined, written, sizeof(defined));
}

static void test_policy_authorize_is_what_the_tpm_says(void **s)
{
	struct lk_bytes ref = { (const uint8_t *)AUTHORIZE_REF, strlen(AUTHORIZE_REF) };

	(void)s;
	for (size_t i = 0; i < N_OF(key_vectors); i++) {
		struct lk_name name = { 0 };
		struct lk_digest d;

		name.len = (uint16_t)unhex(key_vectors[i].name, name.data, sizeof(name.data));
		poison(&d, sizeof(d)); /* whatever was before is replaced */
		assert_int_equal(lk_policy_authorize(key_vectors[i].alg, &name, ref, lk_crypto_hash,
						     &d),
				 LK_OK);
		assert_digest(&d, key_vectors[i].authorized);
	}
}

static void test_the_signed_digest_is_a_hash_over_policy_and_ref(void **s)
{
	struct lk_digest approved = { .len = 32 };
	struct lk_bytes ref = { (const uint8_t *)"abc", 3 };
	uint8_t both[35] = { 0 };
	const struct lk_bytes whole = { both, sizeof(both) };
	struct lk_digest want;
	struct lk_digest have;

	(void)s;
	memcpy(both + 32, "abc", 3);
	assert_true(lk_crypto_hash(LK_ALG_SHA256, &whole, 1, &want));
	assert_int_equal(lk_policy_signed_digest(LK_ALG_SHA256, &approved, ref, lk_crypto_hash,
						 &have),
			 LK_OK);
	assert_true(lk_digest_equal(&want, &have));
}

static void test_a_hash_that_fails_is_an_error_in_every_step(void **s)
{
	struct lk_pcr_values v = values_of(0);
	struct lk_digest d = { .len = 32 };
	struct lk_digest other;
	struct lk_name name = { .len = 34 };
	struct lk_bytes none = { NULL, 0 };

	(void)s;
	assert_int_equal(lk_policy_pcr(LK_ALG_SHA256, &v, failing_hash, &d), LK_E_SYSTEM);
	assert_int_equal(lk_policy_nv_floor(LK_ALG_SHA256, 1, 1, failing_hash, &d), LK_E_SYSTEM);
	assert_int_equal(lk_policy_authorize(LK_ALG_SHA256, &name, none, failing_hash, &d),
			 LK_E_SYSTEM);
	assert_int_equal(lk_policy_signed_digest(LK_ALG_SHA256, &d, none, failing_hash, &other),
			 LK_E_SYSTEM);
	assert_int_equal(lk_floor_name(1, failing_hash, &name), LK_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_pcr_is_what_the_tpm_says),
		cmocka_unit_test(test_policy_nv_after_policy_pcr_is_what_the_tpm_says),
		cmocka_unit_test(test_the_name_of_the_floor_is_what_the_tpm_says),
		cmocka_unit_test(test_only_the_written_bit_tells_a_floor_defined_from_written),
		cmocka_unit_test(test_policy_authorize_is_what_the_tpm_says),
		cmocka_unit_test(test_the_signed_digest_is_a_hash_over_policy_and_ref),
		cmocka_unit_test(test_a_hash_that_fails_is_an_error_in_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
