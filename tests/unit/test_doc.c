/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of strict access to documents. */
#include "support.h"

#include "core/base/doc.h"

#define UNTOUCHED 0xa5a5a5a5u

static uint64_t uint_of(const char *value, uint64_t min, uint64_t max)
{
	char text[128] = "n: ";
	uint64_t v = UNTOUCHED;
	LK_OWNED_YAML yaml = NULL;

	strncat(text, value, sizeof(text) - 8);
	yaml = doc_of(text);
	(void)lk_doc_get_uint(lk_yaml_root(yaml), "n", min, max, &v, NULL);
	return v;
}

static void test_numbers_are_decimal_or_hexadecimal_within_range(void **s)
{
	(void)s;
	assert_true(uint_of("0", 0, 9) == 0);
	assert_true(uint_of("9", 0, 9) == 9);
	assert_true(uint_of("0x0A", 0, 10) == 10);
	assert_true(uint_of("0x8100a001", 0, UINT32_MAX) == 0x8100a001u);
	assert_true(uint_of("18446744073709551615", 0, UINT64_MAX) == UINT64_MAX);
	assert_true(uint_of("0xffffffffffffffff", 0, UINT64_MAX) == UINT64_MAX);
	assert_true(uint_of("10", 0, 9) == UNTOUCHED);
	assert_true(uint_of("1", 2, 9) == UNTOUCHED);
}

static void test_every_other_spelling_of_a_number_is_refused(void **s)
{
	static const char *const bad[] = { "\"\"",
					   "-1",
					   "+1",
					   "010",
					   "00",
					   "0x",
					   "0X1",
					   "1_000",
					   "1.0",
					   "1e3",
					   "\" 1\"",
					   "\"1 \"",
					   "0o7",
					   "0b1",
					   "[1]",
					   "{}",
					   "0x0g",
					   "18446744073709551616",
					   "0x10000000000000000",
					   "99999999999999999999999999" };

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++)
		if (uint_of(bad[i], 0, UINT64_MAX) != UNTOUCHED)
			fail_msg("taken: %s", bad[i]);
}

static void test_booleans_are_true_or_false_exactly(void **s)
{
	LK_OWNED_YAML yaml = doc_of("{a: true, b: false, c: yes, d: True, e: 1, f: \"\", g: []}");
	const struct lk_doc *doc = lk_yaml_root(yaml);
	bool v = false;

	(void)s;
	assert_int_equal(lk_doc_get_bool(doc, "a", &v, NULL), LK_OK);
	assert_true(v);
	assert_int_equal(lk_doc_get_bool(doc, "b", &v, NULL), LK_OK);
	assert_false(v);
	for (const char *k = "cdefgh"; *k; k++) {
		const char key[2] = { *k, '\0' };

		assert_int_equal(lk_doc_get_bool(doc, key, &v, NULL), LK_E_INPUT);
	}
}

static void test_words_are_those_of_the_list(void **s)
{
	static const char *const words[] = { "fail", "prompt", NULL };
	LK_OWNED_YAML yaml = doc_of("{a: prompt, b: prompts, c: PROMPT}");
	const struct lk_doc *doc = lk_yaml_root(yaml);
	struct lk_err err = { 0 };
	unsigned int v = 7;

	(void)s;
	assert_int_equal(lk_doc_get_word(doc, "b", words, &v, &err), LK_E_INPUT);
	assert_non_null(strstr(err.msg, "fail, prompt"));
	assert_int_equal(lk_doc_get_word(doc, "c", words, &v, NULL), LK_E_INPUT);
	assert_int_equal(v, 7);
	assert_int_equal(lk_doc_get_word(doc, "a", words, &v, NULL), LK_OK);
	assert_int_equal(v, 1);
}

