/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tests of PE images: reading them, and their Authenticode digest. */
#include "images.h"

#include "core/predict/pe.h"

static const struct part parts[] = { { ".text", "some code", 9 },
				     { ".data", "", 0 },
				     { ".linux", "a kernel", 8 } };
static const struct lk_bytes unsigned_image = { NULL, 0 };

static int parse(const uint8_t *data, size_t len)
{
	struct lk_pe pe;
	int rc;

	poison(&pe, sizeof(pe));
	rc = lk_pe_read((struct lk_bytes){ data, len }, &pe, NULL);
	assert_true(rc == LK_OK || is_poisoned(&pe, sizeof(pe)));
	return rc;
}

static struct lk_pe read_made(const struct made *m)
{
	struct lk_pe pe;
	struct lk_err err = { 0 };

	if (lk_pe_read((struct lk_bytes){ m->data, m->len }, &pe, &err) != LK_OK)
		fail_msg("%s", err.msg);
	return pe;
}

static void test_sections_are_found_by_name(void **s)
{
	const struct lk_pe_section *section;
	struct lk_pe pe;
	struct made m;

	(void)s;
	put_image(&m, parts, N_OF(parts), unsigned_image);
	pe = read_made(&m);
	assert_int_equal(pe.n_sections, 3);
	section = lk_pe_find(&pe, ".linux");
	assert_non_null(section);
	assert_int_equal(section->memory_size, 8);
	assert_int_equal(section->raw.len, 8);
	assert_memory_equal(section->raw.data, "a kernel", 8);
	assert_null(lk_pe_find(&pe, ".nothing"));
	assert_int_equal(lk_pe_find(&pe, ".data")->raw.len, 0);
}

static void digest_of(const struct made *m, struct lk_digest *ret)
{
	struct lk_pe pe = read_made(m);

	assert_true(lk_pe_digest(&pe, LK_ALG_SHA256, lk_crypto_hash, ret));
}

/* Put together here in another way: what is hashed is copied out. */
static void test_the_digest_leaves_out_checksum_and_signatures(void **s)
{
	struct made m, hashed = { .len = 0 };
	struct lk_digest digest, want;
	struct lk_bytes bytes;

	(void)s;
	put_image(&m, parts, N_OF(parts), text_bytes("signatures"));
	put(&hashed, m.data, IMAGE_CHECKSUM);
	put(&hashed, m.data + IMAGE_CHECKSUM + 4, IMAGE_CERTS - IMAGE_CHECKSUM - 4);
	put(&hashed, m.data + IMAGE_CERTS + 8, m.len - 10 - IMAGE_CERTS - 8);
	bytes = (struct lk_bytes){ hashed.data, hashed.len };
	digest_of(&m, &digest);
	assert_true(lk_crypto_hash(LK_ALG_SHA256, &bytes, 1, &want));
	assert_true(lk_digest_equal(&digest, &want));
	m.data[IMAGE_CHECKSUM] ^= 1;
	m.data[m.len - 1] ^= 1;
	digest_of(&m, &digest);
	assert_true(lk_digest_equal(&digest, &want));
	m.data[IMAGE_CHECKSUM + 4] ^= 1;
	digest_of(&m, &digest);
	assert_false(lk_digest_equal(&digest, &want));
}

static void test_sections_are_hashed_in_the_files_order(void **s)
{
	struct lk_digest digest, want;
	struct made m;
	uint8_t first[40];

	(void)s;
	put_image(&m, parts, N_OF(parts), unsigned_image);
	digest_of(&m, &want);
	/* The table's order is part of the header, so blank both. */
	memcpy(first, m.data + IMAGE_SECTIONS, 40);
	memcpy(m.data + IMAGE_SECTIONS, m.data + IMAGE_SECTIONS + 80, 40);
	memcpy(m.data + IMAGE_SECTIONS + 80, first, 40);
	{
		const struct lk_bytes all[] = {
			{ m.data, IMAGE_CHECKSUM },
			{ m.data + IMAGE_CHECKSUM + 4, IMAGE_CERTS - IMAGE_CHECKSUM - 4 },
			{ m.data + IMAGE_CERTS + 8, m.len - IMAGE_CERTS - 8 }
		};

		assert_true(lk_crypto_hash(LK_ALG_SHA256, all, 3, &want));
	}
	digest_of(&m, &digest);
	assert_true(lk_digest_equal(&digest, &want));
}

