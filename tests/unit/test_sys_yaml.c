/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of strict YAML. */
#include "support.h"

#include <stdio.h>

#include "sys/format/yaml.h"
#include "sys/format/yaml_private.h"

static int parse_err(const char *text, size_t len, struct lk_err *err)
{
	struct lk_yaml *const none = (struct lk_yaml *)(uintptr_t)1;
	struct lk_yaml *yaml = none;
	uint8_t *copy = malloc(len ? len : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, len);
	rc = lk_yaml_parse(copy, len, &yaml, err);
	free(copy);
	if (rc == LK_OK)
		lk_yaml_free(yaml);
	else
		assert_ptr_equal(yaml, none);
	return rc;
}

static void test_maps_lists_and_scalars_become_nodes_with_their_places(void **s)
{
	LK_OWNED_YAML yaml = doc_of("a: [x, \"y\"]\nb:\n  c: |\n    z\n");
	const struct lk_doc *a = lk_doc_get(lk_yaml_root(yaml), "a");
	const struct lk_doc *b = lk_doc_get(lk_yaml_root(yaml), "b");

	(void)s;
	assert_int_equal(a->type, LK_DOC_SEQ);
	assert_string_equal(a->child->text, "x");
	assert_false(a->child->quoted);
	assert_true(a->child->next->quoted);
	assert_null(a->child->next->next);
	assert_int_equal(a->child->next->line, 1);
	assert_int_equal(a->child->next->column, 8);
	assert_int_equal(b->type, LK_DOC_MAP);
	assert_int_equal(b->child->line, 3);
	assert_int_equal(b->child->column, 3);
	assert_string_equal(lk_doc_get(b, "c")->text, "z\n");
}

static void test_json_is_yaml(void **s)
{
	LK_OWNED_YAML yaml = doc_of("{\"a\":[1,true,null,\"\\u00e9\\\"\\/\"],\"b\":{}}");
	const struct lk_doc *a = lk_doc_get(lk_yaml_root(yaml), "a");

	(void)s;
	assert_string_equal(a->child->next->next->next->text, "\xc3\xa9\"/");
}

static void assert_same_node(const struct lk_doc *a, const struct lk_doc *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->line, b->line);
	assert_int_equal(a->column, b->column);
	assert_int_equal(a->len, b->len);
	assert_string_equal(a->text, b->text);
	assert_int_equal(a->quoted, b->quoted);
	for (a = a->child, b = b->child; a && b; a = a->next, b = b->next)
		assert_same_node(a, b);
	assert_null(a);
	assert_null(b);
}

/* A comment at its end is no JSON, and so libyaml's to read. */
static void assert_both_ways(const char *text)
{
	LK_OWNED_YAML one = NULL;
	LK_OWNED_YAML other = NULL;
	char commented[4096];
	int rc = lk_yaml_parse((const uint8_t *)text, strlen(text), &one, NULL);

	(void)snprintf(commented, sizeof(commented), "%s\n#", text);
	assert_int_equal(rc, lk_yaml_parse((const uint8_t *)commented, strlen(commented), &other,
					   NULL));
	if (rc == LK_OK)
		assert_same_node(lk_yaml_root(one), lk_yaml_root(other));
}

/* Whether the text is read as plain JSON: else both ways of it would be libyaml's. */
static void assert_without_libyaml(const char *text, bool expected)
{
	LK_OWNED_YAML yaml = calloc(1, sizeof(*yaml));

	assert_non_null(yaml);
	assert_int_equal(lk_yaml_from_json((const uint8_t *)text, strlen(text), yaml), expected);
	assert_int_equal(lk_yaml_root(yaml) != NULL, expected);
}

