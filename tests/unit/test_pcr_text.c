/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of reading PCR values. */
#include "support.h"

#include "core/policy/pcr_text.h"
#include "vectors.h"

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A48 A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static int from_text(const char *text, enum lk_alg bank, struct lk_pcr_values *ret)
{
	LK_OWNED_YAML yaml = doc_of(text);

	return lk_pcr_values_from_doc(lk_yaml_root(yaml), bank, ret, NULL);
}

static void test_text_of_tpm2_pcrread_gives_the_bank_asked_for(void **s)
{
	static const char text[] =
		"sha256:\n  0 : 0x" A32 "\n  23: 0x" A32 "\nsha384:\n  4: 0x" A48 "\n";
	struct lk_pcr_values v = { 0 };
	uint8_t want[48];

	(void)s;
	memset(want, 0xaa, sizeof(want));
	assert_int_equal(from_text(text, LK_ALG_SHA256, &v), LK_OK);
	assert_int_equal(v.sel.bank, LK_ALG_SHA256);
	assert_int_equal(v.sel.mask, 0x800001);
	assert_memory_equal(v.value[23], want, 32);
	assert_int_equal(from_text(text, LK_ALG_SHA384, &v), LK_OK);
	assert_int_equal(v.sel.mask, 0x10);
	assert_memory_equal(v.value[4], want, 48);
}

static void test_json_of_latchkey_provision_is_taken(void **s)
{
	struct lk_pcr_values v;

	(void)s;
	assert_int_equal(from_text("{\"sha256\":{\"7\":\"" A32 "\"}}", LK_ALG_SHA256, &v), LK_OK);
	assert_int_equal(v.sel.mask, 0x80);
}

static void test_malformed_values_are_refused_and_the_output_untouched(void **s)
{
	static const char *const bad[] = {
		"sha256: {}",
		"sha256: []",
		"sha256: x",
		"sha1: { 0: " A32 " }",
		"[]",
		"sha256: { 24: " A32 " }",
		"sha256: { -1: " A32 " }",
		"sha256: { x: " A32 " }",
		"sha256: { 0: " A48 " }",
		"sha256: { 0: aa }",
		"sha256: { 0: \"\" }",
		"sha256: { 0: 0x }",
		"sha256: { 0: [] }",
		"sha256: { 0: \"0x0x" A32 "\" }",
		"sha256: { 0: \" " A32 "\" }",
		"sha256: { 0: " A32 ", 0x0: " A32 " }",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++) {
		struct lk_pcr_values v;

		poison(&v, sizeof(v));
		if (from_text(bad[i], LK_ALG_SHA256, &v) != LK_E_INPUT)
			fail_msg("taken: %s", bad[i]);
		assert_true(is_poisoned(&v, sizeof(v)));
	}
}

static void test_binary_of_tpm2_pcrread_is_taken(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_OF(pcr_vectors); i++) {
		const struct lk_pcr_selection sel = { pcr_vectors[i].bank, pcr_vectors[i].mask };
		struct lk_pcr_values v = { 0 };
		uint8_t data[256];
		size_t size = lk_alg_size(sel.bank);
		size_t len = unhex(pcr_vectors[i].values, data, sizeof(data));
		size_t at = 0;

		assert_int_equal(lk_pcr_values_from_binary(data, len, &sel, &v, NULL), LK_OK);
		for (unsigned int p = 0; p < LK_PCR_COUNT; p++) {
			if (!(sel.mask & 1u << p))
				continue;
			assert_memory_equal(v.value[p], data + at, size);
			at += size;
		}
		assert_int_equal(at, len);
	}
}

static int parse_binary(const uint8_t *data, size_t len)
{
	const struct lk_pcr_selection sel = { LK_ALG_SHA256, 0x481 };
	struct lk_pcr_values v;
	int rc;

	poison(&v, sizeof(v));
	rc = lk_pcr_values_from_binary(data, len, &sel, &v, NULL);
	assert_true(rc == LK_OK || is_poisoned(&v, sizeof(v)));
	return rc;
}

static void test_binary_of_another_length_is_refused(void **s)
{
	char zeros[97] = { 0 };

	(void)s;
	assert_int_equal(shortest_that_parses(zeros, 96, parse_binary), 96);
	assert_int_equal(parse_binary((const uint8_t *)zeros, 96), LK_OK);
	assert_int_equal(parse_binary((const uint8_t *)zeros, 97), LK_E_INPUT);
}

static void test_what_is_written_as_json_is_read_as_the_same(void **s)
{
	(void)s;
	for (size_t i = 0; i < 2; i++) {
		struct lk_pcr_values v = { .sel = { i ? LK_ALG_SHA384 : LK_ALG_SHA256, 0xffffff } };
		struct lk_pcr_values again = { 0 };
		char out[LK_PCR_JSON_MAX];
		size_t len;

		for (size_t p = 0; p < LK_PCR_COUNT; p++)
			memset(v.value[p], (int)p + 1, lk_alg_size(v.sel.bank));
		len = lk_pcr_values_write_json(&v, out, sizeof(out));
		assert_int_equal(len, strlen(out));
		assert_int_equal(from_text(out, v.sel.bank, &again), LK_OK);
		assert_memory_equal(&v, &again, sizeof(v));
		assert_int_equal(lk_pcr_values_write_json(&v, out, len), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_of_tpm2_pcrread_gives_the_bank_asked_for),
		cmocka_unit_test(test_json_of_latchkey_provision_is_taken),
		cmocka_unit_test(test_malformed_values_are_refused_and_the_output_untouched),
		cmocka_unit_test(test_binary_of_tpm2_pcrread_is_taken),
		cmocka_unit_test(test_binary_of_another_length_is_refused),
		cmocka_unit_test(test_what_is_written_as_json_is_read_as_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
