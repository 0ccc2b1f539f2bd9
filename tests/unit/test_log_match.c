/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of which events of two boots stand for one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/bootlog/log_match.h"

#define MANY 1500u

/* Digests are letters: "ab" is two events. PCR 4, images, but for capital letters: separators. */
static size_t items_of(const char *letters, struct lk_log_item *ret)
{
	size_t n = strlen(letters);

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct lk_log_item){
			.event = { .pcr = 4, .number = (unsigned int)i + 1 },
			.kind = letters[i] >= 'a' ? LK_KIND_IMAGE : LK_KIND_SEPARATOR,
			.note = letters[i] == '-',
			.partner = LK_MATCH_NONE,
			.digest = { (const uint8_t *)letters + i, 1 },
		};
	return n;
}

/* For each event of the first its partner's letter, small for the same, or ".". */
static void expect(const char *a, const char *b, const char *partners)
{
	struct lk_log_item x[16], y[16];
	const struct lk_log_lists l = { x, y, items_of(a, x), items_of(b, y) };

	assert_int_equal(lk_log_match(&l, NULL), LK_OK);
	for (size_t i = 0; i < l.n_a; i++) {
		char got = x[i].partner == LK_MATCH_NONE ? '.' : b[x[i].partner];

		assert_int_equal(got, partners[i]);
		if (got == '.')
			continue;
		assert_int_equal(y[x[i].partner].partner, i);
		assert_int_equal(x[i].same, a[i] == got);
		assert_int_equal(y[x[i].partner].same, x[i].same);
	}
}

static void test_partners(void **state)
{
	(void)state;
	expect("abc", "abc", "abc");
	expect("", "abc", "");
	expect("abc", "", "...");
	expect("abc", "axc", "axc");   /* changed in its place */
	expect("abc", "abbc", "abc");  /* one more there */
	expect("abxc", "abc", "ab.c"); /* one more here */
	expect("abcd", "bcd", ".bcd");
	expect("abcd", "xyz", "xyz.");
	expect("aBc", "axc", "a.c"); /* another kind is no change of it */
	expect("aBc", "aCc", "aCc");
	expect("-a", "a-", ".a"); /* what extends nothing has no partner */
}

static void test_pcrs_are_apart(void **state)
{
	struct lk_log_item x[1], y[1];
	const struct lk_log_lists l = { x, y, items_of("a", x), items_of("a", y) };

	(void)state;
	y[0].event.pcr = 5;
	assert_int_equal(lk_log_match(&l, NULL), LK_OK);
	assert_int_equal(x[0].partner, LK_MATCH_NONE);
}

/* More than the table has room for: the rest is without partners, and nothing is written beyond it. */
static void test_many_that_differ(void **state)
{
	static const uint8_t digests[2] = { 1, 2 };
	struct lk_log_item *x = calloc(MANY, sizeof(*x)), *y = calloc(MANY, sizeof(*y));
	const struct lk_log_lists l = { x, y, MANY, MANY };
	size_t with = 0;

	(void)state;
	assert_non_null(x);
	assert_non_null(y);
	for (size_t i = 0; i < MANY; i++) {
		x[i] = (struct lk_log_item){ .partner = LK_MATCH_NONE, .digest = { digests, 1 } };
		y[i] = (struct lk_log_item){ .partner = LK_MATCH_NONE,
					     .digest = { digests + 1, 1 } };
	}
	assert_int_equal(lk_log_match(&l, NULL), LK_OK);
	for (size_t i = 0; i < MANY; i++)
		with += x[i].partner != LK_MATCH_NONE;
	assert_int_equal(with, 512);
	free(x);
	free(y);
}

static struct lk_ima_item ima(const char *name, const char *digest)
{
	return (struct lk_ima_item){ .name = { (const uint8_t *)name, strlen(name) },
				     .digest = { (const uint8_t *)digest, strlen(digest) } };
}

static void test_ima_by_name_and_digest(void **state)
{
	struct lk_ima_item items[] = { ima("b", "1"), ima("a", "2"), ima("aa", "1"),
				       ima("c", "1"), ima("", "1"),  ima("b", "3") };
	const struct lk_ima_item other[] = { ima("c", "0"), ima("b", "1"), ima("a", "1"),
					     ima("b", "2"), ima("a", "3") };
	const enum lk_ima_match want[] = { LK_IMA_SAME,	   LK_IMA_CHANGED, LK_IMA_NEW,
					   LK_IMA_CHANGED, LK_IMA_NEW,	   LK_IMA_CHANGED };

	(void)state;
	assert_int_equal(lk_ima_match(items, 6, other, 5, NULL), LK_OK);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(items[i].match, want[i]);
	assert_int_equal(lk_ima_match(items, 6, NULL, 0, NULL), LK_OK);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(items[i].match, LK_IMA_NEW);
}

static void test_what_is_no_log(void **state)
{
	struct lk_log_item items[4];
	size_t n = 9;

	(void)state;
	assert_int_equal(lk_log_items_read((struct lk_bytes){ (const uint8_t *)"no", 2 }, items, 4,
					   &n, NULL),
			 LK_E_INPUT);
	assert_int_equal(n, 0);
	assert_int_equal(lk_ima_items_read((struct lk_bytes){ (const uint8_t *)"no", 2 }, NULL, 0,
					   &n, NULL),
			 LK_E_INPUT);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partners),
		cmocka_unit_test(test_pcrs_are_apart),
		cmocka_unit_test(test_many_that_differ),
		cmocka_unit_test(test_what_is_no_log),
		cmocka_unit_test(test_ima_by_name_and_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
