/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of what an archive of configuration may hold. */
#include "support.h"

#include <stdio.h>

#include "core/config/archive_rules.h"
#include "core/base/text.h"

static const struct lk_archive_limits wide = {
	.max_entries = 1000, .max_file = 1u << 30, .max_total = 1u << 30, .packed = 1u << 30
};

/* A failure leaves the path alone, and says why in plain text. */
static int check(const char *path, const char *want)
{
	char ret[LK_ARCHIVE_PATH_MAX + 1];
	struct lk_err err = { 0 };
	int rc;

	poison(ret, sizeof(ret));
	rc = lk_archive_path_check(path, ret, &err);
	if (rc == LK_OK) {
		if (want)
			assert_string_equal(ret, want);
		return rc;
	}
	assert_int_equal(rc, LK_E_INPUT);
	assert_true(is_poisoned(ret, sizeof(ret)));
	assert_true(lk_text_is_visible(err.msg));
	return rc;
}

static void test_paths_that_stay_where_they_are_put(void **s)
{
	static const struct {
		const char *path;
		const char *ret;
	} table[] = {
		{ "a", "a" },
		{ "a/b/c", "a/b/c" },
		{ "./a/b", "a/b" },
		{ "a/", "a" },
		{ "./a/b/", "a/b" },
		{ ".", "" },
		{ "./", "" },
		{ "...", "..." },
		{ ".a", ".a" },
		{ "..a/a..", "..a/a.." },
		{ " ", " " },
		{ "a\\..\\b", "a\\..\\b" },
		{ "gr\xc3\xbc\xc3\x9f"
		  "e",
		  "gr\xc3\xbc\xc3\x9f"
		  "e" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++)
		if (check(table[i].path, table[i].ret) != LK_OK)
			fail_msg("refused: %s", table[i].path);
}

static void test_paths_that_do_not(void **s)
{
	static const char *const table[] = {
		"",
		"/",
		"//",
		"/a",
		"//a",
		"/../a",
		"..",
		"../",
		"../a",
		"./..",
		"./../a",
		"a/..",
		"a/../b",
		"a/b/..",
		"a/b/../..",
		"../..",
		"a/./b",
		"./.",
		"././a",
		"./././",
		"a/.",
		"a/./",
		".//",
		".//a",
		"./a//",
		"a//",
		"a//b",
		"a///",
		"a/../",
		"a\nb",
		"a\tb",
		"\x01",
		"a/\x1b[0m",
		"\x7f",
		"a\xc2\x85",
		"a\xe2\x80\xae"
		"txt.exe",
		"a\xe2\x80\x8b",
		"\xef\xbb\xbf"
		"a",
		"\xff",
		"a/\xc3",
		"\xc0\xae\xc0\xae/a",
		"\xed\xa0\x80",
		"\xe0\x80\xaf",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++)
		if (check(table[i], NULL) != LK_E_INPUT)
			fail_msg("taken: %zu: %s", i, table[i]);
}

static void test_a_refused_path_is_named_with_the_reason(void **s)
{
	static const struct {
		const char *path;
		const char *said;
	} table[] = {
		{ "", "\"\": the path is empty" },
		{ "/", "\"/\": the path is absolute" },
		{ "/a", "\"/a\": the path is absolute" },
		{ "a//b", "\"a//b\": a component of the path is empty" },
		{ "a/./b", "\"a/./b\": \".\" within the path" },
		{ "a/../b", "\"a/../b\": \"..\" would lead" },
		{ "a\nb", "\"a\\x0ab\": the path isn't UTF-8, or has a character that isn't seen" },
		{ "\xff", "\"\\xff\": the path isn't UTF-8" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		char ret[LK_ARCHIVE_PATH_MAX + 1];
		struct lk_err err = { 0 };

		assert_int_equal(lk_archive_path_check(table[i].path, ret, &err), LK_E_INPUT);
		if (!strstr(err.msg, table[i].said))
			fail_msg("%s", err.msg);
	}
}

/* @depth components of @len bytes, malloc'd. */
static char *deep(size_t depth, size_t len)
{
	char *path = malloc(depth * (len + 1) + 1);

	assert_non_null(path);
	memset(path, 'a', depth * (len + 1));
	for (size_t i = 1; i <= depth; i++)
		path[i * (len + 1) - 1] = '/';
	path[depth * (len + 1) - 1] = '\0';
	return path;
}

static void test_paths_as_long_and_deep_as_allowed_and_no_more(void **s)
{
	static const struct {
		size_t depth;
		size_t len;
		int rc;
	} table[] = {
		{ 1, 255, LK_OK },	  { 1, 256, LK_E_INPUT },   { 4, 255, LK_OK },
		{ 4, 256, LK_E_INPUT },	  { 32, 1, LK_OK },	    { 33, 1, LK_E_INPUT },
		{ 32, 31, LK_OK },	  { 32, 32, LK_E_INPUT },   { 1, 65536, LK_E_INPUT },
		{ 257, 255, LK_E_INPUT }, { 32768, 1, LK_E_INPUT }, { 5, 204, LK_OK },
		{ 5, 205, LK_E_INPUT },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		char *path = deep(table[i].depth, table[i].len);

		if (check(path, path) != table[i].rc)
			fail_msg("%zu of %zu", table[i].depth, table[i].len);
		free(path);
	}
}

static struct lk_archive_rules *rules_of(const struct lk_archive_limits *limits)
{
	struct lk_archive_rules *rules = NULL;

	assert_int_equal(lk_archive_rules_new(limits, &rules, NULL), LK_OK);
	return rules;
}

static int enter(struct lk_archive_rules *rules, enum lk_archive_kind kind, const char *path,
		 uint64_t size)
{
	const struct lk_archive_entry entry = {
		.kind = kind, .path = path, .mode = 0644, .size = size
	};
	char ret[LK_ARCHIVE_PATH_MAX + 1];

	return lk_archive_rules_entry(rules, &entry, ret, NULL);
}

/* @names: "d/" is a directory, all else files; gives what the last one gets. */
static int enter_all(const char *const *names)
{
	LK_OWNED_ARCHIVE_RULES rules = rules_of(&wide);
	int rc = LK_OK;

	for (; *names; names++) {
		size_t len = strlen(*names);
		bool directory = (*names)[len - 1] == '/';

		assert_int_equal(rc, LK_OK);
		rc = enter(rules, directory ? LK_ARCHIVE_DIRECTORY : LK_ARCHIVE_FILE, *names, 1);
	}
	return rc;
}

static void test_no_name_comes_twice_or_is_two_things(void **s)
{
	static const struct {
		const char *names[6];
		int rc;
	} table[] = {
		{ { "a", "b", "c/a", "c/b" }, LK_OK },
		{ { "./", "a/", "a/", "./a/", "a/b" }, LK_OK },
		{ { "a/b/c", "a/", "a/b/", "a/b/d" }, LK_OK },
		{ { "ab", "a", "abc" }, LK_OK },
		{ { "a/b", "a-b", "a.b", "b/a" }, LK_OK },
		{ { "a", "a" }, LK_E_INPUT },
		{ { "a", "./a" }, LK_E_INPUT },
		{ { "a/b/c", "x", "a/b/c" }, LK_E_INPUT },
		{ { "a", "a/" }, LK_E_INPUT },
		{ { "a/", "./a" }, LK_E_INPUT },
		{ { "a", "a/b" }, LK_E_INPUT },
		{ { "a", "a/b/" }, LK_E_INPUT },
		{ { "a", "a/b/c/d" }, LK_E_INPUT },
		{ { "a/b", "a/b/c" }, LK_E_INPUT },
		{ { "a/b", "a" }, LK_E_INPUT },
		{ { "a/b/c", "a/b" }, LK_E_INPUT },
		{ { "a/b/", "a" }, LK_E_INPUT },
		{ { "a/b/", "a/b/c", "a/b/c/" }, LK_E_INPUT },
	};
	LK_OWNED_ARCHIVE_RULES rules = rules_of(&wide);

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++)
		if (enter_all(table[i].names) != table[i].rc)
			fail_msg("%zu: %s, %s", i, table[i].names[0], table[i].names[1]);
	/* A file can't be the folder itself. */
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, ".", 1), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "./", 1), LK_E_INPUT);
}

