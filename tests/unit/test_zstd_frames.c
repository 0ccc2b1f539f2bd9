/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of the look at zstd's frames. */
#include "support.h"

#include <stdio.h>

#include "core/config/zstd_frames.h"

static int see(const char *hex, struct lk_zstd_frames *z, struct lk_err *err)
{
	uint8_t data[256];
	size_t len = unhex(hex, data, sizeof(data));
	int whole, rc = LK_OK;
	struct lk_zstd_frames one = { .stage = LK_ZSTD_MAGIC };

	whole = lk_zstd_frames_see(z, data, len, err);
	for (size_t i = 0; i < len && rc == LK_OK; i++)
		rc = lk_zstd_frames_see(&one, data + i, 1, NULL);
	assert_int_equal(rc, whole);
	return whole;
}

static void test_windows_up_to_8_mib_pass_and_larger_ones_do_not(void **s)
{
	static const struct {
		const char *hex;
		int rc;
	} table[] = {
		{ "28b52ffd0068", LK_OK },	      /* 2^23 */
		{ "28b52ffd0069", LK_E_INPUT },	      /* an eighth more */
		{ "28b52ffd0088", LK_E_INPUT },	      /* 128 MiB */
		{ "28b52ffd00ff", LK_E_INPUT },	      /* the largest there is */
		{ "28b52ffda000008000", LK_OK },      /* one segment of 8 MiB */
		{ "28b52ffda001008000", LK_E_INPUT }, /* and of a byte more */
		{ "28b52ffd60ffff", LK_OK },	      /* 16 bits and 256 */
		{ "28b52ffde0ffffffffffffffff", LK_E_INPUT },
		{ "28b52ffd2388888888ff", LK_OK }, /* behind a dictionary's name */
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		struct lk_zstd_frames z = { .stage = LK_ZSTD_MAGIC };
		struct lk_err err = { 0 };

		assert_int_equal(see(table[i].hex, &z, &err), table[i].rc);
		if (table[i].rc != LK_OK)
			assert_non_null(strstr(err.msg, "window"));
	}
}

static void test_a_second_frame_is_looked_at_too(void **s)
{
	/* A raw block of 2 bytes with a checksum, an RLE block, and then a window of 128 MiB. */
	const char *good = "28b52ffd0400"
			   "150000"
			   "6161"
			   "11223344"
			   "28b52ffd0000"
			   "2b0000"
			   "62";
	struct lk_zstd_frames z = { .stage = LK_ZSTD_MAGIC };
	struct lk_err err = { 0 };
	char both[200];

	(void)s;
	assert_int_equal(see(good, &z, &err), LK_OK);
	assert_int_equal(z.stage, LK_ZSTD_MAGIC);
	(void)snprintf(both, sizeof(both), "%s28b52ffd0088", good);
	z = (struct lk_zstd_frames){ .stage = LK_ZSTD_MAGIC };
	assert_int_equal(see(both, &z, &err), LK_E_INPUT);
	assert_non_null(strstr(err.msg, "window"));
	(void)snprintf(both, sizeof(both), "%s00000000", good);
	z = (struct lk_zstd_frames){ .stage = LK_ZSTD_MAGIC };
	assert_int_equal(see(both, &z, &err), LK_E_INPUT);
	assert_non_null(strstr(err.msg, "bytes after"));
}

static void test_skippable_frames_and_unknown_blocks_are_refused(void **s)
{
	struct lk_zstd_frames z = { .stage = LK_ZSTD_MAGIC };

	(void)s;
	assert_int_equal(see("502a4d1800000000", &z, NULL), LK_E_INPUT);
	z = (struct lk_zstd_frames){ .stage = LK_ZSTD_MAGIC };
	assert_int_equal(see("28b52ffd0000070000", &z, NULL), LK_E_INPUT);
}

static void test_what_is_no_zstd_passes(void **s)
{
	struct lk_zstd_frames z = { .stage = LK_ZSTD_MAGIC };

	(void)s;
	assert_int_equal(see("1f8b0800000000000003", &z, NULL), LK_OK);
	assert_int_equal(z.stage, LK_ZSTD_OTHER);
	z = (struct lk_zstd_frames){ .stage = LK_ZSTD_MAGIC };
	assert_int_equal(see("28b5", &z, NULL), LK_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows_up_to_8_mib_pass_and_larger_ones_do_not),
		cmocka_unit_test(test_a_second_frame_is_looked_at_too),
		cmocka_unit_test(test_skippable_frames_and_unknown_blocks_are_refused),
		cmocka_unit_test(test_what_is_no_zstd_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
