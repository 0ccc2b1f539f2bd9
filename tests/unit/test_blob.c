/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of a blob's header: its bytes, its cuts, its sizes, its identifiers. */
#include "support.h"

#include "core/config/blob.h"
#include "sys/crypto/crypto.h"

#define X4(byte)  byte byte byte byte
#define X16(byte) X4(byte) X4(byte) X4(byte) X4(byte)
#define X32(byte) X16(byte) X16(byte)
#define P256_SPKI                                                                                  \
	"3059301306072a8648ce3d020106082a8648ce3d03010703420004"                                   \
	"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"                         \
	"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

static const char golden[] = "894c4b420d0a1a0a" /*   0 magic */
			     "0001"		/*   8 version */
			     "0001"		/*  10 suite */
			     "00000000"		/*  12 reserved */
			     "0102030405060708" /*  16 sequence */
			     "1112131415161718" /*  24 created */
			     "0000000000001000" /*  32 plaintext length */
	X32("21")				/*  40 target */
	X32("31")				/*  72 policy key */
	X32("41")				/* 104 configuration key */
	X16("51")				/* 136 wrap IV */
	X16("61") X16("62")			/* 152 wrapped content key */
	X16("71")				/* 184 check */
	X16("81");				/* 200 IV */

static void golden_bytes(uint8_t out[static LK_BLOB_HEADER_SIZE])
{
	assert_int_equal(unhex(golden, out, LK_BLOB_HEADER_SIZE), LK_BLOB_HEADER_SIZE);
}

/* Reads from memory of just that size; a failure leaves the output alone. */
static int read_header(const uint8_t *data, size_t len, struct lk_blob_header *ret,
		       struct lk_err *err)
{
	uint8_t *exact = malloc(len ? len : 1);
	int rc;

	assert_non_null(exact);
	memcpy(exact, data, len);
	poison(ret, sizeof(*ret));
	rc = lk_blob_header_read(exact, len, ret, err);
	free(exact);
	if (rc != LK_OK) {
		assert_int_equal(rc, LK_E_INPUT);
		assert_true(is_poisoned(ret, sizeof(*ret)));
	}
	return rc;
}

static void assert_filled(const uint8_t *data, size_t len, uint8_t byte)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(data[i], byte);
}

