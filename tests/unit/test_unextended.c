/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of PCR values that say that nobody has measured anything. */
#include "support.h"

#include "core/policy/unextended.h"

/* All PCRs extended: each has bytes of its own. */
static struct lk_pcr_values extended(enum lk_alg bank)
{
	struct lk_pcr_values v = { .sel = { bank, 0xffffff } };

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		memset(v.value[i], (int)i + 1, LK_DIGEST_MAX);
	return v;
}

static void test_what_was_extended_is_taken(void **s)
{
	static const enum lk_alg banks[] = { LK_ALG_SHA256, LK_ALG_SHA384 };

	(void)s;
	for (size_t i = 0; i < N_OF(banks); i++) {
		struct lk_pcr_values v = extended(banks[i]);

		assert_int_equal(lk_pcrs_unextended(&v, 0xffffff), 0);
		assert_int_equal(lk_unextended_check(&v, 0xffffff, 0, NULL), LK_OK);
	}
}

static void test_zeros_need_consent_where_every_boot_measures(void **s)
{
	(void)s;
	for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++) {
		struct lk_pcr_values v = extended(LK_ALG_SHA256);
		uint32_t bit = 1u << pcr;
		bool every = lk_pcrs_of_every_boot(bit);

		memset(v.value[pcr], 0, 32); /* what is behind it isn't of the bank */
		assert_int_equal(lk_pcrs_unextended(&v, 0xffffff), bit);
		assert_int_equal(lk_unextended_check(&v, 0xffffff, 0, NULL),
				 every ? LK_E_REFUSED : LK_OK);
		assert_int_equal(lk_unextended_check(&v, 0xffffff, ~bit, NULL),
				 every ? LK_E_REFUSED : LK_OK);
		assert_int_equal(lk_unextended_check(&v, 0xffffff, bit, NULL), LK_OK);
		assert_int_equal(lk_unextended_check(&v, 0xffffff & ~bit, 0, NULL), LK_OK);
		v.value[pcr][31] = 0x80;
		assert_int_equal(lk_pcrs_unextended(&v, 0xffffff), 0);
	}
}

static void test_a_startup_locality_is_no_measurement(void **s)
{
	(void)s;
	for (unsigned int locality = 0; locality < 256; locality++) {
		struct lk_pcr_values v = extended(LK_ALG_SHA384);

		memset(v.value[0], 0, LK_DIGEST_MAX);
		memset(v.value[7], 0, LK_DIGEST_MAX);
		v.value[0][47] = (uint8_t)locality;
		v.value[7][47] = 3; /* PCR 0 alone begins with it */
		assert_int_equal(lk_pcrs_unextended(&v, 0xffffff), locality <= 4);
	}
}

static void test_ones_are_a_dynamic_launch_that_was_none_or_nothing_at_all(void **s)
{
	(void)s;
	for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++) {
		struct lk_pcr_values v = extended(LK_ALG_SHA256);
		bool dynamic = pcr >= 17 && pcr <= 22;

		memset(v.value[pcr], 0xff, LK_DIGEST_MAX);
		assert_int_equal(lk_pcrs_unextended(&v, 0xffffff), dynamic ? 1u << pcr : 0);
		assert_int_equal(lk_unextended_check(&v, 0xffffff, 0, NULL), LK_E_REFUSED);
		assert_int_equal(lk_unextended_check(&v, 0xffffff, 0xffffff, NULL),
				 dynamic ? LK_OK : LK_E_REFUSED);
	}
}

static void test_consent_is_of_what_it_can_be_of(void **s)
{
	struct lk_pcr_values v = extended(LK_ALG_SHA256);
	struct lk_err err;

	(void)s;
	memset(v.value[10], 0, LK_DIGEST_MAX);
	memset(v.value[12], 0, LK_DIGEST_MAX);
	assert_int_equal(lk_unextended_consent(&v, 0x1481, 0, NULL), LK_OK);
	assert_int_equal(lk_unextended_consent(&v, 0x1481, 1u << 10, NULL), LK_OK);
	assert_int_equal(lk_unextended_consent(&v, 0x1481, 1u << 12, NULL), LK_OK);
	assert_int_equal(lk_unextended_consent(&v, 0x1481, 1u << 7, &err), LK_E_USAGE);
	assert_non_null(strstr(err.msg, "PCR 7 of bank sha256 was extended"));
	assert_int_equal(lk_unextended_consent(&v, 0x1081, 1u << 10, &err), LK_E_USAGE);
	assert_non_null(strstr(err.msg, "PCR 10 isn't one that the policy file selects"));
	v.sel.mask = 0x81; /* it isn't known to be so */
	assert_int_equal(lk_unextended_consent(&v, 0x1481, 1u << 10, NULL), LK_E_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_extended_is_taken),
		cmocka_unit_test(test_zeros_need_consent_where_every_boot_measures),
		cmocka_unit_test(test_a_startup_locality_is_no_measurement),
		cmocka_unit_test(test_ones_are_a_dynamic_launch_that_was_none_or_nothing_at_all),
		cmocka_unit_test(test_consent_is_of_what_it_can_be_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
