/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the recovery key's written form. */
#include "support.h"

#include "core/policy/recovery_key.h"

static const struct {
	const char *random; /* hexadecimal */
	const char *text;
} vectors[] = {
	{ "0000000000000000000000000000000000000000",
	  "ccccc-ccccc-ccccc-ccccc-ccccc-ccccc-ccccc-ccccc" },
	{ "ffffffffffffffffffffffffffffffffffffffff",
	  "vvvvv-vvvvv-vvvvv-vvvvv-vvvvv-vvvvv-vvvvv-vvvvv" },
	{ "0123456789abcdeffedcba987654321001234567",
	  "cbdef-ghijk-lnrtu-vvutr-nlkji-hgfed-bccbd-efghi" },
};

static void test_random_bytes_become_groups_of_five_modhex_letters(void **s)
{
	(void)s;
	for (size_t i = 0; i < N_OF(vectors); i++) {
		uint8_t random[LK_RECOVERY_KEY_BYTES];
		char out[LK_RECOVERY_KEY_TEXT + 1];

		(void)unhex(vectors[i].random, random, sizeof(random));
		lk_recovery_key_format(random, out);
		assert_string_equal(out, vectors[i].text);
	}
}

static void test_what_is_typed_any_way_becomes_the_written_form(void **s)
{
	static const char *const typed[] = {
		"cbdef-ghijk-lnrtu-vvutr-nlkji-hgfed-bccbd-efghi",
		"CBDEF-GHIJK-LNRTU-VVUTR-NLKJI-HGFED-BCCBD-EFGHI",
		"cbdefghijklnrtuvvutrnlkjihgfedbccbdefghi",
		"  cbdef ghijk  lnrtu vvutr-nlkji-hgfed-bccbd efghi ",
		"-c-b-d-e-f-g-h-i-j-k-l-n-r-t-u-vvutrnlkjihgfedbccbdefghi-",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(typed); i++) {
		char out[LK_RECOVERY_KEY_TEXT + 1];

		assert_true(lk_recovery_key_normalize(typed[i], strlen(typed[i]), out));
		assert_string_equal(out, vectors[2].text);
	}
}

static void test_what_is_not_forty_modhex_letters_is_refused(void **s)
{
	static const char *const bad[] = {
		"",
		"-",
		"cbdefghijklnrtuvvutrnlkjihgfedbccbdefgh",
		"cbdefghijklnrtuvvutrnlkjihgfedbccbdefghii",
		"cbdefghijklnrtuvvutrnlkjihgfedbccbdefgha",
		"cbdefghijklnrtuvvutrnlkjihgfedbccbdefgh0",
		"cbdefghijklnrtuvvutrnlkjihgfedbccbdefghi\t",
		"cbdefghijklnrtuvvutrnlkjihgfedbccbdef_ghi",
	};
	char out[LK_RECOVERY_KEY_TEXT + 1];

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_false(lk_recovery_key_normalize(bad[i], strlen(bad[i]), out));
	/* A NUL is in strchr's alphabet. */
	assert_false(
		lk_recovery_key_normalize("cbdefghijklnrtuvvutrnlkjihgfedbccbdefgh\0", 40, out));
}

static int parse(const uint8_t *data, size_t len)
{
	char out[LK_RECOVERY_KEY_TEXT + 1];

	return lk_recovery_key_normalize((const char *)data, len, out) ? LK_OK : LK_E_INPUT;
}

static void test_a_key_cut_anywhere_is_refused(void **s)
{
	(void)s;
	assert_int_equal(shortest_that_parses(vectors[2].text, LK_RECOVERY_KEY_TEXT, parse),
			 LK_RECOVERY_KEY_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_bytes_become_groups_of_five_modhex_letters),
		cmocka_unit_test(test_what_is_typed_any_way_becomes_the_written_form),
		cmocka_unit_test(test_what_is_not_forty_modhex_letters_is_refused),
		cmocka_unit_test(test_a_key_cut_anywhere_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