static void test_text_and_hexadecimal_have_a_bound(void **s)
{
	LK_OWNED_YAML yaml = doc_of("{a: 0011, b: [x]}");
	const struct lk_doc *doc = lk_yaml_root(yaml);
	const char *text = NULL;
	uint8_t out[2];
	size_t len = 0;

	(void)s;
	assert_int_equal(lk_doc_get_text(doc, "a", 3, &text, NULL), LK_E_INPUT);
	assert_null(text);
	assert_int_equal(lk_doc_get_text(doc, "b", 3, &text, NULL), LK_E_INPUT);
	assert_int_equal(lk_doc_get_text(doc, "a", 4, &text, NULL), LK_OK);
	assert_string_equal(text, "0011");
	assert_int_equal(lk_doc_get_hex(doc, "a", out, 1, &len, NULL), LK_E_INPUT);
	assert_int_equal(lk_doc_get_hex(doc, "a", out, 2, &len, NULL), LK_OK);
	assert_int_equal(len, 2);
	assert_int_equal(out[1], 0x11);
}

static void test_an_error_names_line_and_column(void **s)
{
	static const char *const known[] = { "a", NULL };
	LK_OWNED_YAML yaml = doc_of("a: 1\nb:  x\n");
	const struct lk_doc *doc = lk_yaml_root(yaml);
	struct lk_err err = { 0 };
	uint64_t v;

	(void)s;
	assert_int_equal(lk_doc_expect_keys(doc, known, &err), LK_E_INPUT);
	assert_string_equal(err.msg, "2:1: unknown key \"b\"");
	assert_int_equal(lk_doc_get_uint(doc, "b", 0, 1, &v, &err), LK_E_INPUT);
	assert_int_equal(strncmp(err.msg, "2:5: b: ", 8), 0);
	assert_int_equal(lk_doc_get_uint(doc, "c", 0, 1, &v, &err), LK_E_INPUT);
	assert_string_equal(err.msg, "1:1: key \"c\" is missing");
}

static void test_what_is_no_map_has_no_keys(void **s)
{
	static const char *const known[] = { "a", NULL };
	LK_OWNED_YAML yaml = doc_of("[a, b]");
	const struct lk_doc *doc = lk_yaml_root(yaml);

	(void)s;
	assert_null(lk_doc_get(doc, "a"));
	assert_int_equal(lk_doc_expect_keys(doc, known, NULL), LK_E_INPUT);
	assert_null(lk_doc_get(doc->child, "a"));
}

static void test_files_that_changed_places_are_told_apart(void **s)
{
	static const char *const policy[] = { "latchkey-policy", "bank", NULL };
	static const char *const learned[] = { "latchkey-learned", NULL };
	static const char *const inner[] = { "name", NULL };
	LK_OWNED_YAML yaml = doc_of("bank: sha256\nlatchkey-signed-policy: 1\n");
	LK_OWNED_YAML values = doc_of("sha384: {0: 11}\n");
	const struct lk_doc *doc = lk_yaml_root(yaml);
	struct lk_err err = { 0 };

	(void)s;
	assert_int_equal(lk_doc_expect_keys(doc, policy, &err), LK_E_INPUT);
	assert_string_equal(err.msg,
			    "2:1: this is a signed policy; a policy file is expected here");
	assert_int_equal(lk_doc_expect_keys(doc, learned, &err), LK_E_INPUT);
	assert_non_null(strstr(err.msg, "this is a signed policy"));
	/* Where no kind of document is expected, keys are keys. */
	assert_int_equal(lk_doc_expect_keys(doc, inner, &err), LK_E_INPUT);
	assert_string_equal(err.msg, "1:1: unknown key \"bank\"");
	/* Two banks are one kind. */
	assert_int_equal(lk_doc_expect_kind(lk_yaml_root(values), "sha256", &err), LK_OK);
	assert_int_equal(lk_doc_expect_kind(lk_yaml_root(values), "latchkey-record", &err),
			 LK_E_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_decimal_or_hexadecimal_within_range),
		cmocka_unit_test(test_every_other_spelling_of_a_number_is_refused),
		cmocka_unit_test(test_booleans_are_true_or_false_exactly),
		cmocka_unit_test(test_words_are_those_of_the_list),
		cmocka_unit_test(test_text_and_hexadecimal_have_a_bound),
		cmocka_unit_test(test_an_error_names_line_and_column),
		cmocka_unit_test(test_what_is_no_map_has_no_keys),
		cmocka_unit_test(test_files_that_changed_places_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
