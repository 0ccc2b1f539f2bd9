/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of ECDSA signatures in DER, above all of what isn't DER. */
#include "support.h"

#include "core/policy/ecdsa_der.h"

#define X8(byte)  byte byte byte byte byte byte byte byte
#define X32(byte) X8(byte) X8(byte) X8(byte) X8(byte)
#define X48(byte) X32(byte) X8(byte) X8(byte)

static const enum lk_curve curves[] = { LK_CURVE_P256, LK_CURVE_P384 };

/* Decodes from memory of just that size; a failure leaves the outputs alone. */
static int decode(const uint8_t *der, size_t len, enum lk_curve curve,
		  uint8_t ret[static 2 * LK_COORD_MAX])
{
	uint8_t *exact = malloc(len ? len : 1);
	struct lk_err err = { 0 };
	size_t ret_len = 12345;
	int rc;

	assert_non_null(exact);
	if (len)
		memcpy(exact, der, len);
	poison(ret, 2 * LK_COORD_MAX);
	rc = lk_ecdsa_der_decode((struct lk_bytes){ exact, len }, curve, ret, &ret_len, &err);
	free(exact);
	if (rc == LK_OK) {
		assert_int_equal(ret_len, 2 * lk_curve_size(curve));
		return rc;
	}
	assert_int_equal(rc, LK_E_INPUT);
	assert_non_null(strstr(err.msg, "signature: "));
	assert_int_equal(ret_len, 12345);
	assert_true(is_poisoned(ret, 2 * LK_COORD_MAX));
	return rc;
}

static int decode_hex(const char *hex, enum lk_curve curve)
{
	uint8_t der[256];
	uint8_t raw[2 * LK_COORD_MAX];
	size_t len = unhex(hex, der, sizeof(der));

	return decode(der, len, curve, raw);
}

static void test_what_is_der_is_taken(void **s)
{
	static const struct {
		const char *der;
		uint8_t r; /* last byte of each */
		uint8_t s;
	} table[] = {
		{ "3006020101020101", 1, 1 },
		{ "300602017f020102", 0x7f, 2 },
		{ "300802020080020200ff", 0x80, 0xff },
		/* Out of the range of signatures, but numbers in DER. */
		{ "3006020100020100", 0, 0 },
	};
	uint8_t der[256];
	uint8_t raw[2 * LK_COORD_MAX];

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		size_t len = unhex(table[i].der, der, sizeof(der));

		for (size_t c = 0; c < N_OF(curves); c++) {
			size_t size = lk_curve_size(curves[c]);

			assert_int_equal(decode(der, len, curves[c], raw), LK_OK);
			assert_int_equal(raw[size - 1], table[i].r);
			assert_int_equal(raw[2 * size - 1], table[i].s);
			for (size_t b = 0; b < size - 1; b++)
				assert_int_equal(raw[b] | raw[size + b], 0);
		}
	}
}

static void test_what_is_not_der_is_refused(void **s)
{
	static const char *const table[] = {
		/* cut short */
		"",
		"30",
		"3000",
		"3006",
		"300602",
		"3006020101",
		"30060201010201",
		/* other tags */
		"3106020101020101",
		"2006020101020101",
		"7006020101020101",
		"3006030101020101",
		"3006020101040101",
		"3006820101020101",
		/* lengths in the long form, or none */
		"308106020101020101",
		"30820006020101020101",
		"308400000006020101020101",
		"30800201010201010000",
		"30ff020101020101",
		"300702810101020101",
		"300702010102810101",
		"30080282000101020101",
		"30080280010000020101",
		/* the sequence's length says something else */
		"3005020101020101",
		"3007020101020101",
		"3000020101020101",
		/* bytes after the end, and after the second number */
		"300602010102010100",
		"30060201010201010500",
		"300702010102010100",
		"30080201010201010500",
		/* one number, three, another thing */
		"3003020101",
		"3009020101020101020101",
		"30083006020101020101",
		/* negative */
		"3006020180020101",
		"3006020101020180",
		"30060201ff020101",
		"300702028000020101",
		/* a zero in front that no sign asks for */
		"300702020001020101",
		"300702010102020001",
		"30070202007f020101",
		"300702020000020101",
		"30080203000080020101",
		/* of no length */
		"30050200020101",
		"30050201010200",
		"300402000200",
		/* the number is longer than the sequence */
		"3006020201020101",
		"3006020101027f01",
		"3006020101020201",
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++)
		for (size_t c = 0; c < N_OF(curves); c++)
			if (decode_hex(table[i], curves[c]) != LK_E_INPUT)
				fail_msg("taken: %s", table[i]);
}

