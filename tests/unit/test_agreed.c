/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the record of what was agreed. */
#include "support.h"

#include <stdio.h>

#include "core/config/agreed.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD   "latchkey-agreed 1\nsequence\t7\ntried\t0\nblob\t" DIGEST "\n"
#define LINE   DIGEST "\t12\t640\t0\t1234\t0\tapp/app.conf\t/opt/a b\n"

static int parse(const char *text, struct lk_agreed *ret)
{
	struct lk_err err = { 0 };
	int rc = lk_agreed_from_text(text, strlen(text), ret, &err);

	if (rc != LK_OK)
		assert_non_null(strstr(err.msg, "line "));
	return rc;
}

static void test_a_record_is_read_and_written_as_it_was(void **s)
{
	const char *text = HEAD LINE DIGEST "\t0\t0\t1\t1\t1\t\t/opt/z\n" DIGEST
					    "\t0\t0\t1\t1\t2\t\t/opt/zz\n";
	LK_OWNED_AGREED a = LK_AGREED_NONE;
	size_t len = 0, n = 0;
	char *again;

	(void)s;
	assert_int_equal(parse(text, &a), LK_OK);
	assert_int_equal(a.sequence, 7);
	assert_int_equal(a.n_files, 3);
	assert_true(lk_agreed_find(&a, "/opt/zz", &n)->is_copy);
	assert_false(lk_agreed_find(&a, "/opt/zz", &n)->is_volatile);
	assert_int_equal(lk_agreed_find(&a, "/opt/a b", &n)->mode, 0640);
	assert_int_equal(n, 1);
	assert_true(lk_agreed_find(&a, "/opt/z", &n)->is_volatile);
	assert_null(lk_agreed_find(&a, "/opt", &n));
	again = lk_agreed_to_text(&a, &len);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(again, text, len);
	free(again);
}

static void test_several_for_one_place_keep_their_order(void **s)
{
	LK_OWNED_AGREED a = LK_AGREED_NONE;
	char none[] = "", x[] = "/opt/x", other[] = "/opt/b";
	struct lk_agreed_file f = { .path = none, .destination = x };
	const struct lk_agreed_file *found;
	size_t n = 0;

	(void)s;
	for (f.size = 0; f.size < 5; f.size++) {
		assert_int_equal(lk_agreed_add(&a, &f, NULL), LK_OK);
		f.destination = f.size & 1 ? x : other;
	}
	lk_agreed_sort(&a);
	found = lk_agreed_find(&a, "/opt/x", &n);
	assert_int_equal(n, 3);
	assert_true(found[0].size < found[1].size && found[1].size < found[2].size);
	lk_agreed_remove(&a, (size_t)(found - a.files));
	found = lk_agreed_find(&a, "/opt/x", &n);
	assert_int_equal(n, 2);
	assert_int_equal(found[0].size, 2);
}

static void test_what_it_never_writes_is_refused(void **s)
{
	static const char *const bad[] = {
		"",
		"latchkey-agreed 2\nsequence\t7\ntried\t0\nblob\t-\n",
		"latchkey-agreed 1\nsequence\t7\ntried\t0\n",
		"latchkey-agreed 1\nsequence\t07\ntried\t0\nblob\t-\n",
		"latchkey-agreed 1\nsequence\t18446744073709551616\ntried\t0\nblob\t-\n",
		"latchkey-agreed 1\nsequence\t7\ntried\t2\nblob\t-\n",
		"latchkey-agreed 1\nsequence\t7\ntried\t0\nblob\tzz\n",
		HEAD "\n",
		HEAD DIGEST "\t12\t640\t0\t1234\t0\ta\t/opt/a",
		HEAD DIGEST "\t12\t1777\t0\t0\t0\ta\t/opt/a\n",
		HEAD DIGEST "\t12\t640\t4294967296\t0\t0\ta\t/opt/a\n",
		HEAD DIGEST "\t12\t640\t0\t0\t0\t../a\t/opt/a\n",
		HEAD DIGEST "\t12\t640\t0\t0\t0\ta\t/opt/../a\n",
		HEAD DIGEST "\t12\t640\t0\t0\t0\ta\topt\n",
		HEAD DIGEST "\t12\t640\t0\t0\t0\ta\t/opt/a\tb\n",
		HEAD "00\t12\t640\t0\t0\t0\ta\t/opt/a\n",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++) {
		LK_OWNED_AGREED a = LK_AGREED_NONE;

		assert_int_equal(parse(bad[i], &a), LK_E_INPUT);
		assert_null(a.files);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_is_read_and_written_as_it_was),
		cmocka_unit_test(test_several_for_one_place_keep_their_order),
		cmocka_unit_test(test_what_it_never_writes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
