/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of asking on a terminal, with one of its own. */
#include "support.h"

#include <pty.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/os/console.h"

/* Its result, where somebody types @typed, or nobody anything. */
static int asked(unsigned int seconds, const char *typed)
{
	char shown[64];
	int terminal, status;
	pid_t child = forkpty(&terminal, NULL, NULL, NULL);

	assert_true(child >= 0);
	if (child == 0) {
		LK_OWNED_SECRET line = LK_SECRET_NONE;
		int rc;

		(void)alarm(30);
		rc = lk_console_ask("PIN:", seconds, &line, NULL);
		if (rc == LK_OK && (line.len != 4 || memcmp(line.data, "1234", 4) != 0))
			rc = LK_E_INPUT;
		lk_secret_done(&line);
		_exit(-rc);
	}
	assert_true(read(terminal, shown, sizeof(shown)) > 0);
	if (typed)
		assert_int_equal(write(terminal, typed, strlen(typed)), strlen(typed));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	(void)close(terminal);
	return -WEXITSTATUS(status);
}

static void test_what_is_typed_in_time_is_had(void **s)
{
	(void)s;
	assert_int_equal(asked(0, "1234\n"), LK_OK);
	assert_int_equal(asked(20, "1234\n"), LK_OK);
}

static void test_where_nobody_types_it_ends(void **s)
{
	(void)s;
	assert_int_equal(asked(1, NULL), LK_E_IO);
	assert_int_equal(asked(1, "12"), LK_E_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_typed_in_time_is_had),
		cmocka_unit_test(test_where_nobody_types_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