static void test_numbers_as_large_as_the_curve_and_no_larger(void **s)
{
	static const struct {
		const char *der;
		enum lk_curve curve;
		int rc;
	} table[] = {
		{ "30250220" X32("7f") "020101", LK_CURVE_P256, LK_OK },
		{ "3026022100" X32("ff") "020101", LK_CURVE_P256, LK_OK },
		{ "3026022101" X32("ff") "020101", LK_CURVE_P256, LK_E_INPUT },
		{ "3026020101022101" X32("00"), LK_CURVE_P256, LK_E_INPUT },
		{ "302702220080" X32("00") "020101", LK_CURVE_P256, LK_E_INPUT },
		{ "30350230" X48("7f") "020101", LK_CURVE_P384, LK_OK },
		{ "3036023100" X48("ff") "020101", LK_CURVE_P384, LK_OK },
		{ "3036023101" X48("ff") "020101", LK_CURVE_P384, LK_E_INPUT },
		{ "3036020101023101" X48("00"), LK_CURVE_P384, LK_E_INPUT },
		/* of the other curve */
		{ "30350230" X48("7f") "020101", LK_CURVE_P256, LK_E_INPUT },
		{ "30250220" X32("7f") "020101", LK_CURVE_P384, LK_OK },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++)
		if (decode_hex(table[i].der, table[i].curve) != table[i].rc)
			fail_msg("%s", table[i].der);
}

static void assert_round_trip(const uint8_t *raw, enum lk_curve curve)
{
	uint8_t der[LK_ECDSA_DER_MAX];
	uint8_t again[2 * LK_COORD_MAX];
	size_t len = 2 * lk_curve_size(curve);
	size_t der_len = lk_ecdsa_der_encode((struct lk_bytes){ raw, len }, der);

	assert_true(der_len <= LK_ECDSA_DER_MAX);
	assert_int_equal(decode(der, der_len, curve, again), LK_OK);
	assert_memory_equal(raw, again, len);
	for (size_t n = 0; n < der_len; n++)
		assert_int_equal(decode(der, n, curve, again), LK_E_INPUT);
}

static void test_numbers_of_each_length_are_written_and_read(void **s)
{
	static const uint8_t firsts[] = { 0x01, 0x7f, 0x80, 0xff };
	uint8_t raw[2 * LK_COORD_MAX];

	(void)s;
	for (size_t c = 0; c < N_OF(curves); c++) {
		size_t size = lk_curve_size(curves[c]);

		for (size_t at = 0; at <= size; at++)
			for (size_t f = 0; f < N_OF(firsts); f++) {
				memset(raw, 0xa5, sizeof(raw));
				memset(raw, 0, at);
				memset(raw + size, 0, size - at);
				if (at < size)
					raw[at] = firsts[f];
				if (at > 0)
					raw[2 * size - at] = firsts[f];
				assert_round_trip(raw, curves[c]);
			}
	}
}

/* Each byte that says tag or length says it in one way alone. */
static void test_a_flipped_bit_of_tags_and_lengths_is_refused(void **s)
{
	uint8_t raw[2 * LK_COORD_MAX];
	uint8_t der[LK_ECDSA_DER_MAX];
	uint8_t out[2 * LK_COORD_MAX];
	size_t len;

	(void)s;
	memset(raw, 0x5a, sizeof(raw));
	len = lk_ecdsa_der_encode((struct lk_bytes){ raw, sizeof(raw) }, der);
	assert_int_equal(len, 2 + 2 * (2 + 48));
	for (size_t bit = 0; bit < len * 8; bit++) {
		size_t byte = bit / 8;
		bool is_value = (byte >= 4 && byte < 52) || byte >= 54;

		if (is_value)
			continue;
		der[byte] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(decode(der, len, LK_CURVE_P384, out), LK_E_INPUT);
		der[byte] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_the_longest_fits(void **s)
{
	uint8_t raw[2 * LK_COORD_MAX];
	uint8_t der[LK_ECDSA_DER_MAX];

	(void)s;
	memset(raw, 0xff, sizeof(raw));
	assert_int_equal(lk_ecdsa_der_encode((struct lk_bytes){ raw, sizeof(raw) }, der), 104);
	assert_int_equal(lk_ecdsa_der_encode((struct lk_bytes){ raw, 64 }, der), 72);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_der_is_taken),
		cmocka_unit_test(test_what_is_not_der_is_refused),
		cmocka_unit_test(test_numbers_as_large_as_the_curve_and_no_larger),
		cmocka_unit_test(test_numbers_of_each_length_are_written_and_read),
		cmocka_unit_test(test_a_flipped_bit_of_tags_and_lengths_is_refused),
		cmocka_unit_test(test_the_longest_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
