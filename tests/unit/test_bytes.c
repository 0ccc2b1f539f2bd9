/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of bounded reading and writing, hexadecimal and base64. */
#include "support.h"

#include "core/base/bytes.h"

static void test_reader_reads_big_endian_and_ends_where_the_bytes_end(void **s)
{
	const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct lk_reader r = lk_reader_init(in, sizeof(in));

	(void)s;
	assert_int_equal(lk_read_u8(&r), 1);
	assert_int_equal(lk_read_be16(&r), 0x0203);
	assert_int_equal(lk_read_be32(&r), 0x04050607);
	assert_false(lk_reader_done(&r));
	assert_true(lk_read_be64(&r) == 0x08090a0b0c0d0e0fu);
	assert_true(lk_reader_done(&r));
}

static void test_reader_reads_little_endian_too(void **s)
{
	const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
	struct lk_reader r = lk_reader_init(in, sizeof(in));

	(void)s;
	assert_int_equal(lk_read_le16(&r), 0x0201);
	assert_int_equal(lk_read_le32(&r), 0x06050403);
	assert_true(lk_read_le64(&r) == 0x0e0d0c0b0a090807u);
	assert_true(lk_reader_done(&r));
	assert_int_equal(lk_read_le32(&r), 0);
	assert_true(r.failed);
}

static void test_reader_stays_failed_and_gives_zeros(void **s)
{
	const uint8_t in[] = { 0xff, 0xff, 0xff };
	struct lk_reader r = lk_reader_init(in, sizeof(in));

	(void)s;
	assert_int_equal(lk_read_be32(&r), 0);
	assert_int_equal(lk_read_u8(&r), 0);
	assert_null(lk_read_bytes(&r, 1).data);
	assert_true(r.failed);
	assert_false(lk_reader_done(&r));
}

static void test_reader_refuses_a_length_that_would_wrap(void **s)
{
	const uint8_t in[4] = { 0 };
	struct lk_reader r = lk_reader_init(in, sizeof(in));

	(void)s;
	(void)lk_read_u8(&r);
	assert_null(lk_read_bytes(&r, SIZE_MAX).data);
	assert_true(r.failed);
}

static void test_writer_writes_what_the_reader_reads(void **s)
{
	uint8_t out[18];
	struct lk_writer w = lk_writer_init(out, sizeof(out));
	struct lk_reader r;

	(void)s;
	lk_write_u8(&w, 0xfe);
	lk_write_be16(&w, 0xfedc);
	lk_write_be32(&w, 0xfedcba98);
	lk_write_be64(&w, 0xfedcba9876543210u);
	lk_write_bytes(&w, "abc", 3);
	assert_false(w.failed);
	r = lk_reader_init(out, w.len);
	assert_int_equal(lk_read_u8(&r), 0xfe);
	assert_int_equal(lk_read_be16(&r), 0xfedc);
	assert_int_equal(lk_read_be32(&r), 0xfedcba98);
	assert_true(lk_read_be64(&r) == 0xfedcba9876543210u);
	assert_memory_equal(lk_read_bytes(&r, 3).data, "abc", 3);
	assert_true(lk_reader_done(&r));
}

static void test_writer_stays_failed_and_writes_no_part(void **s)
{
	uint8_t out[4];
	struct lk_writer w = lk_writer_init(out, 3);

	(void)s;
	poison(out, sizeof(out));
	lk_write_be32(&w, 1);
	lk_write_u8(&w, 1);
	assert_true(w.failed);
	assert_int_equal(w.len, 0);
	assert_true(is_poisoned(out, sizeof(out)));
}

static void test_hex_goes_there_and_back(void **s)
{
	uint8_t all[256];
	uint8_t back[256];
	char text[513];
	size_t len = 0;

	(void)s;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	lk_hex_encode(all, sizeof(all), text);
	assert_int_equal(strlen(text), 512);
	assert_true(lk_hex_decode(text, 512, back, sizeof(back), &len));
	assert_int_equal(len, 256);
	assert_memory_equal(all, back, 256);
}

