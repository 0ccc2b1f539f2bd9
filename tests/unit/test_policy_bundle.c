/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of bundles of signed policies: written, read, and what is refused. */
#include "support.h"

#include <stdio.h>

#include "core/policy/policy_bundle.h"
#include "sys/crypto/crypto.h"

static uint8_t whole[LK_POLICY_BUNDLE_MAX + 1];

static struct lk_signed_policy good_signed(void)
{
	LK_OWNED_BUF buf = data_file("policy/good-signed.yaml");
	LK_OWNED_YAML yaml = doc_of((const char *)buf.data);
	struct lk_signed_policy sp;

	assert_int_equal(lk_signed_policy_from_doc(lk_yaml_root(yaml), &sp, NULL), LK_OK);
	return sp;
}

static size_t make(size_t n)
{
	static const struct lk_signed_policy *list[LK_POLICY_BUNDLE_COUNT];
	struct lk_signed_policy sp = good_signed();
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		list[i] = &sp;
	assert_int_equal(lk_policy_bundle_write(list, n, lk_crypto_hash, whole, &len, NULL), LK_OK);
	return len;
}

/* From the start to the last line, as a device goes about it. */
static int read_all(const uint8_t *data, size_t len)
{
	struct lk_policy_bundle b;
	struct lk_bytes body, line;
	struct lk_err err = { 0 };
	int rc;

	poison(&b, sizeof(b));
	rc = lk_policy_bundle_head((struct lk_bytes){ data, len }, &b, &err);
	if (rc != LK_OK) {
		assert_true(is_poisoned(&b, sizeof(b)));
		return rc;
	}
	body = (struct lk_bytes){ data + LK_POLICY_BUNDLE_HEAD, len - LK_POLICY_BUNDLE_HEAD };
	if (body.len > b.len)
		body.len = b.len;
	rc = lk_policy_bundle_check(&b, body, lk_crypto_hash, &err);
	if (rc != LK_OK)
		return rc;
	for (size_t i = 0; i < b.n; i++)
		assert_true(lk_policy_bundle_next(&body, &line));
	assert_false(lk_policy_bundle_next(&body, &line));
	return LK_OK;
}

static void test_what_is_written_is_read_as_the_same(void **s)
{
	const size_t counts[] = { 1, 3, LK_POLICY_BUNDLE_COUNT };
	struct lk_signed_policy sp = good_signed();

	(void)s;
	for (size_t i = 0; i < N_OF(counts); i++) {
		size_t len = make(counts[i]);
		struct lk_bytes body = { whole + LK_POLICY_BUNDLE_HEAD, 0 };
		struct lk_policy_bundle b;
		struct lk_bytes line;
		size_t n = 0;

		assert_int_equal(lk_policy_bundle_head((struct lk_bytes){ whole, len }, &b, NULL),
				 LK_OK);
		assert_int_equal(b.n, counts[i]);
		assert_int_equal(b.len, len - LK_POLICY_BUNDLE_HEAD);
		body.len = b.len;
		assert_int_equal(lk_policy_bundle_check(&b, body, lk_crypto_hash, NULL), LK_OK);
		while (lk_policy_bundle_next(&body, &line)) {
			LK_OWNED_YAML yaml = NULL;
			struct lk_signed_policy again;

			assert_int_equal(lk_yaml_parse(line.data, line.len, &yaml, NULL), LK_OK);
			assert_int_equal(lk_signed_policy_from_doc(lk_yaml_root(yaml), &again,
								   NULL),
					 LK_OK);
			assert_memory_equal(&sp, &again, sizeof(sp));
			n++;
		}
		assert_int_equal(n, counts[i]);
	}
}

static void test_a_bundle_cut_anywhere_is_refused(void **s)
{
	size_t len = make(2);
	char *text = malloc(len + 1);

	(void)s;
	assert_non_null(text);
	memcpy(text, whole, len);
	text[len] = '\0';
	assert_int_equal(shortest_that_parses(text, len, read_all), len);
	assert_int_equal(read_all(whole, len), LK_OK);
	free(text);
}

static void test_what_follows_on_the_medium_is_passed_over(void **s)
{
	size_t len = make(2);

	(void)s;
	memset(whole + len, 0xa5, 4096);
	assert_int_equal(read_all(whole, len + 4096), LK_OK);
}

static void test_a_changed_byte_anywhere_is_refused(void **s)
{
	size_t len = make(2);

	(void)s;
	for (size_t i = 0; i < len; i++) {
		whole[i] ^= 0x01;
		assert_int_equal(read_all(whole, len), LK_E_INPUT);
		whole[i] ^= 0x01;
	}
	assert_int_equal(read_all(whole, len), LK_OK);
}

/* As who means harm would write it: with a digest that fits. */
static size_t forge(size_t says, const char *body)
{
	struct lk_bytes bytes = { (const uint8_t *)body, strlen(body) };
	struct lk_digest digest;
	char hex[65];

	assert_true(lk_crypto_hash(LK_ALG_SHA256, &bytes, 1, &digest));
	lk_hex_encode(digest.data, 32, hex);
	return (size_t)snprintf((char *)whole, sizeof(whole),
				LK_POLICY_BUNDLE_WORD " 1 %04zu %07zu %s\n%s", says, bytes.len, hex,
				body);
}