static void test_json_is_the_same_tree_by_either_way(void **s)
{
	static const char *const plain[] = {
		"{}",
		"{ }",
		"{\n}",
		"{\"a\":1}",
		"{\"a\" : -12 , \"b\":\n[ true,false ,null\n]}\n\n",
		"{\"a\":{\"b\":[{\"c\":\"\"},{},[],[[\"d\"]]]},\"e\":\" f \"}",
		"{\"\":\"\"}",
		"{\"a\":\"x: y, #z {}[] - ? 'q' % & * ! | > ` @\"}",
		"{\"a\":[[[[[[[1]]]]]]]}",
	};
	static const char *const unusual[] = {
		"{\"a\":1,}",
		"{\"a\"}",
		"{\"a\":}",
		"{a:1}",
		"{\"a\":1 2}",
		"{\"a\":b:c}",
		"{\"a\":1\n2}",
		"{\"a\"\n:1}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":\"\\n\"}",
		"{\"a\":\"b\nc\"}",
		"{\"a\":\"\xc3\xa9\"}",
		"{\"a\":\t1}",
		"{\"a\":1}}",
		"{\"a\":1} x",
		"{\"a\":1}\n---\n{}",
		"{\"a\":1}\n...\n",
		"{\"a\":--1}",
		"{\"a\":-}",
		"{\"a\":.5}",
		"{\"a\":1.5}",
		"{\"a\":&x 1}",
		"{\"a\":'b'}",
		"{\"a\" \"b\":1}",
		"{[1]:2}",
		"{\"a\":[1,,2]}",
		"{,}",
		"{\"a\":[,]}",
		"{\"a\":1 #b\n}",
		"{\"a\":1",
		"{",
		"[1]",
		"{\"a\":[[[[[[[[1]]]]]]]]}",
		"{\"a\":\"\x7f\"}",
		"{\"a\":\"\x01\"}",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(plain); i++) {
		assert_without_libyaml(plain[i], true);
		assert_both_ways(plain[i]);
	}
	for (size_t i = 0; i < N_OF(unusual); i++) {
		assert_without_libyaml(unusual[i], false);
		assert_both_ways(unusual[i]);
	}
}

static void test_long_keys_of_json_are_read_as_in_yaml(void **s)
{
	char text[2200];

	(void)s;
	for (unsigned int len = 990; len < 1030; len++) {
		(void)snprintf(text, sizeof(text), "{\"%0*d\":1,\"b\":[1]}", (int)len, 0);
		assert_both_ways(text);
		(void)snprintf(text, sizeof(text), "{\"a\"%*s:1,\"b\":[1]}", (int)len, "");
		assert_both_ways(text);
	}
	memset(text, 0, sizeof(text));
	text[0] = '{';
	for (unsigned int i = 0; i < 65; i++) {
		(void)snprintf(text + strlen(text), 16, "%s\"%u\":0", i ? "," : "", i);
		if (i >= 62) {
			size_t len = strlen(text);

			text[len] = '}';
			assert_both_ways(text);
			text[len] = '\0';
		}
	}
}

static void test_what_strict_yaml_leaves_out_is_refused_with_its_place(void **s)
{
	static const struct {
		const char *text;
		const char *place;
	} bad[] = {
		{ "", "1:1: " },
		{ "# comment only\n", "1:1: " },
		{ "a: &x 1\n", "1:4: " },
		{ "a: &x [1]\n", "1:4: " },
		{ "a: &x {b: 1}\n", "1:4: " },
		{ "a: 1\nb: *a\n", "2:4: " },
		{ "a: !!str 1\n", "1:4: " },
		{ "a: !x [1]\n", "1:4: " },
		{ "%YAML 1.1\n---\na: 1\n", "1:1: " },
		{ "%TAG ! !x\n---\na: 1\n", "1:1: " },
		{ "a: 1\n---\nb: 1\n", "2:1: " },
		{ "a: 1\nb: 2\na: 3\n", "3:1: key \"a\"" },
		{ "{a: 1, \"a\": 2}\n", "1:8: key \"a\"" },
		{ "? [a]\n: 1\n", "1:3: " },
		{ "? {a: 1}\n: 1\n", "1:3: " },
		{ "a: \"\\0\"\n", "1:4: " },
		{ "a: \"\\e\"\n", "1:4: " },
		{ "a: \"\\x7f\"\n", "1:4: " },
		{ "a: \"\\u0085\"\n", "1:4: " },
		{ "a: \"\\x9f\"\n", "1:4: " },
		{ "[[[[[[[[[1]]]]]]]]]\n", "1:9: " },
		{ "a: [1\n", NULL },
		{ "a: \"1\n", NULL },
		{ "a\tb: [\n", NULL },
		{ "a: 1\n\tb: 2\n", NULL },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++) {
		struct lk_err err = { 0 };

		if (parse_err(bad[i].text, strlen(bad[i].text), &err) != LK_E_INPUT)
			fail_msg("taken: %s", bad[i].text);
		if (bad[i].place && strncmp(err.msg, bad[i].place, strlen(bad[i].place)) != 0)
			fail_msg("%s: %s", bad[i].text, err.msg);
	}
}

