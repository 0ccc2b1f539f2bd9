/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the look at names in tar archives. */
#include "support.h"

#include <stdio.h>

#include "core/config/tar_names.h"

/** An archive in the making. */
struct tape {
	uint8_t data[16 * LK_TAR_BLOCK];
	size_t len;
};

static uint8_t *add_header(struct tape *t, char type, const char *name, size_t size)
{
	uint8_t *b = t->data + t->len;

	memset(b, 0, LK_TAR_BLOCK);
	memcpy(b, name, strlen(name));
	(void)snprintf((char *)b + 124, 12, "%011o", (unsigned int)size);
	b[156] = (uint8_t)type;
	memcpy(b + 257,
	       "ustar\0"
	       "00",
	       8);
	t->len += LK_TAR_BLOCK;
	return b;
}

static void seal(uint8_t *b)
{
	unsigned int sum = 0;

	memset(b + 148, ' ', 8);
	for (size_t i = 0; i < LK_TAR_BLOCK; i++)
		sum += b[i];
	(void)snprintf((char *)b + 148, 8, "%06o", sum);
}

static void add_body(struct tape *t, const void *data, size_t len)
{
	memset(t->data + t->len, 0, (len + LK_TAR_BLOCK - 1) / LK_TAR_BLOCK * LK_TAR_BLOCK);
	memcpy(t->data + t->len, data, len);
	t->len += (len + LK_TAR_BLOCK - 1) / LK_TAR_BLOCK * LK_TAR_BLOCK;
}

static void add(struct tape *t, char type, const char *name, const void *data, size_t len)
{
	seal(add_header(t, type, name, len));
	add_body(t, data, len);
}

static int see(const struct tape *t)
{
	static struct lk_tar_names whole, pieces;
	struct lk_err err = { 0 };
	int rc, each = LK_OK;

	memset(&whole, 0, sizeof(whole));
	memset(&pieces, 0, sizeof(pieces));
	rc = lk_tar_names_see(&whole, t->data, t->len, &err);
	for (size_t i = 0; i < t->len && each == LK_OK; i++)
		each = lk_tar_names_see(&pieces, t->data + i, 1, NULL);
	assert_int_equal(each, rc);
	if (rc != LK_OK)
		assert_non_null(strstr(err.msg, "offset"));
	return rc;
}

static void test_whole_names_of_each_form_pass(void **s)
{
	static const char pax[] = "16 path=a/b.txt\n"
				  "11 size=03\n"
				  "24 SCHILY.xattr.x=a\0b\0c\n";
	struct tape t = { .len = 0 };

	(void)s;
	add(&t, '0', "plain", "x", 1);
	add(&t, 'x', "PaxHeaders/a", pax, sizeof(pax) - 1);
	add(&t, '0', "a", "xyz", 3);
	add(&t, 'L', "././@LongLink", "a long name\0\0", 13);
	add(&t, '0', "a long", "1", 1);
	add(&t, '5', "folder/", "", 0);
	t.len += 2 * LK_TAR_BLOCK;
	assert_int_equal(see(&t), LK_OK);
}

static void test_zero_bytes_within_names_are_refused(void **s)
{
	static const struct {
		const char *body;
		size_t len;
	} table[] = {
#define RECORD(text) { text, sizeof(text) - 1 }
		RECORD("12 path=x\0y\n"),
		RECORD("16 linkpath=x\0y\n"),
		RECORD("23 GNU.sparse.name=x\0y\n"),
		RECORD("12 path\0=xy\n"),
		RECORD("13 comment=x\n"
		       "11 path=x\0\n"),
#undef RECORD
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		struct tape t = { .len = 0 };

		add(&t, 'x', "PaxHeaders/x", table[i].body, table[i].len);
		add(&t, '0', "x", "", 0);
		assert_int_equal(see(&t), LK_E_INPUT);
	}
}

static void test_a_long_name_and_a_header_with_a_zero_byte_within(void **s)
{
	struct tape t = { .len = 0 };
	uint8_t *b;

	(void)s;
	add(&t, 'L', "././@LongLink", "x\0y", 4);
	assert_int_equal(see(&t), LK_E_INPUT);
	t.len = 0;
	b = add_header(&t, '0', "x", 0);
	b[2] = 'y';
	seal(b);
	assert_int_equal(see(&t), LK_E_INPUT);
	t.len = 0;
	b = add_header(&t, '0', "x", 0);
	b[345] = 'a';
	b[347] = 'b';
	seal(b);
	assert_int_equal(see(&t), LK_E_INPUT);
}

/* What is data isn't looked at, and what comes after is found again. */
static void test_sizes_lead_to_the_next_header(void **s)
{
	static const char pax[] = "14 size=00513\n";
	struct tape inner = { .len = 0 }, t = { .len = 0 };

	(void)s;
	add(&inner, 'L', "././@LongLink", "x\0y", 4);
	add(&t, '0', "archive", inner.data, inner.len);
	assert_int_equal(see(&t), LK_OK);
	t.len = 0;
	add(&t, 'x', "PaxHeaders/a", pax, sizeof(pax) - 1);
	seal(add_header(&t, '0', "a", 0));
	add_body(&t, inner.data, 513);
	add(&t, 'L', "././@LongLink", "x\0y", 4);
	assert_int_equal(see(&t), LK_E_INPUT);
}

static void test_a_header_that_is_none(void **s)
{
	struct tape t = { .len = 0 };

	(void)s;
	add_body(&t, "no archive at all", 17);
	assert_int_equal(see(&t), LK_OK);
	t.len = 0;
	add(&t, '0', "a", "", 0);
	add_body(&t, "no header", 9);
	assert_int_equal(see(&t), LK_E_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_names_of_each_form_pass),
		cmocka_unit_test(test_zero_bytes_within_names_are_refused),
		cmocka_unit_test(test_a_long_name_and_a_header_with_a_zero_byte_within),
		cmocka_unit_test(test_sizes_lead_to_the_next_header),
		cmocka_unit_test(test_a_header_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
