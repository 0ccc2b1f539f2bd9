/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of how large a LUKS2 header's JSON may be. */
#include "support.h"

#include "core/luks/luks_area.h"

#define DEVICE (9u * 1024u * 1024u)

static uint8_t *device;

static int setup(void **s)
{
	(void)s;
	device = calloc(1, DEVICE);
	return device ? 0 : -1;
}

static int teardown(void **s)
{
	(void)s;
	free(device);
	return 0;
}

/* A copy of @size bytes at @at, whose JSON begins with @n times @text. */
static void put(size_t at, uint64_t size, const char *text, size_t n)
{
	struct lk_writer w = lk_writer_init(device + at, DEVICE - at);

	lk_write_bytes(&w, at ? "SKUL\xba\xbe" : "LUKS\xba\xbe", 6);
	lk_write_be16(&w, 2);
	lk_write_be64(&w, size);
	w.len = LK_LUKS_BINARY_SIZE;
	for (size_t i = 0; i < n; i++)
		lk_write_bytes(&w, text, strlen(text));
	assert_false(w.failed);
}

static int check(size_t len)
{
	struct lk_err err = { 0 };
	int rc = lk_luks_areas_check((struct lk_bytes){ device, len }, &err);

	assert_true(rc == LK_OK || (rc == LK_E_HEADER && err.msg[0]));
	return rc;
}

static void test_as_much_as_is_allowed_and_one_more(void **s)
{
	(void)s;
	for (size_t more = 0; more < 2; more++) {
		int rc = more ? LK_E_HEADER : LK_OK;

		put(0, LK_LUKS_COPY_MAX, "{}", LK_LUKS_CONTAINERS_MAX + more);
		assert_int_equal(check(DEVICE), rc);
		memset(device, 0, DEVICE);
		put(0, LK_LUKS_COPY_MAX, "[", LK_LUKS_CONTAINERS_MAX + more);
		assert_int_equal(check(DEVICE), rc);
		memset(device, 0, DEVICE);
		put(0, LK_LUKS_COPY_MAX, "1,", LK_LUKS_JSON_MARKS_MAX + more);
		assert_int_equal(check(DEVICE), rc);
		memset(device, 0, DEVICE);
		put(0, LK_LUKS_COPY_MAX, "x", LK_LUKS_JSON_MAX + more);
		assert_int_equal(check(DEVICE), rc);
		memset(device, 0, DEVICE);
	}
}

/* Whatever ends a text for one reader needn't for another. */
static void test_what_follows_a_zero_byte_counts_too(void **s)
{
	(void)s;
	put(0, LK_LUKS_COPY_MAX, "{}", LK_LUKS_CONTAINERS_MAX);
	memset(device + LK_LUKS_COPY_MAX - 1, '{', 1);
	assert_int_equal(check(DEVICE), LK_E_HEADER);
}

static void test_every_place_of_the_second_copy_is_looked_at(void **s)
{
	unsigned int n = 0;

	(void)s;
	for (size_t at = LK_LUKS_SECOND_OFFSET; at <= LK_LUKS_COPY_MAX; at *= 2, n++) {
		memset(device, 0, DEVICE);
		put(at, 0x4000, "{}", 3000);
		assert_int_equal(check(DEVICE), LK_OK);
		memset(device, 0, DEVICE);
		put(at, 0x4000, "{", LK_LUKS_CONTAINERS_MAX + 1);
		assert_int_equal(check(DEVICE), LK_E_HEADER);
		/* Beyond the device's end there is nothing to read. */
		for (size_t len = at; len <= at + LK_LUKS_BINARY_SIZE; len += 512)
			assert_int_equal(check(len), LK_OK);
	}
	assert_int_equal(n, 9);
}

static void test_a_size_that_libcryptsetup_passes_over(void **s)
{
	static const uint64_t sizes[] = { 0, 4096, LK_LUKS_COPY_MAX + 1, UINT64_MAX };

	(void)s;
	for (size_t i = 0; i < N_OF(sizes); i++) {
		put(0, sizes[i], "{}", LK_LUKS_CONTAINERS_MAX + 1);
		assert_int_equal(lk_luks_copy_size(device, DEVICE), 0);
		assert_int_equal(check(DEVICE), LK_OK);
	}
	for (size_t len = 0; len < 16; len++)
		assert_int_equal(lk_luks_copy_size(device, len), 0);
}

static void test_other_bytes_are_no_copy(void **s)
{
	(void)s;
	memset(device, '{', DEVICE);
	assert_int_equal(check(DEVICE), LK_OK);
	for (size_t len = 0; len < 32; len++)
		assert_int_equal(check(len), LK_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_as_much_as_is_allowed_and_one_more, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_follows_a_zero_byte_counts_too, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_every_place_of_the_second_copy_is_looked_at,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_size_that_libcryptsetup_passes_over, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_other_bytes_are_no_copy, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
