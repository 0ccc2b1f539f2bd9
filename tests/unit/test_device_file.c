/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the device file, from its text and from a record. */
#include "support.h"

#include <stdio.h>

#include "core/policy/device_file.h"
#include "sys/crypto/crypto.h"
#include "sys/format/yaml.h"

#define NAME "000b1111111111111111111111111111111111111111111111111111111111111111"
#define KEY                                                                                        \
	"000c222222222222222222222222222222222222222222222222222222222222222222222222222222222222" \
	"222222222222"
#define ID "8f04df3ffd95d4d7fca1d2a6b9ea3a0ae3c1d7dc4dbf5eb13c4a23ed3cdcd9b8"

typedef int (*read_fn)(const struct lk_doc *doc, lk_hash_fn hash, struct lk_device_file *ret,
		       struct lk_err *err);

static char id_text[2 * LK_DEVICE_ID_SIZE + 1];

/* The ID of NAME, by the hash itself. */
static const char *id(void)
{
	uint8_t name[34] = { 0, 0x0b };
	struct lk_bytes bytes = { name, sizeof(name) };
	struct lk_digest digest;

	memset(name + 2, 0x11, 32);
	assert_true(lk_crypto_hash(LK_ALG_SHA256, &bytes, 1, &digest));
	lk_hex_encode(digest.data, digest.len, id_text);
	return id_text;
}

static int parse(read_fn read, const char *text, struct lk_device_file *ret)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_err err = { 0 };
	struct lk_device_file df;
	int rc = lk_yaml_parse((const uint8_t *)text, strlen(text), &yaml, &err);

	poison(&df, sizeof(df));
	if (rc == LK_OK)
		rc = read(lk_yaml_root(yaml), lk_crypto_hash, &df, &err);
	if (rc == LK_OK)
		*ret = df;
	else
		assert_true(is_poisoned(&df, sizeof(df)) && rc == LK_E_INPUT && err.msg[0]);
	return rc;
}

static void test_what_is_written_is_read_again(void **s)
{
	char text[LK_DEVICE_YAML_TEXT], again[LK_DEVICE_YAML_TEXT];
	struct lk_device_file df = { 0 };

	(void)s;
	(void)snprintf(text, sizeof(text),
		       "latchkey-device: 1\ndevice-id: \"%s\"\nroot-key:\n  name: \"" NAME
		       "\"\npolicy-key:\n  name: \"" KEY "\"\n",
		       id());
	assert_int_equal(parse(lk_device_file_from_doc, text, &df), LK_OK);
	assert_int_equal(df.root.len, 34);
	assert_int_equal(df.policy_key.len, 50);
	assert_int_equal(lk_device_file_write(&df, again), strlen(text));
	assert_string_equal(again, text);
	df.policy_key.len = 0;
	(void)lk_device_file_write(&df, again);
	assert_int_equal(parse(lk_device_file_from_doc, again, &df), LK_OK);
	assert_int_equal(df.policy_key.len, 0);
}

static void test_what_is_wrong_is_refused(void **s)
{
	static const char *const bad[] = {
		"",
		"[]",
		"latchkey-device: 1",
		"latchkey-device: 2\ndevice-id: \"%s\"\nroot-key: {name: \"" NAME "\"}",
		"latchkey-device: 1\nroot-key: {name: \"" NAME "\"}",
		"latchkey-device: 1\ndevice-id: \"" ID "\"\nroot-key: {name: \"" NAME "\"}",
		"latchkey-device: 1\ndevice-id: \"%s\"\nroot-key: \"" NAME "\"",
		"latchkey-device: 1\ndevice-id: \"%s\"\nroot-key: {name: \"000c" NAME "\"}",
		"latchkey-device: 1\ndevice-id: \"%s\"\nroot-key: {name: \"\"}",
		"latchkey-device: 1\ndevice-id: \"%s\"\nroot-key: {name: \"" NAME "00\"}",
		"latchkey-device: 1\ndevice-id: \"%s\"\nroot-key: {name: \"" NAME "\", handle: 1}",
		"latchkey-device: 1\ndevice-id: \"%s\"\nroot-key: {name: \"" NAME "\"}\nother: 1",
		"latchkey-device: 1\ndevice-id: \"%s\"\nroot-key: {name: \"" NAME
		"\"}\npolicy-key: {}",
	};
	struct lk_device_file df;
	char text[1024];

	(void)s;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *at = strstr(bad[i], "%s");

		(void)snprintf(text, sizeof(text), "%.*s%s%s",
			       at ? (int)(at - bad[i]) : (int)strlen(bad[i]), bad[i],
			       at ? id() : "", at ? at + 2 : "");
		if (parse(lk_device_file_from_doc, text, &df) == LK_OK)
			fail_msg("taken: %s", text);
	}
}

static void test_a_record_gives_what_it_has(void **s)
{
	struct lk_device_file df = { 0 };
	char text[1024];

	(void)s;
	(void)snprintf(text, sizeof(text),
		       "{\"latchkey-record\":1,\"device-id\":\"%s\",\"volumes\":[],\"objects\":{"
		       "\"storage-root-key\":{\"handle\":\"0x81000001\",\"name\":\"" NAME
		       "\"},\"policy-key\":{\"name\":\"" NAME "\",\"key-name\":\"" KEY "\"}}}",
		       id());
	assert_int_equal(parse(lk_device_file_from_record, text, &df), LK_OK);
	assert_int_equal(df.policy_key.len, 50);
	assert_int_equal(parse(lk_device_file_from_record,
			       "{\"objects\":{\"storage-root-key\":{\"name\":\"" NAME "\"}}}", &df),
			 LK_OK);
	assert_int_equal(df.policy_key.len, 0);
	assert_int_equal(parse(lk_device_file_from_record, "{\"objects\":[]}", &df), LK_E_INPUT);
	assert_int_equal(parse(lk_device_file_from_record, "[]", &df), LK_E_INPUT);
	assert_int_equal(parse(lk_device_file_from_record,
			       "{\"device-id\":\"" ID
			       "\",\"objects\":{\"storage-root-key\":{\"name\":\"" NAME "\"}}}",
			       &df),
			 LK_E_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read_again),
		cmocka_unit_test(test_what_is_wrong_is_refused),
		cmocka_unit_test(test_a_record_gives_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
