/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the LUKS2 token. */
#include "support.h"

#include <stdio.h>

#include "core/token.h"

static struct lk_signed_policy good_signed(void)
{
	LK_OWNED_BUF buf = data_file("policy/good-signed.yaml");
	LK_OWNED_YAML yaml = doc_of((const char *)buf.data);
	struct lk_signed_policy sp;

	assert_int_equal(lk_signed_policy_from_doc(lk_yaml_root(yaml), &sp,
						   NULL),
			 LK_OK);
	return sp;
}

/* A token with @n policies, as JSON; malloc'd. */
static char *token_json(size_t n)
{
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	char *json;

	token.keyslot = 1;
	token.handle = 0x8100a001;
	token.root_key_len = 3;
	memcpy(token.root_key, "\x01\x02\x03", 3);
	token.sealed_len = LK_TOKEN_HANDLE_MAX;
	memset(token.sealed, 0x77, LK_TOKEN_HANDLE_MAX);
	token.policies = calloc(n + 1, sizeof(*token.policies));
	assert_non_null(token.policies);
	token.n_policies = n;
	for (size_t i = 0; i < n; i++)
		token.policies[i] = good_signed();
	json = lk_token_to_json(&token);
	assert_non_null(json);
	return json;
}

static int parse(const uint8_t *data, size_t len)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_token token;
	int rc = lk_yaml_parse(data, len, &yaml, NULL);

	poison(&token, sizeof(token));
	if (rc == LK_OK)
		rc = lk_token_from_doc(lk_yaml_root(yaml), &token, NULL);
	if (rc == LK_OK)
		lk_token_done(&token);
	else
		assert_true(is_poisoned(&token, sizeof(token)));
	return rc;
}

static void test_what_is_written_is_read_as_the_same(void **s)
{
	(void)s;
	for (size_t n = 0; n < 4; n++) {
		char *json = token_json(n);
		LK_OWNED_YAML yaml = doc_of(json);
		LK_OWNED_TOKEN token = LK_TOKEN_NONE;
		char *again;

		assert_int_equal(lk_token_from_doc(lk_yaml_root(yaml), &token,
						   NULL),
				 LK_OK);
		assert_int_equal(token.keyslot, 1);
		assert_int_equal(token.handle, 0x8100a001);
		assert_int_equal(token.root_key_len, 3);
		assert_int_equal(token.sealed_len, LK_TOKEN_HANDLE_MAX);
		assert_int_equal(token.n_policies, n);
		again = lk_token_to_json(&token);
		assert_string_equal(json, again);
		free(again);
		free(json);
	}
}

static void test_what_breaks_a_rule_is_refused(void **s)
{
	static const struct {
		const char *from;
		const char *to;
	} edits[] = {
		{ "[\"1\"]", "[]" },
		{ "[\"1\"]", "[\"1\",\"2\"]" },
		{ "[\"1\"]", "[\"32\"]" },
		{ "[\"1\"]", "[\"-1\"]" },
		{ "[\"1\"]", "[[]]" },
		{ "[\"1\"]", "1" },
		{ "\"],\"version\":1", "\"],\"version\":2" },
		{ "0x8100a001", "0x80000000" },
		{ "\"010203\"", "\"01020\"" },
		{ "\"010203\"", "[]" },
		{ "\"sealed\":\"77", "\"sealed\":\"7777" },
		{ "\"sealed\"", "\"sealer\"" },
		{ "\"policies\":[{", "\"policies\":[7,{" },
		{ "\"policies\":[{", "\"policies\":[{}, {" },
		{ "\"policies\":[{", "\"more\":1,\"policies\":[{" },
	};
	char *json = token_json(1);

	(void)s;
	assert_int_equal(parse((const uint8_t *)json, strlen(json)), LK_OK);
	for (size_t i = 0; i < N_OF(edits); i++) {
		char *text = swapped(json, edits[i].from, edits[i].to);

		if (parse((const uint8_t *)text, strlen(text)) != LK_E_INPUT)
			fail_msg("taken: %s", edits[i].to);
		free(text);
	}
	free(json);
}

static void test_as_many_policies_as_allowed_and_no_more(void **s)
{
	char *most = token_json(LK_TOKEN_POLICIES_MAX);
	char *more = token_json(LK_TOKEN_POLICIES_MAX + 1);

	(void)s;
	assert_int_equal(parse((const uint8_t *)most, strlen(most)), LK_OK);
	assert_int_equal(parse((const uint8_t *)more, strlen(more)),
			 LK_E_INPUT);
	free(most);
	free(more);
}

static void test_a_token_cut_anywhere_is_refused(void **s)
{
	char *json = token_json(2);
	size_t len = strlen(json);

	(void)s;
	assert_int_equal(shortest_that_parses(json, len, parse), len);
	free(json);
}

static void test_done_takes_an_empty_token(void **s)
{
	struct lk_token token = LK_TOKEN_NONE;

	(void)s;
	lk_token_done(&token);
	lk_token_done(&token);
	assert_int_equal(token.keyslot, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read_as_the_same),
		cmocka_unit_test(test_what_breaks_a_rule_is_refused),
		cmocka_unit_test(test_as_many_policies_as_allowed_and_no_more),
		cmocka_unit_test(test_a_token_cut_anywhere_is_refused),
		cmocka_unit_test(test_done_takes_an_empty_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
