/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of files and of waiting for devices. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/os/fs.h"

static char dir[64];

static const char *in_dir(const char *name)
{
	static char path[2][256];
	static unsigned int which;
	char *p = path[which++ % 2];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static int make_dir(void **s)
{
	(void)s;
	(void)snprintf(dir, sizeof(dir), "latchkey-fs-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **s)
{
	char **names = NULL;
	size_t n = 0;

	(void)s;
	if (lk_fs_list(dir, 100, &names, &n, NULL) == LK_OK)
		for (size_t i = 0; i < n; i++)
			(void)remove(names[i]);
	lk_fs_list_free(names, n);
	return rmdir(dir);
}

static void assert_content(const char *path, const char *want)
{
	LK_OWNED_BUF buf = LK_BUF_NONE;

	assert_int_equal(lk_fs_read(path, 100, &buf, NULL), LK_OK);
	assert_string_equal((const char *)buf.data, want);
	assert_int_equal(buf.len, strlen(want));
}

static void test_a_file_is_read_up_to_its_cap(void **s)
{
	struct lk_buf buf;
	const char *path = in_dir("f");

	(void)s;
	assert_int_equal(lk_fs_write_new(path, "12345", 5, 0600, NULL), LK_OK);
	poison(&buf, sizeof(buf));
	assert_int_equal(lk_fs_read(path, 4, &buf, NULL), LK_E_INPUT);
	assert_int_equal(lk_fs_read(in_dir("none"), 4, &buf, NULL), LK_E_INPUT);
	assert_int_equal(lk_fs_read(dir, 4, &buf, NULL), LK_E_INPUT);
	assert_true(is_poisoned(&buf, sizeof(buf)));
	assert_int_equal(lk_fs_read(path, 5, &buf, NULL), LK_OK);
	assert_int_equal(buf.len, 5);
	assert_int_equal(buf.data[5], 0);
	lk_buf_done(&buf);
	assert_null(buf.data);
}

static void test_a_file_without_a_size_is_read_up_to_its_cap(void **s)
{
	struct lk_buf buf = LK_BUF_NONE;

	(void)s;
	assert_int_equal(lk_fs_read("/dev/zero", 4096, &buf, NULL), LK_E_INPUT);
	assert_int_equal(lk_fs_read("/dev/null", 0, &buf, NULL), LK_OK);
	assert_int_equal(buf.len, 0);
	lk_buf_done(&buf);
}

static void test_a_secret_is_read_like_a_file(void **s)
{
	struct lk_secret secret = LK_SECRET_NONE;
	const char *path = in_dir("f");

	(void)s;
	assert_int_equal(lk_fs_write_new(path, "12345", 5, 0600, NULL), LK_OK);
	assert_int_equal(lk_fs_read_secret(path, 4, &secret, NULL), LK_E_INPUT);
	assert_null(secret.data);
	assert_int_equal(lk_fs_read_secret(path, 5, &secret, NULL), LK_OK);
	assert_int_equal(secret.len, 5);
	assert_memory_equal(secret.data, "12345", 5);
	lk_secret_done(&secret);
}

static void test_a_new_file_never_takes_the_place_of_another(void **s)
{
	const char *path = in_dir("f");
	struct stat st;

	(void)s;
	assert_int_equal(lk_fs_write_new(path, "old", 3, 0640, NULL), LK_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(lk_fs_write_new(path, "new", 3, 0600, NULL), LK_E_REFUSED);
	assert_content(path, "old");
	assert_int_equal(symlink("nowhere", in_dir("l")), 0);
	assert_int_equal(lk_fs_write_new(in_dir("l"), "new", 3, 0600, NULL), LK_E_REFUSED);
	assert_int_equal(lk_fs_write_new(in_dir("no/f"), "x", 1, 0600, NULL), LK_E_IO);
}

static void test_replacing_is_whole_and_leaves_no_other_file(void **s)
{
	const char *path = in_dir("f");
	char **names = NULL;
	struct stat st;
	size_t n = 0;

	(void)s;
	assert_int_equal(lk_fs_replace(path, "one", 3, 0600, NULL), LK_OK);
	assert_int_equal(lk_fs_replace(path, "two", 3, 0644, NULL), LK_OK);
	assert_content(path, "two");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(lk_fs_replace(in_dir("no/f"), "x", 1, 0600, NULL), LK_E_IO);
	assert_int_equal(mkdir(in_dir("d"), 0700), 0);
	assert_int_equal(lk_fs_replace(in_dir("d"), "x", 1, 0600, NULL), LK_E_IO);
	assert_int_equal(rmdir(in_dir("d")), 0);
	assert_int_equal(lk_fs_list(dir, 9, &names, &n, NULL), LK_OK);
	assert_int_equal(n, 1);
	lk_fs_list_free(names, n);
}

static void test_appending_makes_the_directory_and_keeps_what_is_there(void **s)
{
	(void)s;
	assert_int_equal(lk_fs_append(in_dir("d/log"), "one\n", 4, NULL), LK_OK);
	assert_int_equal(lk_fs_append(in_dir("d/log"), "two\n", 4, NULL), LK_OK);
	assert_content(in_dir("d/log"), "one\ntwo\n");
	assert_int_equal(unlink(in_dir("d/log")), 0);
	assert_int_equal(rmdir(in_dir("d")), 0);
}

static void test_a_list_is_sorted_without_hidden_files_and_bounded(void **s)
{
	char **names = NULL;
	size_t n = 0;

	(void)s;
	assert_int_equal(lk_fs_write_new(in_dir("b"), "", 0, 0600, NULL), LK_OK);
	assert_int_equal(lk_fs_write_new(in_dir("a"), "", 0, 0600, NULL), LK_OK);
	assert_int_equal(lk_fs_write_new(in_dir(".h"), "", 0, 0600, NULL), LK_OK);
	assert_int_equal(lk_fs_list(dir, 1, &names, &n, NULL), LK_E_INPUT);
	assert_null(names);
	assert_int_equal(lk_fs_list(in_dir("a"), 9, &names, &n, NULL), LK_E_INPUT);
	assert_int_equal(lk_fs_list(dir, 2, &names, &n, NULL), LK_OK);
	assert_int_equal(n, 2);
	assert_string_equal(names[0], in_dir("a"));
	assert_string_equal(names[1], in_dir("b"));
	lk_fs_list_free(names, n);
	assert_int_equal(unlink(in_dir(".h")), 0);
}

static void test_a_list_leaves_directories_out(void **s)
{
	char **names = NULL;
	size_t n = 0;

	(void)s;
	assert_int_equal(lk_fs_write_new(in_dir("b"), "", 0, 0600, NULL), LK_OK);
	assert_int_equal(mkdir(in_dir("a"), 0700), 0);
	assert_int_equal(lk_fs_list(dir, 2, &names, &n, NULL), LK_OK);
	assert_int_equal(rmdir(in_dir("a")), 0);
	assert_int_equal(n, 1);
	assert_string_equal(names[0], in_dir("b"));
	lk_fs_list_free(names, n);
}

static void test_a_device_is_a_path_or_a_tag(void **s)
{
	static const char *const bad[] = { "", "sda", "UUID=", "UUID=", "PARTLABEL=", "uuid=x" };
	char path[LK_DEVICE_PATH_MAX];
	struct lk_err err = { 0 };

	(void)s;
	assert_int_equal(lk_fs_wait_device("/dev/null", 0, path, NULL), LK_OK);
	assert_string_equal(path, "/dev/null");
	poison(path, sizeof(path));
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_int_equal(lk_fs_wait_device(bad[i], 0, path, NULL), LK_E_INPUT);
	assert_int_equal(lk_fs_wait_device("PARTLABEL=no-such-one", 0, path, &err), LK_E_NO_DEVICE);
	assert_non_null(strstr(err.msg, "by-partlabel/no-such-one"));
	assert_true(is_poisoned(path, sizeof(path)));
}

static void test_a_path_too_long_is_refused(void **s)
{
	char path[LK_DEVICE_PATH_MAX];
	char spec[LK_DEVICE_PATH_MAX + 1];

	(void)s;
	memset(spec, 'x', sizeof(spec) - 1);
	spec[0] = '/';
	spec[sizeof(spec) - 1] = '\0';
	assert_int_equal(lk_fs_wait_device(spec, 0, path, NULL), LK_E_INPUT);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(test_a_file_is_read_up_to_its_cap),
		IN_DIR(test_a_file_without_a_size_is_read_up_to_its_cap),
		IN_DIR(test_a_secret_is_read_like_a_file),
		IN_DIR(test_a_new_file_never_takes_the_place_of_another),
		IN_DIR(test_replacing_is_whole_and_leaves_no_other_file),
		IN_DIR(test_appending_makes_the_directory_and_keeps_what_is_there),
		IN_DIR(test_a_list_is_sorted_without_hidden_files_and_bounded),
		IN_DIR(test_a_list_leaves_directories_out),
		cmocka_unit_test(test_a_device_is_a_path_or_a_tag),
		cmocka_unit_test(test_a_path_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