static void test_hex_takes_either_case_and_nothing_else(void **s)
{
	static const char *const bad[] = { "0",	 "0x00", "0g", "g0", " 00",
					   "0:", "/0",	 "@0", "`0", "00 " };
	uint8_t out[8];
	size_t len = 7;

	(void)s;
	assert_true(lk_hex_decode("aBCdef09", 8, out, 4, &len));
	assert_memory_equal(out, "\xab\xcd\xef\x09", 4);
	assert_false(lk_hex_decode("0011223344", 10, out, 4, &len));
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_false(lk_hex_decode(bad[i], strlen(bad[i]), out, sizeof(out), &len));
	assert_int_equal(len, 4);
}

/* RFC 4648, 10, and lines as PEM breaks them. */
static void test_base64_decodes_the_vectors_of_rfc_4648(void **s)
{
	static const struct {
		const char *text;
		const char *want;
	} vectors[] = {
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" },
		{ "Zm9vYmFy", "foobar" },
		{ "Zm9v\nYmFy\r\n", "foobar" },
		{ "+/+/", "\xfb\xff\xbf" },
		{ "\nZg=\n=\n", "f" },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(vectors); i++) {
		uint8_t out[8];
		size_t len = 99;

		assert_true(lk_base64_decode(vectors[i].text, strlen(vectors[i].text), out,
					     sizeof(out), &len));
		assert_int_equal(len, strlen(vectors[i].want));
		assert_memory_equal(out, vectors[i].want, len);
	}
}

static void test_base64_refuses_every_other_spelling(void **s)
{
	static const char *const bad[] = {
		"Z",	 "Zg",	     "Zg=",	 "Zh==",  "Zm9=",  "=",		"====",	  "Z===",
		"Zg===", "Zg==Zg==", "Zm8=Zm8=", "Zm9v=", "Zm 9v", "Zm9v Zg==", "Zm\t9v", "Zm9-",
		"Zm9_",	 "Zg=a",     "Zg==a",	 "Zm9v!", "Zm9vZ", "\x80mm9",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(bad); i++) {
		uint8_t out[16];
		size_t len = 99;

		if (lk_base64_decode(bad[i], strlen(bad[i]), out, sizeof(out), &len))
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(len, 99);
	}
}

static void test_base64_stays_inside_its_room(void **s)
{
	uint8_t out[4];
	size_t len = 99;

	(void)s;
	poison(out, sizeof(out));
	assert_false(lk_base64_decode("Zm9v", 4, out, 2, &len));
	assert_true(is_poisoned(out + 2, 2));
	assert_true(lk_base64_decode("Zm9v", 4, out, 3, &len));
	assert_int_equal(len, 3);
}

static int parse_base64(const uint8_t *data, size_t len)
{
	uint8_t out[64];
	size_t n;

	return len && lk_base64_decode((const char *)data, len, out, sizeof(out), &n) ? LK_OK
										      : LK_E_INPUT;
}

static void test_base64_cut_inside_a_group_is_refused(void **s)
{
	(void)s;
	assert_int_equal(shortest_that_parses("Zg==", 4, parse_base64), 4);
	assert_int_equal(shortest_that_parses("Zm9vYg==", 8, parse_base64), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_reads_big_endian_and_ends_where_the_bytes_end),
		cmocka_unit_test(test_reader_reads_little_endian_too),
		cmocka_unit_test(test_reader_stays_failed_and_gives_zeros),
		cmocka_unit_test(test_reader_refuses_a_length_that_would_wrap),
		cmocka_unit_test(test_writer_writes_what_the_reader_reads),
		cmocka_unit_test(test_writer_stays_failed_and_writes_no_part),
		cmocka_unit_test(test_hex_goes_there_and_back),
		cmocka_unit_test(test_hex_takes_either_case_and_nothing_else),
		cmocka_unit_test(test_base64_decodes_the_vectors_of_rfc_4648),
		cmocka_unit_test(test_base64_refuses_every_other_spelling),
		cmocka_unit_test(test_base64_stays_inside_its_room),
		cmocka_unit_test(test_base64_cut_inside_a_group_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
