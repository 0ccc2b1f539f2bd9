/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of signed root keys: their text, and what of them belongs to a policy file. */
#include "support.h"

#include <stdio.h>

#include "core/policy/signed_root_key.h"
#include "sys/crypto/crypto.h"
#include "sys/format/yaml.h"

static struct lk_policy_file policy(void)
{
	LK_OWNED_BUF good = data_file("policy/good-policy.yaml");
	LK_OWNED_YAML yaml = NULL;
	struct lk_policy_file pf;

	assert_int_equal(lk_yaml_parse(good.data, good.len, &yaml, NULL), LK_OK);
	assert_int_equal(lk_policy_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, &pf, NULL),
			 LK_OK);
	return pf;
}

static struct lk_device_file device(uint8_t fill)
{
	struct lk_name root = { .len = 34, .data = { 0, 0x0b } };
	const struct lk_name none = { 0 };
	struct lk_device_file df;

	memset(root.data + 2, fill, 32);
	assert_int_equal(lk_device_file_make(&root, &none, lk_crypto_hash, &df, NULL), LK_OK);
	return df;
}

static struct lk_signed_root_key made(void)
{
	struct lk_policy_file pf = policy();
	struct lk_device_file df = device(0x44);
	struct lk_signed_root_key sr;

	assert_int_equal(lk_signed_root_key_prepare(&pf, &df, lk_crypto_hash, &sr, NULL), LK_OK);
	sr.signature_len = 2u * (sr.key.len - 2u);
	memset(sr.signature, 0x5a, sr.signature_len);
	return sr;
}

static int parse(const char *text, struct lk_signed_root_key *ret)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_err err = { 0 };
	int rc = lk_yaml_parse((const uint8_t *)text, strlen(text), &yaml, &err);

	poison(ret, sizeof(*ret));
	if (rc == LK_OK)
		rc = lk_signed_root_key_from_doc(lk_yaml_root(yaml), ret, &err);
	if (rc != LK_OK)
		assert_true(rc == LK_E_INPUT && is_poisoned(ret, sizeof(*ret)) && err.msg[0]);
	return rc;
}

static void test_both_forms_are_read_as_they_were_written(void **s)
{
	struct lk_signed_root_key sr = made(), again;
	char text[LK_SIGNED_ROOT_KEY_TEXT];

	(void)s;
	for (int json = 0; json < 2; json++) {
		size_t len = lk_signed_root_key_write(&sr, json, text);

		assert_int_equal(len, strlen(text));
		assert_int_equal(parse(text, &again), LK_OK);
		assert_memory_equal(&sr, &again, sizeof(sr));
		for (size_t cut = 0; json && cut < strlen(text); cut++) {
			char part[LK_SIGNED_ROOT_KEY_TEXT];

			(void)snprintf(part, sizeof(part), "%.*s", (int)cut, text);
			assert_int_equal(parse(part, &again), LK_E_INPUT);
		}
	}
}

static void test_what_is_signed_covers_each_field(void **s)
{
	struct lk_signed_root_key sr = made(), other;
	struct lk_digest a, b;

	(void)s;
	assert_int_equal(lk_signed_root_key_tbs(&sr, lk_crypto_hash, &a), LK_OK);
	for (int i = 0; i < 4; i++) {
		other = sr;
		other.root.data[5] ^= i == 0;
		other.id[5] ^= i == 1;
		other.policy_ref[2] ^= i == 2;
		other.policy_ref_len -= i == 3;
		assert_int_equal(lk_signed_root_key_tbs(&other, lk_crypto_hash, &b), LK_OK);
		assert_false(lk_digest_equal(&a, &b));
	}
	assert_int_equal(lk_signed_root_key_tbs(&sr, failing_hash, &b), LK_E_SYSTEM);
}

static void test_it_belongs_to_one_key_and_policy_ref(void **s)
{
	struct lk_policy_file pf = policy();
	struct lk_signed_root_key sr = made(), other;
	struct lk_err err = { 0 };

	(void)s;
	assert_int_equal(lk_signed_root_key_check(&sr, &pf, lk_crypto_hash, &err), LK_OK);
	other = sr;
	other.key.data[9] ^= 1;
	assert_int_equal(lk_signed_root_key_check(&other, &pf, lk_crypto_hash, &err), LK_E_POLICY);
	other = sr;
	other.policy_ref_len--;
	assert_int_equal(lk_signed_root_key_check(&other, &pf, lk_crypto_hash, &err), LK_E_POLICY);
	other = sr;
	other.id[0] ^= 1;
	assert_int_equal(lk_signed_root_key_check(&other, &pf, lk_crypto_hash, &err), LK_E_POLICY);
	other = sr;
	other.root.data[9] ^= 1;
	assert_int_equal(lk_signed_root_key_check(&other, &pf, lk_crypto_hash, &err), LK_E_POLICY);
	assert_int_equal(lk_signed_root_key_check(&sr, &pf, failing_hash, &err), LK_E_SYSTEM);
	pf.policy_ref[0] = '"';
	{
		struct lk_device_file df = device(1);

		assert_int_equal(lk_signed_root_key_prepare(&pf, &df, lk_crypto_hash, &other, &err),
				 LK_E_INPUT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_forms_are_read_as_they_were_written),
		cmocka_unit_test(test_what_is_signed_covers_each_field),
		cmocka_unit_test(test_it_belongs_to_one_key_and_policy_ref),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