static void test_lines_that_are_no_policies_by_their_form_are_refused(void **s)
{
	static char line[LK_SIGNED_POLICY_TEXT_MAX + 3];

	(void)s;
	assert_int_equal(read_all(whole, forge(1, "{}\n")), LK_OK);
	assert_int_equal(read_all(whole, forge(0, "")), LK_E_INPUT);
	assert_int_equal(read_all(whole, forge(2, "{}\n")), LK_E_INPUT);
	assert_int_equal(read_all(whole, forge(1, "{}\n{}\n")), LK_E_INPUT);
	assert_int_equal(read_all(whole, forge(1, "{}")), LK_E_INPUT);
	assert_int_equal(read_all(whole, forge(1, "{}\n{}")), LK_E_INPUT);
	assert_int_equal(read_all(whole, forge(2, "\n{}\n")), LK_E_INPUT);
	memset(line, 'x', sizeof(line) - 2);
	line[LK_SIGNED_POLICY_TEXT_MAX] = '\n';
	line[LK_SIGNED_POLICY_TEXT_MAX + 1] = '\0';
	assert_int_equal(read_all(whole, forge(1, line)), LK_OK);
	line[LK_SIGNED_POLICY_TEXT_MAX] = 'x';
	line[LK_SIGNED_POLICY_TEXT_MAX + 1] = '\n';
	assert_int_equal(read_all(whole, forge(1, line)), LK_E_INPUT);
}

static void test_more_than_is_allowed_is_refused_by_the_first_line(void **s)
{
	static const char *const heads[] = { "1 1025 0000100", "1 9999 0000100", "1 0001 1048577",
					     "1 0001 9999999", "1 0000 0000000", "2 0001 0000100",
					     "1 00a1 0000100", "1 0001 000010 ", "10001 0000100 " };
	char head[LK_POLICY_BUNDLE_HEAD + 1];
	struct lk_policy_bundle b;

	(void)s;
	for (size_t i = 0; i < N_OF(heads); i++) {
		struct lk_err err = { 0 };

		(void)snprintf(head, sizeof(head), LK_POLICY_BUNDLE_WORD " %s %064d\n", heads[i],
			       0);
		assert_int_equal(lk_policy_bundle_head((struct lk_bytes){ (const uint8_t *)head,
									  strlen(head) },
						       &b, &err),
				 LK_E_INPUT);
		assert_non_null(strstr(err.msg, "1:"));
	}
}

static void test_what_lies_there_instead_is_named(void **s)
{
	static const struct {
		size_t at;
		const char *mark;
		size_t len;
		const char *said;
	} cases[] = {
		{ 0, "", 0, "nothing written" },
		{ 0, "LUKS\xba\xbe", 6, "LUKS volume" },
		{ 1080, "\x53\xef", 2, "ext2, ext3 or ext4" },
		{ 510, "\x55\xaa", 2, "FAT" },
		{ 512, "EFI PART", 8, "GPT" },
		{ 0, "hsqs", 4, "squashfs" },
		{ 0, "latchkey-signed-policy: 1", 25, "latchkey policy bundle" },
		{ 5, "x", 1, "something else" },
	};
	static uint8_t medium[LK_POLICY_BUNDLE_PREVIEW];
	struct lk_policy_bundle b;

	(void)s;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct lk_err err = { 0 };

		memset(medium, 0, sizeof(medium));
		memcpy(medium + cases[i].at, cases[i].mark, cases[i].len);
		assert_int_equal(lk_policy_bundle_head((struct lk_bytes){ medium, sizeof(medium) },
						       &b, &err),
				 LK_E_INPUT);
		if (!strstr(err.msg, cases[i].said))
			fail_msg("%s lacks %s", err.msg, cases[i].said);
	}
}

static void test_writing_refuses_none_too_many_and_too_much(void **s)
{
	static const struct lk_signed_policy *list[LK_POLICY_BUNDLE_COUNT + 1];
	struct lk_signed_policy sp = good_signed();
	size_t len = 7;

	(void)s;
	for (size_t i = 0; i < N_OF(list); i++)
		list[i] = &sp;
	assert_int_equal(lk_policy_bundle_write(list, 0, lk_crypto_hash, whole, &len, NULL),
			 LK_E_INPUT);
	assert_int_equal(lk_policy_bundle_write(list, N_OF(list), lk_crypto_hash, whole, &len,
						NULL),
			 LK_E_INPUT);
	assert_int_equal(lk_policy_bundle_write(list, 1, failing_hash, whole, &len, NULL),
			 LK_E_SYSTEM);
	memset(sp.label, '"', LK_LABEL_MAX);
	sp.pcrs.sel.mask = 0xffffff;
	assert_int_equal(lk_policy_bundle_write(list, LK_POLICY_BUNDLE_COUNT, lk_crypto_hash, whole,
						&len, NULL),
			 LK_E_INPUT);
	assert_int_equal(len, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read_as_the_same),
		cmocka_unit_test(test_a_bundle_cut_anywhere_is_refused),
		cmocka_unit_test(test_what_follows_on_the_medium_is_passed_over),
		cmocka_unit_test(test_a_changed_byte_anywhere_is_refused),
		cmocka_unit_test(test_lines_that_are_no_policies_by_their_form_are_refused),
		cmocka_unit_test(test_more_than_is_allowed_is_refused_by_the_first_line),
		cmocka_unit_test(test_what_lies_there_instead_is_named),
		cmocka_unit_test(test_writing_refuses_none_too_many_and_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