static void test_only_files_and_directories_are_taken(void **s)
{
	static const struct {
		enum lk_archive_kind kind;
		const char *said; /* NULL: taken */
	} table[] = {
		{ LK_ARCHIVE_FILE, NULL },
		{ LK_ARCHIVE_DIRECTORY, NULL },
		{ LK_ARCHIVE_SYMLINK, "\"a\": a symbolic link to ../x\\x0a" },
		{ LK_ARCHIVE_HARDLINK, "\"a\": a hard link to ../x\\x0a" },
		{ LK_ARCHIVE_DEVICE, "\"a\": a device" },
		{ LK_ARCHIVE_FIFO, "\"a\": a FIFO" },
		{ LK_ARCHIVE_OTHER, "\"a\": neither file nor directory" },
		{ (enum lk_archive_kind)99, "\"a\": neither" },
		{ (enum lk_archive_kind) - 1, "\"a\": neither" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		LK_OWNED_ARCHIVE_RULES rules = rules_of(&wide);
		const struct lk_archive_entry entry = { .kind = table[i].kind,
							.path = "a",
							.target = table[i].said ? "../x\n" : NULL,
							.mode = 0644 };
		char path[LK_ARCHIVE_PATH_MAX + 1];
		struct lk_err err = { 0 };
		int rc = lk_archive_rules_entry(rules, &entry, path, &err);

		assert_int_equal(rc, table[i].said ? LK_E_INPUT : LK_OK);
		if (table[i].said && !strstr(err.msg, table[i].said))
			fail_msg("%s", err.msg);
	}
}

static void test_set_id_and_sticky_bits_are_refused(void **s)
{
	(void)s;
	for (uint32_t mode = 0; mode < 010000; mode += 0777) {
		LK_OWNED_ARCHIVE_RULES rules = rules_of(&wide);
		const struct lk_archive_entry entry = { .path = "a", .mode = mode };
		char path[LK_ARCHIVE_PATH_MAX + 1];

		assert_int_equal(lk_archive_rules_entry(rules, &entry, path, NULL),
				 mode & 07000 ? LK_E_INPUT : LK_OK);
	}
}

static void test_a_name_that_cannot_be_read_is_refused(void **s)
{
	LK_OWNED_ARCHIVE_RULES rules = rules_of(&wide);
	char *name = deep(1, 65536);
	const struct lk_archive_entry unreadable = { .path = NULL };
	const struct lk_archive_entry huge = { .path = name };
	char path[LK_ARCHIVE_PATH_MAX + 1];
	struct lk_err err = { 0 };

	(void)s;
	poison(path, sizeof(path));
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "a", 1), LK_OK);
	assert_int_equal(lk_archive_rules_entry(rules, &unreadable, path, &err), LK_E_INPUT);
	assert_non_null(strstr(err.msg, "entry 2: "));
	assert_int_equal(lk_archive_rules_entry(rules, &huge, path, &err), LK_E_INPUT);
	assert_non_null(strstr(err.msg, "aaa...\": the path is longer"));
	assert_true(is_poisoned(path, sizeof(path)));
	free(name);
}

