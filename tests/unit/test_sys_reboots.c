/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of counting reboots, on a folder in place of efivarfs. */
#include "support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/boot/reboots.h"

static char dir[64];
static char path[256];

static int begin(void **s)
{
	(void)s;
	(void)snprintf(dir, sizeof(dir), "/tmp/latchkey-reboots-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/" LK_REBOOTS_VAR, dir);
	return 0;
}

static int end(void **s)
{
	(void)s;
	(void)unlink(path);
	(void)rmdir(path);
	return rmdir(dir);
}

static void test_so_many_and_no_more_until_they_are_forgotten(void **s)
{
	unsigned int count = 0;

	(void)s;
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 1; i <= LK_REBOOTS_MAX; i++) {
			assert_int_equal(lk_reboots_count(dir, &count, NULL), LK_OK);
			assert_int_equal(count, i);
		}
		assert_int_equal(lk_reboots_count(dir, &count, NULL), LK_E_REFUSED);
		assert_int_equal(lk_reboots_count(dir, &count, NULL), LK_E_REFUSED);
		lk_reboots_forget(dir);
		assert_int_not_equal(access(path, F_OK), 0);
	}
	lk_reboots_forget(dir);
}

static void test_what_is_no_count_allows_none(void **s)
{
	static const char *const contents[] = { "", "\7", "\7\1\1\1\1\1", "\7\1\1\1\377" };
	unsigned int count = 0;

	(void)s;
	for (size_t i = 0; i < N_OF(contents); i++) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		(void)fputs(contents[i], f);
		(void)fclose(f);
		assert_int_not_equal(lk_reboots_count(dir, &count, NULL), LK_OK);
		assert_int_equal(count, 0);
	}
}

static void test_where_nothing_can_be_kept_it_is_refused(void **s)
{
	unsigned int count = 0;

	(void)s;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(lk_reboots_count(dir, &count, NULL), LK_E_IO);
	assert_int_equal(lk_reboots_count("/dev/null", &count, NULL), LK_E_IO);
	assert_int_equal(lk_reboots_count("/proc/self", &count, NULL), LK_E_IO);
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_so_many_and_no_more_until_they_are_forgotten,
						begin, end),
		cmocka_unit_test_setup_teardown(test_what_is_no_count_allows_none, begin, end),
		cmocka_unit_test_setup_teardown(test_where_nothing_can_be_kept_it_is_refused, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
