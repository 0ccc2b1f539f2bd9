/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the messages of attestation, and of the reader of JSON below them. */
#include "support.h"

#include "core/attest/message.h"
#include "core/attest/refusal.h"
#include "core/base/json_read.h"

static struct lk_bytes text_of(const char *text)
{
	return (struct lk_bytes){ (const uint8_t *)text, strlen(text) };
}

static int read_one(const char *text, enum lk_json_kind kind, size_t max, bool strict,
		    struct lk_json_field *ret, struct lk_err *err)
{
	*ret = (struct lk_json_field){ .key = "k", .kind = kind, .max = max };
	return lk_json_read(text_of(text), strict, ret, 1, err);
}

static void test_values_are_read_as_what_they_are(void **state)
{
	struct lk_json_field f;

	(void)state;
	assert_int_equal(read_one(" { \"k\" : \"v\" } \n", LK_JSON_STRING, 1, true, &f, NULL),
			 LK_OK);
	assert_int_equal(f.text.len, 1);
	assert_int_equal(read_one("{\"k\":0}", LK_JSON_UINT, 0, true, &f, NULL), LK_OK);
	assert_int_equal(read_one("{\"k\":999999999999999999}", LK_JSON_UINT, SIZE_MAX, true, &f,
				  NULL),
			 LK_OK);
	assert_true(f.number == 999999999999999999u);
	assert_int_equal(read_one("{\"k\":[{\"a\":[]},{}]}", LK_JSON_ARRAY, 99, true, &f, NULL),
			 LK_OK);
	assert_int_equal(read_one("{\"a\":[1,-2.5e+3,true,null,\"\\u00e9\"],\"k\":{}}",
				  LK_JSON_OBJECT, 99, false, &f, NULL),
			 LK_OK);
}

static void test_what_is_no_such_message_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum lk_json_kind kind;
	} bad[] = {
		{ "", LK_JSON_STRING },
		{ "[]", LK_JSON_STRING },
		{ "{}", LK_JSON_STRING },
		{ "{\"k\":\"v\"", LK_JSON_STRING },
		{ "{\"k\":\"v\"}x", LK_JSON_STRING },
		{ "{\"k\":\"v\"}{}", LK_JSON_STRING },
		{ "{\"k\":\"v\",}", LK_JSON_STRING },
		{ "{\"k\" \"v\"}", LK_JSON_STRING },
		{ "{k:\"v\"}", LK_JSON_STRING },
		{ "{\"k\":\"v\",\"k\":\"v\"}", LK_JSON_STRING },
		{ "{\"\\u006b\":\"v\"}", LK_JSON_STRING },
		{ "{\"k\":\"\\u0041\"}", LK_JSON_STRING },
		{ "{\"k\":\"four\"}", LK_JSON_STRING },
		{ "{\"k\":\"\t\"}", LK_JSON_STRING },
		{ "{\"k\":\"\xff\"}", LK_JSON_STRING },
		{ "{\"k\":\"\\x\"}", LK_JSON_TEXT },
		{ "{\"k\":1}", LK_JSON_STRING },
		{ "{\"k\":\"v\",\"other\":1}", LK_JSON_STRING },
		{ "{\"k\":\"1\"}", LK_JSON_UINT },
		{ "{\"k\":-1}", LK_JSON_UINT },
		{ "{\"k\":01}", LK_JSON_UINT },
		{ "{\"k\":1.0}", LK_JSON_UINT },
		{ "{\"k\":1e2}", LK_JSON_UINT },
		{ "{\"k\":4}", LK_JSON_UINT },
		{ "{\"k\":9999999999999999999}", LK_JSON_UINT },
		{ "{\"k\":null}", LK_JSON_OBJECT },
		{ "{\"k\":[]}", LK_JSON_OBJECT },
		{ "{\"k\":[[[[[[[[[]]]]]]]]]}", LK_JSON_ARRAY },
		{ "{\"k\":[1,]}", LK_JSON_ARRAY },
		{ "{\"k\":[1 2]}", LK_JSON_ARRAY },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		struct lk_json_field f;
		struct lk_err err = { 0 };
		size_t max = bad[i].kind == LK_JSON_ARRAY ? 99 : 3;

		if (read_one(bad[i].text, bad[i].kind, max, true, &f, &err) != LK_E_INPUT)
			fail_msg("%s is taken", bad[i].text);
		assert_true(err.msg[0]);
	}
}

