/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the latch's event record. */
#include "support.h"

#include "core/luks/latch_event.h"

static struct lk_latch_event event_of(const char *text, bool volume_key)
{
	struct lk_latch_event e = { .pcr = 15, .volume_key = volume_key, .n = 2 };

	memcpy(e.text, text, strlen(text) + 1);
	e.bank[0].alg = LK_ALG_SHA256;
	e.bank[0].digest.len = 32;
	memset(e.bank[0].digest.data, 0x11, 32);
	e.bank[1].alg = LK_ALG_SHA384;
	e.bank[1].digest.len = 48;
	memset(e.bank[1].digest.data, 0x22, 48);
	return e;
}

#define BOOT	 "0123456789abcdef0123456789abcdef"
#define DIGEST_A "11111111111111111111111111111111"
#define DIGEST_B "22222222222222222222222222222222"

static void test_a_volume_key_is_recorded_as_systemd_does(void **s)
{
	static const char want[] =
		"\x1e{\"pcr\":15,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" DIGEST_A
			DIGEST_A
		"\"},{\"hashAlg\":\"sha384\",\"digest\":\"" DIGEST_B DIGEST_B DIGEST_B
		"\"}],\"content_type\":\"systemd\",\"content\":{\"eventType\":\"volume-key\",\"string\":\"cryptsetup:root:u\",\"bootId\":\"" BOOT
		"\",\"timestamp\":18446744073709551615}}\n";
	struct lk_latch_event e = event_of("cryptsetup:root:u", true);
	char out[1024];

	(void)s;
	assert_int_equal(lk_latch_event_json(&e, BOOT, UINT64_MAX, out, sizeof(out)),
			 sizeof(want) - 1);
	assert_string_equal(out, want);
}

static void test_no_volume_opened_is_a_plain_string(void **s)
{
	struct lk_latch_event e = event_of("latchkey:none-opened", false);
	char out[1024];

	(void)s;
	e.n = 1;
	assert_true(lk_latch_event_json(&e, BOOT, 1, out, sizeof(out)) > 0);
	assert_null(strstr(out, "volume-key"));
	assert_null(strstr(out, "sha384"));
	assert_non_null(strstr(out, "\"string\":\"latchkey:none-opened\""));
}

static void test_a_record_that_does_not_fit_is_nothing(void **s)
{
	struct lk_latch_event e = event_of("x", true);
	char out[1024];
	size_t len = lk_latch_event_json(&e, BOOT, 1, out, sizeof(out));

	(void)s;
	assert_true(len > 0);
	assert_int_equal(lk_latch_event_json(&e, BOOT, 1, out, len + 1), len);
	for (size_t cap = 1; cap <= len; cap++)
		assert_int_equal(lk_latch_event_json(&e, BOOT, 1, out, cap), 0);
}

static void test_the_record_is_json(void **s)
{
	struct lk_latch_event e = event_of("cryptsetup:a.b-c_d+e:u", true);
	LK_OWNED_YAML yaml = NULL;
	const struct lk_doc *content;
	const char *text;
	char out[1024];

	(void)s;
	assert_true(lk_latch_event_json(&e, BOOT, 1, out, sizeof(out)) > 0);
	yaml = doc_of(out + 1);
	content = lk_doc_get(lk_yaml_root(yaml), "content");
	assert_non_null(content);
	assert_int_equal(lk_doc_get_text(content, "string", 255, &text, NULL), LK_OK);
	assert_string_equal(text, e.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_volume_key_is_recorded_as_systemd_does),
		cmocka_unit_test(test_no_volume_opened_is_a_plain_string),
		cmocka_unit_test(test_a_record_that_does_not_fit_is_nothing),
		cmocka_unit_test(test_the_record_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
