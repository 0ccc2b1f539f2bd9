/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of reading, preparing, checking and writing signed policies. */
#include "support.h"

#include "core/policy/policy_digest.h"
#include "core/policy/signed_policy.h"
#include "sys/crypto/crypto.h"

static int parse_into(const uint8_t *data, size_t len, struct lk_signed_policy *ret,
		      struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_yaml_parse(data, len, &yaml, err);

	if (rc == LK_OK)
		rc = lk_signed_policy_from_doc(lk_yaml_root(yaml), ret, err);
	return rc;
}

static int parse(const uint8_t *data, size_t len)
{
	struct lk_signed_policy sp;
	int rc;

	poison(&sp, sizeof(sp));
	rc = parse_into(data, len, &sp, NULL);
	assert_true(rc == LK_OK || is_poisoned(&sp, sizeof(sp)));
	return rc;
}

static struct lk_signed_policy good_signed(void)
{
	LK_OWNED_BUF buf = data_file("policy/good-signed.yaml");
	struct lk_signed_policy sp;

	assert_int_equal(parse_into(buf.data, buf.len, &sp, NULL), LK_OK);
	return sp;
}

static struct lk_policy_file good_policy(void)
{
	LK_OWNED_BUF buf = data_file("policy/good-policy.yaml");
	LK_OWNED_YAML yaml = doc_of((const char *)buf.data);
	struct lk_policy_file pf;

	assert_int_equal(lk_policy_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, &pf, NULL),
			 LK_OK);
	return pf;
}

static void test_each_field_is_read(void **s)
{
	struct lk_signed_policy sp = good_signed();

	(void)s;
	assert_string_equal(sp.label, "test");
	assert_int_equal(sp.version, 3);
	assert_int_equal(sp.version_floor, 0x018a0001);
	assert_int_equal(sp.policy_ref_len, 30);
	assert_int_equal(sp.pcrs.sel.mask, 0x8481);
	assert_int_equal(sp.pcrs.value[7][0], 0x22);
	assert_int_equal(sp.digest.len, 48);
	assert_int_equal(sp.key.len, 50);
	assert_int_equal(sp.signature_len, 96);
}

static void test_what_is_written_is_read_as_the_same(void **s)
{
	static const char *const labels[] = {
		"",
		"test",
		"\" \\ : # ' \" & * ! %",
		"two\nlines\tand a tab",
		" led and trailed ",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91",
		/* line and paragraph separators, which YAML folds, a byte
		 * order mark and what isn't a character */
		"a \xe2\x80\xa8 b \xe2\x80\xa9 c",
		"\xef\xbb\xbf\xef\xbf\xbe",
		"\xef\xbf\xbf",
	};

	(void)s;
	for (size_t i = 0; i < 2 * N_OF(labels); i++) {
		struct lk_signed_policy sp = good_signed();
		struct lk_signed_policy again;
		struct lk_err err = { 0 };
		char out[LK_SIGNED_POLICY_TEXT_MAX];

		memset(sp.label, 0, sizeof(sp.label));
		memcpy(sp.label, labels[i / 2], strlen(labels[i / 2]));
		assert_int_equal(lk_signed_policy_write(&sp, i % 2, out, sizeof(out)), LK_OK);
		if (parse_into((const uint8_t *)out, strlen(out), &again, &err) != LK_OK)
			fail_msg("%s: %s", err.msg, out);
		assert_memory_equal(&sp, &again, sizeof(sp));
	}
}

static void test_writing_needs_its_room(void **s)
{
	struct lk_signed_policy sp = good_signed();
	char out[LK_SIGNED_POLICY_TEXT_MAX];
	size_t len;

	(void)s;
	for (int json = 0; json < 2; json++) {
		assert_int_equal(lk_signed_policy_write(&sp, json, out, sizeof(out)), LK_OK);
		len = strlen(out);
		assert_int_equal(lk_signed_policy_write(&sp, json, out, len), LK_E_SYSTEM);
		assert_int_equal(lk_signed_policy_write(&sp, json, out, 0), LK_E_SYSTEM);
		assert_int_equal(lk_signed_policy_write(&sp, json, out, len + 1), LK_OK);
	}
}