static void test_escapes_become_what_they_stand_for(void **state)
{
	char out[32], small[4];

	(void)state;
	lk_json_text_unescape(text_of("a\\n\\\"\\u00e9\\ud83d\\ude00\\ud800x\\u0000"), out,
			      sizeof(out));
	assert_string_equal(out, "a\n\"\xc3\xa9\xf0\x9f\x98\x80?x?");
	lk_json_text_unescape(text_of("abcdef"), small, sizeof(small));
	assert_string_equal(small, "abc");
	lk_json_text_unescape(text_of("ab\\u00e9"), small, sizeof(small));
	assert_string_equal(small, "ab");
}

static struct lk_attest_request request_of(const uint8_t *bytes)
{
	struct lk_attest_request r = {
		.ak = { 34, { 0, 0x0b } },
		.quote = { { bytes, 145 }, { bytes + 1, 72 } },
		.nonce = { bytes + 2, 32 },
		.boot = 0xffffffff,
		.ima_from = 0xffffffff,
		.values = { bytes, 320 },
		.firmware = { bytes, 1000 },
		.ima = { bytes, 1001 },
		.measured = { bytes, 1002 },
	};

	r.floor[0] = r.floor[1] = r.quote;
	return r;
}

static bool same_signed(const struct lk_signed_attest *a, const struct lk_signed_attest *b)
{
	return lk_bytes_same(a->attest, b->attest) && lk_bytes_same(a->signature, b->signature);
}

static void test_a_request_is_written_and_read_as_the_same(void **state)
{
	uint8_t bytes[1100];
	struct lk_attest_request read;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	const struct lk_attest_request r = request_of(bytes);
	size_t room = lk_attest_request_size(&r);
	char *text = test_malloc(room);
	size_t len = lk_attest_request_write(&r, text, room);

	assert_true(len > 0);
	assert_int_equal(lk_attest_request_write(&r, text, len - 1), 0);
	len = lk_attest_request_write(&r, text, room);
	assert_int_equal(lk_attest_request_read((uint8_t *)text, len, &read, NULL), LK_OK);
	assert_true(lk_name_equal(&read.ak, &r.ak));
	assert_true(same_signed(&read.quote, &r.quote));
	assert_true(same_signed(&read.floor[0], &r.floor[0]));
	assert_true(same_signed(&read.floor[1], &r.floor[1]));
	assert_true(lk_bytes_same(read.nonce, r.nonce));
	assert_true(lk_bytes_same(read.values, r.values));
	assert_true(lk_bytes_same(read.firmware, r.firmware));
	assert_true(lk_bytes_same(read.ima, r.ima));
	assert_true(lk_bytes_same(read.measured, r.measured));
	assert_int_equal(read.boot, 0xffffffff);
	assert_true(read.ima_from == 0xffffffff);
	test_free(text);
}

#define RIGHT                                                                                      \
	"{\"ak\":\"000b11\",\"quote\":\"QUJD\",\"signature\":\"QUJD\",\"nonce\":\"QQ==\",\"boot\":1,\"ima-from\":0}"

static void expect_request(const char *from, const char *to, int expected)
{
	char *text = swapped(RIGHT, from, to);
	struct lk_attest_request r;
	struct lk_err err = { 0 };

	poison(&r, sizeof(r));
	if (lk_attest_request_read((uint8_t *)text, strlen(text), &r, &err) != expected)
		fail_msg("%s: %s", to, err.msg);
	assert_int_equal(err.code, expected == LK_OK ? 0 : LK_REFUSAL_MESSAGE);
	assert_int_equal(is_poisoned(&r, sizeof(r)), expected != LK_OK);
	free(text);
}

