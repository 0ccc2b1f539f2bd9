/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the words for why a path can't be used. */
#include "support.h"

#include <errno.h>
#include <string.h>

#include "sys/os/reach.h"

static void test_a_busy_node_is_another_programs(void **s)
{
	char why[LK_REACH_MAX];

	(void)s;
	assert_non_null(
		strstr(lk_reach_why("/dev/tpm0", EBUSY, why), "another program has it open"));
	assert_non_null(strstr(lk_reach_why("/dev/tpm0", ENODEV, why), "no device behind"));
	assert_string_equal(lk_reach_why("/x", ENOENT, why), strerror(ENOENT));
}

static void test_a_long_path_fits(void **s)
{
	char path[4000];
	char why[LK_REACH_MAX];

	(void)s;
	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_non_null(strstr(lk_reach_why(path, EACCES, why), "root"));
}

static void test_what_is_no_tpm_never_becomes_one(void **s)
{
	char why[LK_REACH_MAX];

	(void)s;
	assert_int_equal(lk_reach_tpm("/dev/null", why), LK_REACH_NEVER);
	assert_int_equal(lk_reach_tpm("/proc/self/status", why), LK_REACH_NEVER);
	assert_int_equal(lk_reach_tpm("/nowhere/tpm0", why), LK_REACH_NOT_YET);
	assert_non_null(strstr(why, "no such node"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_busy_node_is_another_programs),
		cmocka_unit_test(test_a_long_path_fits),
		cmocka_unit_test(test_what_is_no_tpm_never_becomes_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