static void test_sizes_are_bounded_each_and_together(void **s)
{
	const struct lk_archive_limits limits = {
		.max_entries = 100, .max_file = 10, .max_total = 25, .packed = 100
	};
	LK_OWNED_ARCHIVE_RULES rules = rules_of(&limits);

	(void)s;
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "a", 11), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "b", UINT64_MAX), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "c", 10), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "d", 10), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "e", 6), LK_E_INPUT);
	/* What a directory is said to have is unpacked as well. */
	assert_int_equal(enter(rules, LK_ARCHIVE_DIRECTORY, "f", 6), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "g", 5), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "h", 1), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "i", 0), LK_OK);
}

static int enter_one(uint64_t packed, uint64_t size)
{
	const struct lk_archive_limits limits = {
		.max_entries = 1, .max_file = UINT64_MAX, .max_total = UINT64_MAX, .packed = packed
	};
	LK_OWNED_ARCHIVE_RULES rules = rules_of(&limits);

	return enter(rules, LK_ARCHIVE_FILE, "a", size);
}

static void test_a_bomb_is_refused(void **s)
{
	static const struct {
		uint64_t packed;
		uint64_t size;
		int rc;
	} table[] = {
		{ 0, 1u << 20, LK_OK },
		{ 0, (1u << 20) + 1, LK_E_INPUT },
		{ 5242, 1u << 20, LK_OK },
		{ 5242, (1u << 20) + 1, LK_E_INPUT },
		{ 10000, 2000000, LK_OK },
		{ 10000, 2000001, LK_E_INPUT },
		{ 1u << 20, 1000u << 20, LK_E_INPUT },
		{ UINT64_MAX, UINT64_MAX, LK_OK },
		{ UINT64_MAX / 200, UINT64_MAX / 200 * 200, LK_OK },
	};
	const struct lk_archive_limits limits = { 100, 1u << 30, 1u << 30, 10000 };
	LK_OWNED_ARCHIVE_RULES rules = rules_of(&limits);

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++)
		if (enter_one(table[i].packed, table[i].size) != table[i].rc)
			fail_msg("%zu", i);
	/* In pieces it is one too. */
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "a", 1000000), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "b", 1000000), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "c", 1), LK_E_INPUT);
}

