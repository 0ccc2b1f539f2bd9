/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the LUKS2 token. */
#include "support.h"

#include <stdio.h>

#include "core/luks/token.h"

static void remember(struct lk_hints *hints)
{
	hints->policy.len = 32;
	memset(hints->policy.data, 0x11, 32);
	hints->ticket_len = LK_TICKET_MAX;
	memset(hints->ticket, 0x22, LK_TICKET_MAX);
}

static struct lk_signed_policy good_signed(void)
{
	LK_OWNED_BUF buf = data_file("policy/good-signed.yaml");
	LK_OWNED_YAML yaml = doc_of((const char *)buf.data);
	struct lk_signed_policy sp;

	assert_int_equal(lk_signed_policy_from_doc(lk_yaml_root(yaml), &sp, NULL), LK_OK);
	return sp;
}

/* A token with @n policies, as JSON; malloc'd. */
static char *token_json(size_t n)
{
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	char *json;

	token.keyslot = 1;
	token.handle = 0x8100a001;
	token.hints.root_key_len = 3;
	memcpy(token.hints.root_key, "\x01\x02\x03", 3);
	token.hints.sealed_len = LK_HINT_HANDLE_MAX;
	memset(token.hints.sealed, 0x77, LK_HINT_HANDLE_MAX);
	remember(&token.hints);
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

		assert_int_equal(lk_token_from_doc(lk_yaml_root(yaml), &token, NULL), LK_OK);
		assert_int_equal(token.keyslot, 1);
		assert_int_equal(token.handle, 0x8100a001);
		assert_int_equal(token.hints.root_key_len, 3);
		assert_int_equal(token.hints.sealed_len, LK_HINT_HANDLE_MAX);
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

/* What only saves commands is left out when it is malformed, and all else
 * stands. */
static void test_bad_hints_are_as_if_absent(void **s)
{
	static const struct {
		const char *from;
		const char *to;
		size_t root_key;
		size_t sealed;
		size_t ticket;
	} edits[] = {
		{ "\"010203\"", "\"01020\"", 0, LK_HINT_HANDLE_MAX, 64 },
		{ "\"010203\"", "[]", 0, LK_HINT_HANDLE_MAX, 64 },
		{ "\"root-key\":\"010203\",", "", 0, LK_HINT_HANDLE_MAX, 64 },
		{ "\"sealed\":\"77", "\"sealed\":\"7777", 3, 0, 64 },
		{ "\"ticket\":\"22", "\"ticket\":\"2222", 3, LK_HINT_HANDLE_MAX, 0 },
		{ "\"ticket\":\"22", "\"ticket\":\"2", 3, LK_HINT_HANDLE_MAX, 0 },
		{ "\"ticket\"", "\"tickets\"", 3, LK_HINT_HANDLE_MAX, 0 },
		{ "\"policy\":\"11", "\"policy\":\"x1", 3, LK_HINT_HANDLE_MAX, 0 },
	};
	char *json = token_json(1);

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++) {
		char *text = swapped(json, edits[i].from, edits[i].to);
		LK_OWNED_YAML yaml = doc_of(text);
		LK_OWNED_TOKEN token = LK_TOKEN_NONE;

		assert_int_equal(lk_token_from_doc(lk_yaml_root(yaml), &token, NULL), LK_OK);
		assert_int_equal(token.hints.root_key_len, edits[i].root_key);
		assert_int_equal(token.hints.sealed_len, edits[i].sealed);
		assert_int_equal(token.hints.ticket_len, edits[i].ticket);
		assert_int_equal(token.hints.policy.len, edits[i].ticket ? 32 : 0);
		assert_int_equal(token.n_policies, 1);
		free(text);
	}
	free(json);
}

static void test_what_was_learned_replaces_what_was_known(void **s)
{
	struct lk_hints known = { .root_key_len = 1, .sealed_len = 2 };
	struct lk_hints learned = { 0 };
	char json[LK_LEARNED_MAX];
	LK_OWNED_YAML yaml = NULL;
	size_t len;

	(void)s;
	assert_false(lk_hints_update(&known, &learned));
	learned.sealed_len = 2;
	assert_false(lk_hints_update(&known, &learned));
	learned.sealed[1] = 9;
	assert_true(lk_hints_update(&known, &learned));
	assert_false(lk_hints_update(&known, &learned));
	remember(&learned);
	assert_true(lk_hints_update(&known, &learned));
	assert_false(lk_hints_update(&known, &learned));
	assert_int_equal(known.root_key_len, 1);
	learned.policy.data[0] ^= 1;
	assert_true(lk_hints_update(&known, &learned));
	len = lk_learned_write(&known, json);
	assert_int_equal(len, strlen(json));
	yaml = doc_of(json);
	assert_int_equal(lk_learned_from_doc(lk_yaml_root(yaml), &learned, NULL), LK_OK);
	assert_false(lk_hints_update(&learned, &known));
	assert_false(lk_hints_update(&known, &learned));
}

static void test_as_many_policies_as_allowed_and_no_more(void **s)
{
	char *most = token_json(LK_TOKEN_POLICIES_MAX);
	char *more = token_json(LK_TOKEN_POLICIES_MAX + 1);

	(void)s;
	assert_int_equal(parse((const uint8_t *)most, strlen(most)), LK_OK);
	assert_int_equal(parse((const uint8_t *)more, strlen(more)), LK_E_INPUT);
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
		cmocka_unit_test(test_bad_hints_are_as_if_absent),
		cmocka_unit_test(test_what_was_learned_replaces_what_was_known),
		cmocka_unit_test(test_as_many_policies_as_allowed_and_no_more),
		cmocka_unit_test(test_a_token_cut_anywhere_is_refused),
		cmocka_unit_test(test_done_takes_an_empty_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