static void test_the_largest_one_fits_the_promised_room(void **s)
{
	struct lk_signed_policy sp = good_signed();
	char out[LK_SIGNED_POLICY_TEXT_MAX];

	(void)s;
	memset(sp.label, '\n', LK_LABEL_MAX);
	sp.label[LK_LABEL_MAX] = '\0';
	memset(sp.policy_ref, '\n', LK_POLICY_REF_MAX);
	sp.policy_ref_len = LK_POLICY_REF_MAX;
	sp.pcrs.sel = (struct lk_pcr_selection){ LK_ALG_SHA384, 0xffffff };
	sp.version = UINT32_MAX;
	assert_int_equal(lk_signed_policy_write(&sp, false, out, sizeof(out)), LK_OK);
	assert_int_equal(lk_signed_policy_write(&sp, true, out, sizeof(out)), LK_OK);
}

static int parse_swapped(const char *from, const char *to)
{
	LK_OWNED_BUF good = data_file("policy/good-signed.yaml");
	char *text = swapped((const char *)good.data, from, to);
	int rc = parse((const uint8_t *)text, strlen(text));

	free(text);
	return rc;
}

static void test_what_breaks_a_rule_is_refused(void **s)
{
	static const struct {
		const char *from;
		const char *to;
	} edits[] = {
		{ "signed-policy: 1", "signed-policy: 2" },
		{ "version: 3", "version: 0" },
		{ "version: 3", "version: 4294967296" },
		{ "version: 3\n", "" },
		{ "0x018a0001", "none" }, /* with a version */
		{ "bank: sha256", "bank: sha384" },
		{ "  7: \"", "  24: \"" },
		{ "  7: \"", "  0x0: \"" },
		{ "  7: \"2222", "  7: \"222" },
		{ "digest: \"94", "digest: \"" },
		{ "key: \"000c", "key: \"00" },
		{ "signature: \"08", "signature: \"" },
		{ "signature: \"08", "signature: \"0808" },
		{ "signature: \"08", "signature: \"0g" },
		{ "bank: sha256", "bank: sha256\nbank2: x" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(edits); i++)
		if (parse_swapped(edits[i].from, edits[i].to) != LK_E_INPUT)
			fail_msg("taken: %s", edits[i].to);
}

static void test_a_signed_policy_cut_anywhere_is_refused(void **s)
{
	LK_OWNED_BUF good = data_file("policy/good-signed.yaml");
	struct lk_signed_policy sp = good_signed();
	char json[LK_SIGNED_POLICY_TEXT_MAX];

	(void)s;
	/* but for the last line end */
	assert_int_equal(shortest_that_parses((const char *)good.data, good.len, parse),
			 good.len - 1);
	assert_int_equal(lk_signed_policy_write(&sp, true, json, sizeof(json)), LK_OK);
	assert_int_equal(shortest_that_parses(json, strlen(json), parse), strlen(json));
}

static void test_prepare_makes_what_check_accepts(void **s)
{
	struct lk_policy_file pf = good_policy();
	struct lk_signed_policy want = good_signed();
	struct lk_pcr_values values = want.pcrs;
	struct lk_signed_policy sp;

	(void)s;
	values.sel.mask |= 1u << 4;
	memset(values.value[15], 0xee, 32); /* a latch that is closed */
	assert_int_equal(lk_signed_policy_prepare(&pf, &values, 3, "test", lk_crypto_hash, &sp,
						  NULL),
			 LK_OK);
	assert_int_equal(sp.signature_len, 0);
	assert_int_equal(sp.pcrs.sel.mask, 0x8481);
	assert_true(lk_digest_equal(&sp.digest, &want.digest));
	assert_memory_equal(&sp.key, &want.key, sizeof(sp.key));
	assert_int_equal(lk_signed_policy_check(&sp, &pf, lk_crypto_hash, NULL), LK_OK);
}

static void test_prepare_refuses_what_does_not_fit_the_policy_file(void **s)
{
	struct lk_policy_file pf = good_policy();
	struct lk_signed_policy want = good_signed();
	struct lk_pcr_values values = want.pcrs;
	struct lk_signed_policy sp;
	char label[LK_LABEL_MAX + 2];

	(void)s;
	poison(&sp, sizeof(sp));
	memset(label, 'x', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	assert_int_equal(lk_signed_policy_prepare(&pf, &values, 0, "", lk_crypto_hash, &sp, NULL),
			 LK_E_USAGE);
	assert_int_equal(lk_signed_policy_prepare(&pf, &values, 1, label, lk_crypto_hash, &sp,
						  NULL),
			 LK_E_USAGE);
	values.sel.mask &= ~(1u << 7);
	assert_int_equal(lk_signed_policy_prepare(&pf, &values, 1, "", lk_crypto_hash, &sp, NULL),
			 LK_E_INPUT);
	values = want.pcrs;
	values.sel.bank = LK_ALG_SHA384;
	assert_int_equal(lk_signed_policy_prepare(&pf, &values, 1, "", lk_crypto_hash, &sp, NULL),
			 LK_E_INPUT);
	values = want.pcrs;
	assert_int_equal(lk_signed_policy_prepare(&pf, &values, 1, "", failing_hash, &sp, NULL),
			 LK_E_SYSTEM);
	pf.version_floor = 0;
	assert_int_equal(lk_signed_policy_prepare(&pf, &values, 1, "", lk_crypto_hash, &sp, NULL),
			 LK_E_USAGE);
	assert_true(is_poisoned(&sp, sizeof(sp)));
}

static void assert_refused(const struct lk_signed_policy *sp, const char *field)
{
	struct lk_policy_file pf = good_policy();
	struct lk_err err = { 0 };

	assert_int_equal(lk_signed_policy_check(sp, &pf, lk_crypto_hash, &err), LK_E_POLICY);
	assert_int_equal(strncmp(err.msg, field, strlen(field)), 0);
}

static void test_check_names_the_field_that_does_not_belong(void **s)
{
	struct lk_signed_policy sp = good_signed();

	(void)s;
	sp.key.data[49] ^= 1;
	assert_refused(&sp, "key:");
	sp = good_signed();
	sp.policy_ref_len--;
	assert_refused(&sp, "policy-ref:");
	sp = good_signed();
	sp.pcrs.sel.bank = LK_ALG_SHA384;
	assert_refused(&sp, "bank:");
	sp = good_signed();
	sp.pcrs.sel.mask &= ~(1u << 15); /* made without the latch */
	assert_refused(&sp, "pcrs:");
	sp = good_signed();
	sp.version_floor = 0;
	assert_refused(&sp, "version-floor:");
	sp = good_signed();
	sp.version++;
	assert_refused(&sp, "digest:");
	sp = good_signed();
	sp.pcrs.value[0][31] ^= 1;
	assert_refused(&sp, "digest:");
	sp = good_signed();
	sp.digest.data[0] ^= 1;
	assert_refused(&sp, "digest:");
}

static void test_what_is_signed_verifies_under_the_policy_key(void **s)
{
	struct lk_policy_file pf = good_policy();
	struct lk_signed_policy sp = good_signed();
	struct lk_digest tbs;

	(void)s;
	assert_int_equal(lk_signed_policy_tbs(&sp, lk_crypto_hash, &tbs), LK_OK);
	assert_int_equal(tbs.len, 48);
	assert_int_equal(lk_crypto_verify(&pf.key, &tbs,
					  (struct lk_bytes){ sp.signature, sp.signature_len },
					  NULL),
			 LK_OK);
	assert_int_equal(lk_signed_policy_tbs(&sp, failing_hash, &tbs), LK_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field_is_read),
		cmocka_unit_test(test_what_is_written_is_read_as_the_same),
		cmocka_unit_test(test_writing_needs_its_room),
		cmocka_unit_test(test_the_largest_one_fits_the_promised_room),
		cmocka_unit_test(test_what_breaks_a_rule_is_refused),
		cmocka_unit_test(test_a_signed_policy_cut_anywhere_is_refused),
		cmocka_unit_test(test_prepare_makes_what_check_accepts),
		cmocka_unit_test(test_prepare_refuses_what_does_not_fit_the_policy_file),
		cmocka_unit_test(test_check_names_the_field_that_does_not_belong),
		cmocka_unit_test(test_what_is_signed_verifies_under_the_policy_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
