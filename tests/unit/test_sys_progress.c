/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the line of progress: on a terminal alone, late, and gone in the end. */
#include "support.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/os/progress.h"

/* Standard error, while a test has its own. */
static int kept = -1;

static int take_stderr(int fd)
{
	(void)fflush(stderr);
	kept = dup(STDERR_FILENO);
	return dup2(fd, STDERR_FILENO);
}

static void give_back_stderr(void)
{
	(void)fflush(stderr);
	(void)dup2(kept, STDERR_FILENO);
	close(kept);
}

/* What came out at the other end, which the kernel brings there in its own
 * time: until nothing more comes for a while. */
static size_t read_all(int fd, char *out, size_t cap)
{
	struct pollfd there = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len < cap - 1 && poll(&there, 1, 200) > 0) {
		ssize_t n = read(fd, out + len, cap - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	out[len] = '\0';
	return len;
}

/* A terminal of its own: the side that a person sees, and the program's. */
static int open_terminal(int *ret_program)
{
	int person = posix_openpt(O_RDWR | O_NOCTTY);

	assert_true(person >= 0);
	assert_int_equal(grantpt(person), 0);
	assert_int_equal(unlockpt(person), 0);
	*ret_program = open(ptsname(person), O_RDWR | O_NOCTTY);
	assert_true(*ret_program >= 0);
	return person;
}

static void test_long_work_shows_a_line_that_goes(void **state)
{
	struct lk_progress_meter m;
	char text[4096];
	int program, person = open_terminal(&program);

	(void)state;
	take_stderr(program);
	lk_progress_begin(&m, "sealing");
	/* As if it had begun two seconds ago. */
	m.began.tv_sec -= 2;
	m.progress.tell(m.progress.ctx, 3 << 20, 4 << 20);
	m.progress.tell(m.progress.ctx, 4 << 20, 4 << 20);
	give_back_stderr();
	read_all(person, text, sizeof(text));
	/* The second came too soon after the first. */
	assert_string_equal(text, "\r\033[Ksealing: 3.0 MiB of 4.0 MiB, 75 %");
	take_stderr(program);
	lk_progress_end(&m);
	m.progress.tell(m.progress.ctx, 1, 1);
	give_back_stderr();
	read_all(person, text, sizeof(text));
	assert_string_equal(text, "\r\033[K");
	close(program);
	close(person);
}

static void test_an_unknown_total_is_left_out(void **state)
{
	struct lk_progress_meter m;
	char text[4096];
	int program, person = open_terminal(&program);

	(void)state;
	take_stderr(program);
	lk_progress_begin(&m, "packing");
	m.began.tv_sec -= 2;
	m.progress.tell(m.progress.ctx, UINT64_C(3) << 40, 0);
	give_back_stderr();
	read_all(person, text, sizeof(text));
	assert_string_equal(text, "\r\033[Kpacking: 3072.0 GiB");
	take_stderr(program);
	lk_progress_end(&m);
	give_back_stderr();
	close(program);
	close(person);
}

static void test_short_work_shows_nothing(void **state)
{
	struct lk_progress_meter m;
	char text[4096];
	int program, person = open_terminal(&program);

	(void)state;
	take_stderr(program);
	lk_progress_begin(&m, "sealing");
	/* However slow this machine is: it begins in the future. */
	m.began.tv_sec += 3600;
	m.progress.tell(m.progress.ctx, 1, 2);
	lk_progress_end(&m);
	give_back_stderr();
	assert_int_equal(read_all(person, text, sizeof(text)), 0);
	close(program);
	close(person);
}

static void test_without_a_terminal_nothing_is_shown(void **state)
{
	struct lk_progress_meter m;
	char text[4096];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	take_stderr(ends[1]);
	lk_progress_begin(&m, "sealing");
	m.began.tv_sec -= 2;
	m.progress.tell(m.progress.ctx, 1, 2);
	lk_progress_end(&m);
	give_back_stderr();
	assert_int_equal(read_all(ends[0], text, sizeof(text)), 0);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_work_shows_a_line_that_goes),
		cmocka_unit_test(test_an_unknown_total_is_left_out),
		cmocka_unit_test(test_short_work_shows_nothing),
		cmocka_unit_test(test_without_a_terminal_nothing_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