static void test_bytes_that_are_no_text_are_refused_with_their_place(void **s)
{
	static const struct {
		const char *bytes; /* after "a:\nb: " */
		bool good;
	} vectors[] = {
		{ "\xc2\xa0", true },
		{ "\xdf\xbf", true },
		{ "\xe0\xa0\x80", true },
		{ "\xed\x9f\xbf", true },
		{ "\xee\x80\x80", true },
		{ "\xf0\x90\x80\x80", true },
		{ "\xf4\x8f\xbf\xbd", true },
		{ "\x80", false },
		{ "\xc0\xaf", false },
		{ "\xc1\xbf", false },
		{ "\xc2", false },
		{ "\xc2\x80", false },
		{ "\xc2\x9f", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xed\xa0\x80", false },
		{ "\xed\xbf\xbf", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\xff", false },
		{ "\xe2\x82", false },
		{ "\xe2\x82"
		  "x",
		  false },
		{ "\x01", false },
		{ "\x1b[2J", false },
		{ "\x7f", false },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(vectors); i++) {
		struct lk_err err = { 0 };
		char text[32];
		int n = snprintf(text, sizeof(text), "a:\nb: %s", vectors[i].bytes);
		int rc = parse_err(text, (size_t)n, &err);

		if ((rc == LK_OK) != vectors[i].good)
			fail_msg("vector %zu: %s", i, err.msg);
		if (rc != LK_OK)
			assert_int_equal(strncmp(err.msg, "2:4: ", 5), 0);
	}
	assert_int_equal(parse_err("a: \0b", 5, NULL), LK_E_INPUT);
	assert_int_equal(parse_err("\xff\xfe"
				   "a\0:\0 \0b\0",
				   10, NULL),
			 LK_E_INPUT);
}

/* {k0: 0, k1: 0, ...} */
static int parse_keys(unsigned int n)
{
	char text[4096] = "{";
	size_t len = 1;

	for (unsigned int i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "k%u: 0,", i);
	text[len++] = '}';
	return parse_err(text, len, NULL);
}

static void test_keys_levels_and_size_have_bounds(void **s)
{
	char *big = malloc(LK_YAML_SIZE_MAX + 1);

	(void)s;
	assert_int_equal(parse_keys(LK_YAML_KEYS_MAX), LK_OK);
	assert_int_equal(parse_keys(LK_YAML_KEYS_MAX + 1), LK_E_INPUT);
	assert_int_equal(parse_err("[[[[[[[[1]]]]]]]]", 17, NULL), LK_OK);
	assert_non_null(big);
	memset(big, 'a', LK_YAML_SIZE_MAX + 1);
	assert_int_equal(parse_err(big, LK_YAML_SIZE_MAX, NULL), LK_OK);
	assert_int_equal(parse_err(big, LK_YAML_SIZE_MAX + 1, NULL), LK_E_INPUT);
	free(big);
}

static int parse(const uint8_t *data, size_t len)
{
	return parse_err((const char *)data, len, NULL);
}

static void test_a_flow_map_cut_anywhere_is_refused(void **s)
{
	static const char text[] = "{\"a\":[1,\"\xc3\xa9\\u00e9\",{\"b\":\"c\"}],\"d\":[[]]}";

	(void)s;
	assert_int_equal(shortest_that_parses(text, sizeof(text) - 1, parse), sizeof(text) - 1);
}

static void test_freeing_nothing_is_allowed(void **s)
{
	(void)s;
	lk_yaml_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_lists_and_scalars_become_nodes_with_their_places),
		cmocka_unit_test(test_json_is_yaml),
		cmocka_unit_test(test_json_is_the_same_tree_by_either_way),
		cmocka_unit_test(test_long_keys_of_json_are_read_as_in_yaml),
		cmocka_unit_test(test_what_strict_yaml_leaves_out_is_refused_with_its_place),
		cmocka_unit_test(test_bytes_that_are_no_text_are_refused_with_their_place),
		cmocka_unit_test(test_keys_levels_and_size_have_bounds),
		cmocka_unit_test(test_a_flow_map_cut_anywhere_is_refused),
		cmocka_unit_test(test_freeing_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
