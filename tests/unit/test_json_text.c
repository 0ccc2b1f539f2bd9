/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of JSON that is written into bounded room. */
#include "support.h"

#include "core/base/json_text.h"

static struct lk_json_text write_some(char *data, size_t cap)
{
	struct lk_json_text j = { .data = data, .cap = cap };
	const uint8_t bytes[] = { 0x00, 0xab };

	lk_json_text_open(&j, NULL, '{');
	lk_json_text_string(&j, "a",
			    "q\" b\\ n\n \x1b e\xc3\xa9 bad\xff \xe2\x80\xae\xf3\xa0\x80\x81");
	lk_json_text_uint(&j, "n", UINT64_MAX);
	lk_json_text_open(&j, "list", '[');
	lk_json_text_hex(&j, NULL, (struct lk_bytes){ bytes, 2 });
	lk_json_text_hex(&j, NULL, (struct lk_bytes){ bytes, 0 });
	lk_json_text_open(&j, NULL, '{');
	lk_json_text_close(&j, '}');
	lk_json_text_close(&j, ']');
	lk_json_text_string(&j, "z", "");
	lk_json_text_close(&j, '}');
	return j;
}

static const char want[] =
	"{\"a\":\"q\\\" b\\\\ n\\u000a \\u001b e\xc3\xa9 bad? \\u202e\\udb40\\udc01\",\"n\":18446744073709551615,\"list\":[\"00ab\",\"\",{}],\"z\":\"\"}";

static void test_text_is_escaped_and_commas_are_where_they_belong(void **s)
{
	char out[256];
	struct lk_json_text j = write_some(out, sizeof(out));

	(void)s;
	assert_false(j.full);
	assert_int_equal(j.len, sizeof(want) - 1);
	assert_memory_equal(out, want, j.len);
}

static void test_no_room_is_said_and_never_written_beyond(void **s)
{
	(void)s;
	for (size_t cap = 0; cap < sizeof(want) - 1; cap++) {
		char *out = malloc(cap ? cap : 1);
		struct lk_json_text j = write_some(out, cap);

		assert_true(j.full && j.len <= cap);
		free(out);
	}
}

static void test_a_document_is_escaped_as_json_has_it(void **s)
{
	static const char document[] =
		"{\n  \"a\": \"\xe2\x81\xa6 \xc2\x9b \x7f \xef\xbb\xbf e\xc3\xa9 \xf0\x9f\x98\x80\"\n}";
	static const char escaped[] =
		"{\n  \"a\": \"\\u2066 \\u009b \\u007f \\ufeff e\xc3\xa9 \xf0\x9f\x98\x80\"\n}";
	char out[LK_JSON_ESCAPED_MAX(sizeof(document))];

	(void)s;
	assert_int_equal(lk_json_escape_hidden(document, sizeof(document) - 1, out),
			 sizeof(escaped) - 1);
	assert_memory_equal(out, escaped, sizeof(escaped) - 1);
	/* The most that a byte becomes. */
	assert_int_equal(lk_json_escape_hidden("\x7f\x7f", 2, out), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_escaped_and_commas_are_where_they_belong),
		cmocka_unit_test(test_a_document_is_escaped_as_json_has_it),
		cmocka_unit_test(test_no_room_is_said_and_never_written_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