static void test_totals_do_not_wrap_around(void **s)
{
	const struct lk_archive_limits limits = { 10, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	LK_OWNED_ARCHIVE_RULES rules = rules_of(&limits);

	(void)s;
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "a", UINT64_MAX), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "b", 1), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "c", UINT64_MAX), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "d", 0), LK_OK);
}

static void test_as_many_entries_as_allowed_and_no_more(void **s)
{
	struct lk_archive_limits limits = wide;
	LK_OWNED_ARCHIVE_RULES rules = NULL;
	LK_OWNED_ARCHIVE_RULES repeated = NULL;
	LK_OWNED_ARCHIVE_RULES deeper = NULL;

	(void)s;
	limits.max_entries = 3;
	rules = rules_of(&limits);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "a", 0), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "b", 0), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "c", 0), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "d", 0), LK_E_INPUT);
	repeated = rules_of(&limits);
	for (int i = 0; i < 3; i++)
		assert_int_equal(enter(repeated, LK_ARCHIVE_DIRECTORY, ".", 0), LK_OK);
	assert_int_equal(enter(repeated, LK_ARCHIVE_DIRECTORY, ".", 0), LK_E_INPUT);
	/* Directories that only a path names aren't entries. */
	deeper = rules_of(&limits);
	assert_int_equal(enter(deeper, LK_ARCHIVE_FILE, "a/b/c", 0), LK_OK);
	assert_int_equal(enter(deeper, LK_ARCHIVE_FILE, "d/e/f", 0), LK_OK);
	assert_int_equal(enter(deeper, LK_ARCHIVE_DIRECTORY, "a/b", 0), LK_OK);
	assert_int_equal(enter(deeper, LK_ARCHIVE_FILE, "a/d", 0), LK_E_INPUT);
}

/* Whatever they share in the table that they are looked up in. */
static void test_names_that_begin_alike_or_lie_elsewhere_are_others(void **s)
{
	const struct lk_archive_limits limits = { 10000, 1, 10000, 1 };
	LK_OWNED_ARCHIVE_RULES rules = rules_of(&limits);
	char path[64];

	(void)s;
	for (size_t len = 255; len > 0; len--) {
		char *name = deep(1, len);

		assert_int_equal(enter(rules, LK_ARCHIVE_FILE, name, 0), LK_OK);
		free(name);
	}
	for (unsigned int i = 0; i < 2000; i++) {
		(void)snprintf(path, sizeof(path), "%u/x", i);
		assert_int_equal(enter(rules, LK_ARCHIVE_FILE, path, 0), LK_OK);
	}
}

/* Quadratic work would take hours: the timeout of the test is what fails. */
static void test_a_million_entries_are_judged_one_by_one(void **s)
{
	const struct lk_archive_limits limits = { 1000000, 1, 1000000, 1u << 20 };
	LK_OWNED_ARCHIVE_RULES rules = rules_of(&limits);
	char path[64];

	(void)s;
	for (unsigned int i = 0; i < 999998; i++) {
		(void)snprintf(path, sizeof(path), "%u/file-%u", i % 997, i);
		assert_int_equal(enter(rules, LK_ARCHIVE_FILE, path, 1), LK_OK);
	}
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "17/file-17", 0), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "17/file-17/x", 0), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "996", 0), LK_E_INPUT);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "a", 0), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "b", 0), LK_OK);
	assert_int_equal(enter(rules, LK_ARCHIVE_FILE, "c", 0), LK_E_INPUT);
}

static void test_free_takes_nothing(void **s)
{
	(void)s;
	lk_archive_rules_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_that_stay_where_they_are_put),
		cmocka_unit_test(test_paths_that_do_not),
		cmocka_unit_test(test_a_refused_path_is_named_with_the_reason),
		cmocka_unit_test(test_paths_as_long_and_deep_as_allowed_and_no_more),
		cmocka_unit_test(test_no_name_comes_twice_or_is_two_things),
		cmocka_unit_test(test_only_files_and_directories_are_taken),
		cmocka_unit_test(test_set_id_and_sticky_bits_are_refused),
		cmocka_unit_test(test_a_name_that_cannot_be_read_is_refused),
		cmocka_unit_test(test_sizes_are_bounded_each_and_together),
		cmocka_unit_test(test_a_bomb_is_refused),
		cmocka_unit_test(test_totals_do_not_wrap_around),
		cmocka_unit_test(test_as_many_entries_as_allowed_and_no_more),
		cmocka_unit_test(test_names_that_begin_alike_or_lie_elsewhere_are_others),
		cmocka_unit_test(test_a_million_entries_are_judged_one_by_one),
		cmocka_unit_test(test_free_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
