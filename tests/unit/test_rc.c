/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of errors and exit codes. */
#include "support.h"

static void test_each_result_has_the_exit_code_of_the_man_pages(void **s)
{
	static const struct {
		int rc;
		int code;
	} table[] = {
		{ LK_OK, 0 },	       { LK_E_SYSTEM, 1 }, { LK_E_USAGE, 2 },
		{ LK_E_INPUT, 3 },     { LK_E_NO_TPM, 4 }, { LK_E_POLICY, 5 },
		{ LK_E_AGAIN, 5 },     { LK_E_LOCKED, 6 }, { LK_E_OBJECT, 7 },
		{ LK_E_NO_DEVICE, 8 }, { LK_E_HEADER, 9 }, { LK_E_VOLUME, 10 },
		{ LK_E_IO, 11 },       { LK_E_LATCH, 12 }, { LK_E_REFUSED, 13 },
		{ LK_E_SERVICE, 14 },  { LK_E_PIN, 15 },   { LK_E_UNKNOWN, 16 },
		{ LK_DIFFERENT, 20 },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++)
		assert_int_equal(lk_exit_code(table[i].rc), table[i].code);
	assert_int_not_equal(lk_exit_code(-99), 0);
	assert_int_not_equal(lk_exit_code(1), 0);
}

static void test_the_rows_rise_and_fit_their_line(void **s)
{
	const struct lk_exit *row;
	char line[LK_EXIT_LINE_MAX];
	int before = -1;

	(void)s;
	for (size_t i = 0; (row = lk_exit_at(i)) != NULL; i++) {
		assert_true(row->number > before);
		before = row->number;
		assert_ptr_equal(lk_exit_of(row->rc), row);
		assert_null(strchr(row->name, ' '));
		lk_exit_line(row, line);
		assert_true(strlen(line) < LK_EXIT_LINE_MAX - 1);
	}
	lk_exit_line(lk_exit_of(LK_E_POLICY), line);
	assert_string_equal(line,
			    "5 policy closed a policy, signature or authorization isn't satisfied");
}

/* Wrong here, and the initramfs would go on with a TPM that unseals. */
static void test_what_ends_before_the_latch_is_open(void **s)
{
	static const int open[] = { LK_E_SYSTEM, LK_E_USAGE, LK_E_INPUT, LK_E_LATCH, -99, 1 };

	(void)s;
	for (size_t i = 0; i < N_OF(open); i++)
		assert_int_equal(lk_exit_of(open[i])->latch, LK_LATCH_OPEN);
}

static void test_an_error_carries_code_and_sentence(void **s)
{
	struct lk_err err;

	(void)s;
	assert_int_equal(lk_err_set(&err, LK_E_IO, 5, "disk %d", 3), LK_E_IO);
	assert_int_equal(err.rc, LK_E_IO);
	assert_int_equal(err.code, 5);
	assert_string_equal(err.msg, "disk 3");
	lk_err_prefix(&err, "%s", "reading");
	assert_string_equal(err.msg, "reading: disk 3");
	assert_int_equal(lk_err_set(NULL, LK_E_IO, 5, "x"), LK_E_IO);
	lk_err_prefix(NULL, "x");
}

static void test_an_error_too_long_is_cut_and_ended(void **s)
{
	char text[3 * LK_ERR_MSG_MAX];
	struct lk_err err;

	(void)s;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)lk_err_set(&err, LK_E_IO, 0, "%s", text);
	assert_int_equal(strlen(err.msg), LK_ERR_MSG_MAX - 1);
	lk_err_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.msg), LK_ERR_MSG_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_result_has_the_exit_code_of_the_man_pages),
		cmocka_unit_test(test_the_rows_rise_and_fit_their_line),
		cmocka_unit_test(test_what_ends_before_the_latch_is_open),
		cmocka_unit_test(test_an_error_carries_code_and_sentence),
		cmocka_unit_test(test_an_error_too_long_is_cut_and_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