static void test_a_request_with_anything_wrong_is_refused_whole(void **state)
{
	(void)state;
	expect_request("000b11", "000b12", LK_OK);
	expect_request("000b11", "000b1", LK_E_INPUT);
	expect_request("000b11", "", LK_E_INPUT);
	expect_request("000b11", "000bxx", LK_E_INPUT);
	expect_request("\"QQ==\"", "\"QQ=\"", LK_E_INPUT);
	expect_request("\"QQ==\"", "\"QR==\"", LK_E_INPUT);
	expect_request("\"QQ==\"", "\"\"", LK_E_INPUT);
	expect_request("\"QQ==\"", "\"Q-==\"", LK_E_INPUT);
	expect_request("\"QQ==\"", "12", LK_E_INPUT);
	expect_request(":1,", ":4294967296,", LK_E_INPUT);
	expect_request(":1,", ":1.0,", LK_E_INPUT);
	expect_request("\"boot\":1,", "", LK_E_INPUT);
	expect_request(":0}", ":0,\"device\":\"x\"}", LK_E_INPUT);
	expect_request(":0}", ":0,\"floors\":{}}", LK_OK);
	expect_request(":0}", ":0,\"floors\":{\"other\":{}}}", LK_E_INPUT);
	expect_request(":0}", ":0,\"floors\":{\"version\":{\"attest\":\"QUJD\"}}}", LK_E_INPUT);
	expect_request(":0}", ":0,\"ima-log\":[]}", LK_E_INPUT);
}

static void test_an_answer_is_written_and_read_as_the_same(void **state)
{
	struct lk_attest_answer *a = test_calloc(1, sizeof(*a)), *b = test_calloc(1, sizeof(*b));
	char *text = test_malloc(LK_ATTEST_ANSWER_MAX);
	size_t len;

	(void)state;
	strcpy(a->verdict, "untrusted");
	a->has_next = true;
	a->next = (struct lk_attest_next){ 7, 4242 };
	a->n = LK_ANSWER_REASONS_MAX;
	for (size_t i = 0; i < a->n; i++) {
		strcpy(a->reason[i].part, "boot");
		strcpy(a->reason[i].verdict, "untrusted");
		memset(a->reason[i].text, '"', sizeof(a->reason[i].text) - 1);
	}
	/* The longest that can be, with everything in need of an escape. */
	len = lk_attest_answer_write(a, text, LK_ATTEST_ANSWER_MAX);
	assert_true(len > 0);
	assert_int_equal(lk_attest_answer_read((struct lk_bytes){ (uint8_t *)text, len }, b, NULL),
			 LK_OK);
	assert_int_equal(b->n, a->n);
	assert_memory_equal(a->reason, b->reason, sizeof(a->reason));
	assert_string_equal(b->verdict, "untrusted");
	assert_true(b->has_next && b->next.boot == 7 && b->next.ima_from == 4242);
	test_free(a);
	test_free(b);
	test_free(text);
}

static void test_a_challenge_is_written_and_read_as_the_same(void **state)
{
	struct lk_challenge c = { .nonce = { 1, 2, 3 }, .pcrs = { LK_ALG_SHA384, 0xffffff } }, read;
	char text[LK_CHALLENGE_TEXT];
	size_t len = lk_challenge_write(&c, text);

	(void)state;
	assert_true(len > 0);
	assert_int_equal(lk_challenge_read((struct lk_bytes){ (uint8_t *)text, len }, &read, NULL),
			 LK_OK);
	assert_memory_equal(&c.nonce, &read.nonce, sizeof(c.nonce));
	assert_int_equal(read.pcrs.bank, LK_ALG_SHA384);
	assert_int_equal(read.pcrs.mask, 0xffffff);
	assert_int_equal(lk_challenge_request_read(text_of("{}"), NULL), LK_OK);
	assert_int_equal(lk_challenge_request_read(text_of("{\"a\":1}"), NULL), LK_E_INPUT);
	assert_int_equal(lk_challenge_request_read(text_of(""), NULL), LK_E_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_read_as_what_they_are),
		cmocka_unit_test(test_what_is_no_such_message_is_refused),
		cmocka_unit_test(test_escapes_become_what_they_stand_for),
		cmocka_unit_test(test_a_request_is_written_and_read_as_the_same),
		cmocka_unit_test(test_a_request_with_anything_wrong_is_refused_whole),
		cmocka_unit_test(test_an_answer_is_written_and_read_as_the_same),
		cmocka_unit_test(test_a_challenge_is_written_and_read_as_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
