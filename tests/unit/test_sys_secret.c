/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the memory that secrets live in. */
#include "support.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/os/secret.h"

/* Instead of the C library's: remembers whether what is unmapped was wiped. */
static size_t unmapped;
static bool was_clean;

int munmap(void *p, size_t len)
{
	const uint8_t *b = p;

	unmapped = len;
	was_clean = true;
	for (size_t i = 0; i < len; i++)
		was_clean = was_clean && b[i] == 0;
	return (int)syscall(SYS_munmap, p, len);
}

static void test_a_secret_is_wiped_before_its_memory_goes_back(void **s)
{
	struct lk_secret a = LK_SECRET_NONE;
	size_t cap;

	(void)s;
	assert_int_equal(lk_secret_from(&a, "secret", 6, NULL), LK_OK);
	cap = a.cap;
	memset(a.data, 0x5a, cap); /* whatever lies behind len too */
	unmapped = 0;
	lk_secret_done(&a);
	assert_int_equal(unmapped, cap);
	assert_true(was_clean);
	assert_null(a.data);
	assert_int_equal(a.len, 0);
}

static void test_done_takes_an_empty_one_twice(void **s)
{
	struct lk_secret a = LK_SECRET_NONE;

	(void)s;
	unmapped = 0;
	lk_secret_done(&a);
	lk_secret_done(&a);
	assert_int_equal(unmapped, 0);
}

static void test_room_is_zeroed_and_empty(void **s)
{
	static const size_t caps[] = { 0, 1, 4095, 4096, 4097 };

	(void)s;
	for (size_t i = 0; i < N_OF(caps); i++) {
		LK_OWNED_SECRET a = LK_SECRET_NONE;

		assert_int_equal(lk_secret_init(&a, caps[i], NULL), LK_OK);
		assert_true(a.cap >= caps[i]);
		assert_int_equal(a.len, 0);
		for (size_t j = 0; j < a.cap; j++)
			assert_int_equal(a.data[j], 0);
	}
}

static void test_taking_leaves_nothing_behind(void **s)
{
	struct lk_secret a = LK_SECRET_NONE;
	struct lk_secret b;
	uint8_t *data;

	(void)s;
	assert_int_equal(lk_secret_from(&a, "secret", 6, NULL), LK_OK);
	data = a.data;
	b = lk_secret_take(&a);
	assert_null(a.data);
	assert_ptr_equal(b.data, data);
	assert_memory_equal(b.data, "secret", 6);
	lk_secret_done(&b);
}

static void test_an_owned_secret_goes_at_the_end_of_its_scope(void **s)
{
	(void)s;
	unmapped = 0;
	{
		LK_OWNED_SECRET a = LK_SECRET_NONE;

		assert_int_equal(lk_secret_from(&a, "secret", 6, NULL), LK_OK);
	}
	assert_true(unmapped > 0);
	assert_true(was_clean);
}

static bool in_smaps(const void *p, const char *flag)
{
	char start[32];
	char line[512];
	bool here = false;
	bool found = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	assert_non_null(f);
	(void)snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, start, strlen(start)) == 0)
			here = true;
		if (here && strncmp(line, "VmFlags:", 8) == 0) {
			found = strstr(line, flag) != NULL;
			break;
		}
	}
	(void)fclose(f);
	return found;
}

/* AddressSanitizer's mlock does nothing. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void test_a_secret_is_locked_and_left_out_of_dumps_and_forks(void **s)
{
	LK_OWNED_SECRET a = LK_SECRET_NONE;

	(void)s;
	assert_int_equal(lk_secret_from(&a, "secret", 6, NULL), LK_OK);
	assert_true(in_smaps(a.data, " dd")); /* MADV_DONTDUMP */
	assert_true(in_smaps(a.data, " wf")); /* MADV_WIPEONFORK */
	assert_true(SANITIZED || in_smaps(a.data, " lo"));
}

static int in_child(int (*what)(const struct lk_secret *), const struct lk_secret *a)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(what(a));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int sees_zeros(const struct lk_secret *a)
{
	return a->data[0] == 0 ? 0 : 1;
}

static void test_a_child_does_not_inherit_a_secret(void **s)
{
	LK_OWNED_SECRET a = LK_SECRET_NONE;

	(void)s;
	assert_int_equal(lk_secret_from(&a, "secret", 6, NULL), LK_OK);
	assert_int_equal(in_child(sees_zeros, &a), 0);
}

static int hardens(const struct lk_secret *a)
{
	struct rlimit core;

	(void)a;
	if (lk_secret_harden_process(NULL) != LK_OK || getrlimit(RLIMIT_CORE, &core) != 0)
		return 1;
	return core.rlim_cur == 0 && core.rlim_max == 0 ? 0 : 2;
}

static void test_a_hardened_process_leaves_no_core(void **s)
{
	(void)s;
	assert_int_equal(in_child(hardens, NULL), 0);
}

static void test_equality_looks_at_every_byte(void **s)
{
	uint8_t a[64] = { 0 };
	uint8_t b[64] = { 0 };

	(void)s;
	assert_true(lk_secret_equal(a, b, 64));
	assert_true(lk_secret_equal(a, b, 0));
	for (size_t i = 0; i < 64; i++) {
		b[i] = 0x80;
		assert_false(lk_secret_equal(a, b, 64));
		b[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_secret_is_wiped_before_its_memory_goes_back),
		cmocka_unit_test(test_done_takes_an_empty_one_twice),
		cmocka_unit_test(test_room_is_zeroed_and_empty),
		cmocka_unit_test(test_taking_leaves_nothing_behind),
		cmocka_unit_test(test_an_owned_secret_goes_at_the_end_of_its_scope),
		cmocka_unit_test(test_a_secret_is_locked_and_left_out_of_dumps_and_forks),
		cmocka_unit_test(test_a_child_does_not_inherit_a_secret),
		cmocka_unit_test(test_a_hardened_process_leaves_no_core),
		cmocka_unit_test(test_equality_looks_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