static void test_each_field_lies_where_the_man_page_says(void **s)
{
	uint8_t bytes[LK_BLOB_HEADER_SIZE];
	uint8_t again[LK_BLOB_HEADER_SIZE];
	struct lk_blob_header h;

	(void)s;
	golden_bytes(bytes);
	assert_int_equal(read_header(bytes, sizeof(bytes), &h, NULL), LK_OK);
	assert_int_equal(h.suite, LK_SUITE_P384);
	assert_true(h.sequence == UINT64_C(0x0102030405060708));
	assert_true(h.created == UINT64_C(0x1112131415161718));
	assert_true(h.plain_len == 4096);
	assert_filled(h.target, sizeof(h.target), 0x21);
	assert_filled(h.policy_key, sizeof(h.policy_key), 0x31);
	assert_filled(h.config_key, sizeof(h.config_key), 0x41);
	assert_filled(h.wrap_iv, sizeof(h.wrap_iv), 0x51);
	assert_filled(h.wrapped, 16, 0x61);
	assert_filled(h.wrapped + 16, 16, 0x62);
	assert_filled(h.check, sizeof(h.check), 0x71);
	assert_filled(h.iv, sizeof(h.iv), 0x81);
	lk_blob_header_write(&h, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

static void test_a_header_cut_anywhere_is_refused(void **s)
{
	uint8_t bytes[LK_BLOB_HEADER_SIZE + 1] = { 0 };
	struct lk_blob_header h;
	struct lk_err err = { 0 };

	(void)s;
	golden_bytes(bytes);
	for (size_t n = 0; n < LK_BLOB_HEADER_SIZE; n++) {
		assert_int_equal(read_header(bytes, n, &h, &err), LK_E_INPUT);
		if (n >= 8 && !strstr(err.msg, "cut short"))
			fail_msg("%zu bytes: %s", n, err.msg);
	}
	assert_int_equal(read_header(bytes, sizeof(bytes), &h, NULL), LK_OK);
}

static void test_a_flipped_bit_before_the_sequence_is_refused(void **s)
{
	static const char *const said[] = { "offset 0: ", "offset 8: ", "offset 10: ",
					    "offset 12: " };
	static const size_t ends[] = { 8, 10, 12, 16 };
	uint8_t bytes[LK_BLOB_HEADER_SIZE];
	struct lk_blob_header h;
	struct lk_err err = { 0 };
	size_t place = 0;

	(void)s;
	golden_bytes(bytes);
	for (size_t bit = 0; bit < 16 * 8; bit++) {
		place += bit / 8 == ends[place];
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(read_header(bytes, sizeof(bytes), &h, &err), LK_E_INPUT);
		if (!strstr(err.msg, said[place]))
			fail_msg("bit %zu: %s", bit, err.msg);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* After the suite every bit is part of a field that is written as it is read. */
static void test_each_bit_of_each_field_is_read_and_written(void **s)
{
	uint8_t bytes[LK_BLOB_HEADER_SIZE];
	uint8_t again[LK_BLOB_HEADER_SIZE];
	struct lk_blob_header h;
	unsigned int refused = 0;

	(void)s;
	golden_bytes(bytes);
	for (size_t bit = 16 * 8; bit < LK_BLOB_HEADER_SIZE * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (read_header(bytes, sizeof(bytes), &h, NULL) == LK_OK) {
			lk_blob_header_write(&h, again);
			assert_memory_equal(bytes, again, sizeof(bytes));
		} else {
			refused++;
		}
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* The plaintext's length: 2^40 and all above, and its only bit. */
	assert_int_equal(refused, 24 + 1);
}

static int read_with(size_t offset, const char *hex, struct lk_err *err)
{
	uint8_t bytes[LK_BLOB_HEADER_SIZE];
	struct lk_blob_header h;

	golden_bytes(bytes);
	(void)unhex(hex, bytes + offset, sizeof(bytes) - offset);
	return read_header(bytes, sizeof(bytes), &h, err);
}

static void test_values_out_of_their_range_are_refused_with_their_offset(void **s)
{
	static const struct {
		size_t offset;
		const char *bytes;
		const char *said; /* NULL: taken */
	} table[] = {
		{ 8, "0000", "offset 8: " },
		{ 8, "0002", "offset 8: " },
		{ 10, "0000", "offset 10: " },
		{ 10, "0003", "offset 10: " },
		{ 12, "00000001", "offset 12: " },
		{ 12, "80000000", "offset 12: " },
		{ 16, "0000000000000000", "offset 16: " },
		{ 16, "0000000000000001", NULL },
		{ 16, "ffffffffffffffff", NULL },
		{ 24, "0000000000000000", NULL },
		{ 32, "0000000000000000", "offset 32: " },
		{ 32, "0000000000000001", NULL },
		{ 32, "0000010000000000", NULL },
		{ 32, "0000010000000001", "offset 32: " },
		{ 32, "ffffffffffffffff", "offset 32: " },
		{ 32, "ffffffffffffff27", "offset 32: " },
	};

	(void)s;
	for (size_t i = 0; i < N_OF(table); i++) {
		struct lk_err err = { 0 };
		int rc = read_with(table[i].offset, table[i].bytes, &err);

		assert_int_equal(rc, table[i].said ? LK_E_INPUT : LK_OK);
		if (table[i].said && !strstr(err.msg, table[i].said))
			fail_msg("%s: %s", table[i].bytes, err.msg);
	}
}

static void test_suite_2_has_zeros_after_its_shorter_key(void **s)
{
	uint8_t bytes[LK_BLOB_HEADER_SIZE];
	uint8_t again[LK_BLOB_HEADER_SIZE];
	struct lk_blob_header h;
	struct lk_err err = { 0 };

	(void)s;
	golden_bytes(bytes);
	bytes[11] = 2;
	memset(bytes + 168, 0, 16);
	assert_int_equal(read_header(bytes, sizeof(bytes), &h, NULL), LK_OK);
	assert_int_equal(h.suite, LK_SUITE_P256);
	lk_blob_header_write(&h, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
	for (size_t i = 168; i < 184; i++) {
		bytes[i] = 1;
		assert_int_equal(read_header(bytes, sizeof(bytes), &h, &err), LK_E_INPUT);
		assert_non_null(strstr(err.msg, "offset 168: "));
		bytes[i] = 0;
	}
}

static void test_a_file_has_the_size_that_its_header_says(void **s)
{
	static const uint64_t lengths[] = { 1, 4096, UINT64_C(1) << 40 };

	(void)s;
	for (size_t i = 0; i < N_OF(lengths); i++) {
		struct lk_blob_header h = { .plain_len = lengths[i] };
		uint64_t end = LK_BLOB_HEADER_SIZE + lengths[i];
		struct lk_err err = { 0 };

		assert_int_equal(lk_blob_check_size(&h, 0, NULL), LK_E_INPUT);
		assert_int_equal(lk_blob_check_size(&h, end, NULL), LK_E_INPUT);
		assert_int_equal(lk_blob_check_size(&h, end + 7, &err), LK_E_INPUT);
		assert_non_null(strstr(err.msg, "cut short"));
		assert_int_equal(lk_blob_check_size(&h, end + 8, NULL), LK_OK);
		assert_int_equal(lk_blob_check_size(&h, end + LK_ECDSA_DER_MAX, NULL), LK_OK);
		assert_int_equal(lk_blob_check_size(&h, end + LK_ECDSA_DER_MAX + 1, &err),
				 LK_E_INPUT);
		assert_non_null(strstr(err.msg, "after the end"));
		assert_int_equal(lk_blob_check_size(&h, UINT64_MAX, NULL), LK_E_INPUT);
	}
}

static void test_a_target_of_zeros_is_any_device(void **s)
{
	struct lk_blob_header h = { 0 };

	(void)s;
	assert_true(lk_blob_for_any(&h));
	for (size_t i = 0; i < sizeof(h.target); i++) {
		h.target[i] = 1;
		assert_false(lk_blob_for_any(&h));
		h.target[i] = 0;
	}
}

static void test_suites_and_curves_belong_together(void **s)
{
	(void)s;
	assert_int_equal(lk_suite_of(LK_CURVE_P384), LK_SUITE_P384);
	assert_int_equal(lk_suite_of(LK_CURVE_P256), LK_SUITE_P256);
	assert_int_equal(lk_suite_curve(LK_SUITE_P384), LK_CURVE_P384);
	assert_int_equal(lk_suite_curve(LK_SUITE_P256), LK_CURVE_P256);
	assert_int_equal(lk_suite_key_size(LK_SUITE_P384), 32);
	assert_int_equal(lk_suite_key_size(LK_SUITE_P256), 16);
	assert_string_equal(lk_suite_name(LK_SUITE_P384), "ECDSA P-384, SHA-384, AES-256-CTR");
	assert_string_equal(lk_suite_name(LK_SUITE_P256), "ECDSA P-256, SHA-256, AES-128-CTR");
}

/* The hashes are sha256sum's. */
static void test_identifiers_are_sha256(void **s)
{
	const struct lk_name name = { 3, { 0x00, 0x0b, 0x01 } };
	uint8_t spki[LK_SPKI_MAX];
	uint8_t zero[16] = { 0 };
	uint8_t id[LK_BLOB_ID_SIZE];
	uint8_t want[LK_BLOB_ID_SIZE];
	struct lk_policy_key key;
	size_t len = unhex(P256_SPKI, spki, sizeof(spki));

	(void)s;
	assert_int_equal(lk_policy_key_from_spki(spki, len, &key, NULL), LK_OK);
	assert_int_equal(lk_policy_key_id(&key, lk_crypto_hash, id, NULL), LK_OK);
	(void)unhex("5cd252fb0ce8932436faf8ccd1040981b89ee4ad6b9fe9e2a2b7e71aacb27cd3", want,
		    sizeof(want));
	assert_memory_equal(id, want, sizeof(id));
	assert_int_equal(lk_config_key_id(zero, lk_crypto_hash, id, NULL), LK_OK);
	(void)unhex("374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb", want,
		    sizeof(want));
	assert_memory_equal(id, want, sizeof(id));
	assert_int_equal(lk_device_id(&name, lk_crypto_hash, id, NULL), LK_OK);
	(void)unhex("9ea21936dec2b8b0e4015f806346cc6db75da7cc0f8d106e787f751c097db194", want,
		    sizeof(want));
	assert_memory_equal(id, want, sizeof(id));
}

static void test_a_hash_that_fails_gives_no_identifier(void **s)
{
	uint8_t id[LK_BLOB_ID_SIZE];
	uint8_t zero[16] = { 0 };
	struct lk_err err = { 0 };

	(void)s;
	poison(id, sizeof(id));
	assert_int_equal(lk_config_key_id(zero, failing_hash, id, &err), LK_E_SYSTEM);
	assert_true(is_poisoned(id, sizeof(id)));
	assert_int_equal(err.rc, LK_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field_lies_where_the_man_page_says),
		cmocka_unit_test(test_a_header_cut_anywhere_is_refused),
		cmocka_unit_test(test_a_flipped_bit_before_the_sequence_is_refused),
		cmocka_unit_test(test_each_bit_of_each_field_is_read_and_written),
		cmocka_unit_test(test_values_out_of_their_range_are_refused_with_their_offset),
		cmocka_unit_test(test_suite_2_has_zeros_after_its_shorter_key),
		cmocka_unit_test(test_a_file_has_the_size_that_its_header_says),
		cmocka_unit_test(test_a_target_of_zeros_is_any_device),
		cmocka_unit_test(test_suites_and_curves_belong_together),
		cmocka_unit_test(test_identifiers_are_sha256),
		cmocka_unit_test(test_a_hash_that_fails_gives_no_identifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
