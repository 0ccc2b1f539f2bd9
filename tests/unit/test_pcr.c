/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of PCR selections and comparison. */
#include "support.h"

#include "core/policy/pcr.h"

static void test_a_list_of_pcrs_becomes_a_mask_and_back(void **s)
{
	static const struct {
		const char *text;
		uint32_t mask;
	} vectors[] = {
		{ "0", 1 },
		{ "23", 1u << 23 },
		{ "0,7,10", 0x481 },
		{ "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23", 0xffffff },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(vectors); i++) {
		char text[LK_PCR_MASK_TEXT];
		uint32_t mask = 0;

		assert_int_equal(lk_pcr_mask_parse(vectors[i].text, &mask, NULL), LK_OK);
		assert_int_equal(mask, vectors[i].mask);
		lk_pcr_mask_format(mask, text);
		assert_string_equal(text, vectors[i].text);
	}
}

static void test_a_malformed_list_is_refused_and_the_mask_untouched(void **s)
{
	static const char *const bad[] = { "",	  ",",	  "0,",	 ",0",	       "24",   "0,,7",
					   "-1",  "+1",	  "0;7", "0 7",	       "0, 7", "7,7",
					   "0x7", "1000", "256", "4294967296", "all",  "00,0" };

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++) {
		uint32_t mask = 0xa5a5a5a5;
		struct lk_err err = { 0 };

		assert_int_equal(lk_pcr_mask_parse(bad[i], &mask, &err), LK_E_INPUT);
		assert_int_equal(mask, 0xa5a5a5a5);
		assert_true(err.msg[0]);
	}
}

static void test_a_selection_is_marshalled_as_the_tpm_wants_it(void **s)
{
	static const uint8_t want[] = { 0, 0, 0, 1, 0, 0x0b, 3, 0x81, 0x84, 0 };
	const struct lk_pcr_selection sel = { LK_ALG_SHA256, 0x8481 };
	uint8_t out[10];
	struct lk_writer w = lk_writer_init(out, sizeof(out));

	(void)s;
	lk_pcr_selection_marshal(&sel, &w);
	assert_false(w.failed);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
}

static void test_differing_names_the_pcrs_whose_values_differ(void **s)
{
	struct lk_pcr_values a = { .sel = { LK_ALG_SHA256, 0x481 } };
	struct lk_pcr_values b = a;

	(void)s;
	assert_int_equal(lk_pcr_differing(&a, &b, 0x481), 0);
	b.value[7][31] = 1;
	assert_int_equal(lk_pcr_differing(&a, &b, 0x481), 0x80);
	assert_int_equal(lk_pcr_differing(&a, &b, 0x401), 0);
	b.value[10][32] = 1; /* behind the end of a SHA-256 digest */
	assert_int_equal(lk_pcr_differing(&a, &b, 0x481), 0x80);
}

static void test_a_missing_pcr_or_another_bank_differs(void **s)
{
	struct lk_pcr_values a = { .sel = { LK_ALG_SHA256, 0x481 } };
	struct lk_pcr_values b = { .sel = { LK_ALG_SHA256, 0x081 } };

	(void)s;
	assert_int_equal(lk_pcr_differing(&a, &b, 0x481), 0x400);
	assert_int_equal(lk_pcr_differing(&b, &a, 0x481), 0x400);
	b = a;
	b.sel.bank = LK_ALG_SHA384;
	assert_int_equal(lk_pcr_differing(&a, &b, 0x481), 0x481);
}

static void test_the_selection_of_a_fleet_is_no_machines_own_and_each_is_extended(void **s)
{
	char shared[LK_PCR_SHARED_TEXT];
	uint32_t fleet;

	(void)s;
	assert_int_equal(lk_pcr_mask_parse(LK_PCRS_OF_A_FLEET, &fleet, NULL), LK_OK);
	assert_int_equal(lk_pcrs_of_one_machine(fleet), 0);
	assert_int_equal(lk_pcrs_of_every_boot(fleet), fleet);
	assert_int_equal(lk_pcrs_of_one_machine(0x481), 1u << LK_PCR_IMA);
	assert_int_equal(lk_pcrs_of_one_machine(0xffffff), 1u << 1 | 1u << 5 | 1u << 10);
	assert_int_equal(lk_pcrs_of_every_boot(0xffffff), 0x7e0cff);
	lk_pcr_shared_text(fleet, shared);
	assert_string_equal(shared, "machines of one model and firmware can share them");
	lk_pcr_shared_text(0xffffff, shared);
	assert_non_null(strstr(shared, "by PCR 1,5,10,"));
}

static void test_every_pcr_has_a_meaning_and_so_has_none(void **s)
{
	(void)s;
	for (unsigned int i = 0; i < 40; i++)
		assert_true(lk_pcr_meaning(i)[0]);
	assert_non_null(strstr(lk_pcr_meaning(7), "Secure Boot"));
	assert_string_equal(lk_pcr_meaning(24), lk_pcr_meaning(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_list_of_pcrs_becomes_a_mask_and_back),
		cmocka_unit_test(test_a_malformed_list_is_refused_and_the_mask_untouched),
		cmocka_unit_test(test_a_selection_is_marshalled_as_the_tpm_wants_it),
		cmocka_unit_test(test_differing_names_the_pcrs_whose_values_differ),
		cmocka_unit_test(test_a_missing_pcr_or_another_bank_differs),
		cmocka_unit_test(
			test_the_selection_of_a_fleet_is_no_machines_own_and_each_is_extended),
		cmocka_unit_test(test_every_pcr_has_a_meaning_and_so_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