static void test_what_follows_the_sections_is_hashed(void **s)
{
	struct lk_digest digest, other;
	struct made m;

	(void)s;
	put_image(&m, parts, N_OF(parts), unsigned_image);
	digest_of(&m, &digest);
	put(&m, "x", 1);
	digest_of(&m, &other);
	assert_false(lk_digest_equal(&digest, &other));
	assert_false(lk_pe_digest(&(struct lk_pe){ .headers_size = 4 }, LK_ALG_SHA256, failing_hash,
				  &other));
}

static void test_an_image_cut_anywhere_is_refused(void **s)
{
	struct made m;

	(void)s;
	put_image(&m, parts, N_OF(parts), text_bytes("signatures"));
	assert_int_equal(shortest_that_parses((const char *)m.data, m.len, parse), m.len);
	assert_int_equal(parse(m.data, m.len), LK_OK);
}

static void test_fields_that_lead_outside_are_refused(void **s)
{
	static const size_t fields[] = {
		0x3c,
		IMAGE_HEADERS,
		IMAGE_CERTS,
		IMAGE_CERTS + 4,
		IMAGE_SECTIONS + 16,
		IMAGE_SECTIONS + 20,
		IMAGE_SECTIONS + 96,
	};
	static const struct {
		size_t at;
		uint8_t value;
	} bytes[] = {
		{ 0, 'X' },
		{ IMAGE_PE, 'X' },
		{ IMAGE_N_SECTIONS, 97 },
		{ IMAGE_N_SECTIONS, 40 },
		{ IMAGE_OPTIONAL, 0xff },
		{ IMAGE_OPT_SIZE, 111 },
		{ IMAGE_OPT_SIZE, 151 },
		{ IMAGE_OPT_SIZE + 1, 0xff },
		{ IMAGE_CERTS, 0xff },
		{ IMAGE_CERTS + 4, 9 },
		{ IMAGE_HEADERS + 1, 0 },
	};
	struct made m;

	(void)s;
	for (size_t i = 0; i < N_OF(fields) + N_OF(bytes); i++) {
		put_image(&m, parts, N_OF(parts), text_bytes("signatures"));
		if (i < N_OF(fields))
			overwrite_length(m.data, fields[i]);
		else
			m.data[bytes[i - N_OF(fields)].at] = bytes[i - N_OF(fields)].value;
		if (parse(m.data, m.len) != LK_E_INPUT)
			fail_msg("%zu is taken", i);
	}
}

static void test_an_image_without_a_place_for_signatures_is_hashed_whole(void **s)
{
	struct lk_digest digest, want;
	struct lk_bytes all[2];
	struct made m;

	(void)s;
	put_image(&m, parts, N_OF(parts), unsigned_image);
	m.data[IMAGE_N_DIRS] = 4;
	all[0] = (struct lk_bytes){ m.data, IMAGE_CHECKSUM };
	all[1] = (struct lk_bytes){ m.data + IMAGE_CHECKSUM + 4, m.len - IMAGE_CHECKSUM - 4 };
	digest_of(&m, &digest);
	assert_true(lk_crypto_hash(LK_ALG_SHA256, all, 2, &want));
	assert_true(lk_digest_equal(&digest, &want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections_are_found_by_name),
		cmocka_unit_test(test_the_digest_leaves_out_checksum_and_signatures),
		cmocka_unit_test(test_sections_are_hashed_in_the_files_order),
		cmocka_unit_test(test_what_follows_the_sections_is_hashed),
		cmocka_unit_test(test_an_image_cut_anywhere_is_refused),
		cmocka_unit_test(test_fields_that_lead_outside_are_refused),
		cmocka_unit_test(test_an_image_without_a_place_for_signatures_is_hashed_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
