/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns trying everything that can be done to a blob of 4 KiB: none of it may be accepted. */
#include "support.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blob/blob.h"
#include "blob/seal.h"

#define BLOB_SIZE 4096u

static const enum lk_curve curves[] = { LK_CURVE_P384, LK_CURVE_P256 };

/* Orders of the groups (SP 800-186, 3.2.1.3 and 3.2.1.4). */
static const char order_p256[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char order_p384[] =
	"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";

/* A blob, whose it is, and the file that changed ones are put into. */
struct subject {
	struct lk_private_key *key;
	struct lk_policy_key public;
	struct lk_secret config_key;
	uint8_t *data;
	size_t len;
	size_t signed_len;
	int fd;
	size_t tried;
	size_t accepted;
};

static int read_zeros(void *ctx, uint8_t *buf, size_t cap, size_t *ret_len, struct lk_err *err)
{
	size_t *left = ctx;

	(void)err;
	*ret_len = *left < cap ? *left : cap;
	memset(buf, 0x5a, *ret_len);
	*left -= *ret_len;
	return LK_OK;
}

static void seal(struct subject *s, size_t plain_len)
{
	const struct lk_seal how = { .key = s->key,
				     .config_key = &s->config_key,
				     .sequence = 5,
				     .created = 1,
				     .plain_len = plain_len };
	size_t left = plain_len;
	const struct lk_source content = { read_zeros, &left };
	struct lk_err err = { 0 };
	off_t end;

	assert_int_equal(ftruncate(s->fd, 0), 0);
	if (lk_blob_seal(&how, &content, s->fd, &err) != LK_OK)
		fail_msg("%s", err.msg);
	end = lseek(s->fd, 0, SEEK_END);
	s->len = (size_t)end;
	s->signed_len = LK_BLOB_HEADER_SIZE + plain_len;
	s->data = malloc(s->len);
	assert_int_equal(pread(s->fd, s->data, s->len, 0), s->len);
}

static void begin(struct subject *s, enum lk_curve curve, size_t size)
{
	*s = (struct subject){ .fd = memfd_create("blob", MFD_CLOEXEC) };
	assert_true(s->fd >= 0);
	assert_int_equal(lk_private_key_generate(curve, &s->key, NULL), LK_OK);
	s->public = *lk_private_key_public(s->key);
	assert_int_equal(lk_random(&s->config_key, 32, NULL), LK_OK);
	seal(s, size - LK_BLOB_HEADER_SIZE - 2 * lk_curve_size(curve) - 7);
}

static void end(struct subject *s)
{
	lk_private_key_free(s->key);
	lk_secret_done(&s->config_key);
	free(s->data);
	close(s->fd);
}

static int verify(struct subject *s, const struct lk_policy_key *key)
{
	LK_OWNED_VERIFIED_BLOB blob = NULL;
	struct lk_err err = { 0 };
	int rc = lk_blob_verify(dup(s->fd), key, NULL, &blob, &err);

	/* Whoever refuses says why, and with a code of those two kinds. */
	if (rc != LK_OK && rc != LK_E_INPUT && rc != LK_E_POLICY)
		fail_msg("rc %d: %s", rc, err.msg);
	assert_true(rc == LK_OK || err.msg[0]);
	return rc;
}

static void put(struct subject *s, const uint8_t *data, size_t len)
{
	assert_int_equal(ftruncate(s->fd, 0), 0);
	assert_int_equal(pwrite(s->fd, data, len, 0), len);
}

static void put_byte(struct subject *s, size_t at, uint8_t v)
{
	assert_int_equal(pwrite(s->fd, &v, 1, (off_t)at), 1);
}

static void expect_refused(struct subject *s, const char *what)
{
	s->tried++;
	if (verify(s, &s->public) != LK_OK)
		return;
	s->accepted++;
	print_message("accepted: %s\n", what);
}

static void tell(struct subject *s, const char *what)
{
	print_message("%s, %s: %zu tried, %zu accepted\n", lk_curve_name(s->public.curve), what,
		      s->tried, s->accepted);
	assert_true(s->tried > 0);
	assert_int_equal(s->accepted, 0);
	s->tried = 0;
	put(s, s->data, s->len);
	assert_int_equal(verify(s, &s->public), LK_OK);
}

static void test_every_flipped_bit_is_refused(void **state)
{
	(void)state;
	for (size_t c = 0; c < N_OF(curves); c++) {
		struct subject s;
		char what[32];

		begin(&s, curves[c], BLOB_SIZE);
		for (size_t i = 0; i < 8 * s.len; i++) {
			uint8_t v = s.data[i / 8] ^ (uint8_t)(1u << i % 8);

			put_byte(&s, i / 8, v);
			(void)snprintf(what, sizeof(what), "bit %zu", i);
			expect_refused(&s, what);
			put_byte(&s, i / 8, s.data[i / 8]);
		}
		assert_int_equal(s.tried, 8 * s.len);
		tell(&s, "flipped bits");
		end(&s);
	}
}

static void test_every_truncation_and_extension_is_refused(void **state)
{
	(void)state;
	for (size_t c = 0; c < N_OF(curves); c++) {
		struct subject s;

		begin(&s, curves[c], BLOB_SIZE);
		for (size_t n = s.len; n-- > 0;) {
			assert_int_equal(ftruncate(s.fd, (off_t)n), 0);
			expect_refused(&s, "a truncation");
		}
		assert_int_equal(s.tried, s.len);
		tell(&s, "truncations");
		for (unsigned int v = 0; v < 256; v++) {
			put(&s, s.data, s.len);
			put_byte(&s, s.len, (uint8_t)v);
			if (v % 2)
				put_byte(&s, s.len + 1, 0);
			expect_refused(&s, "bytes after the end");
		}
		tell(&s, "bytes after the end");
		end(&s);
	}
}

static void put_signature(struct subject *s, const uint8_t *der, size_t len)
{
	uint8_t *whole = malloc(s->signed_len + len);

	memcpy(whole, s->data, s->signed_len);
	memcpy(whole + s->signed_len, der, len);
	put(s, whole, s->signed_len + len);
	free(whole);
}

static void put_raw(struct subject *s, const uint8_t *raw)
{
	uint8_t der[LK_ECDSA_DER_MAX];
	size_t size = lk_curve_size(s->public.curve);

	put_signature(s, der, lk_ecdsa_der_encode((struct lk_bytes){ raw, 2 * size }, der));
}

/* The good signature as r || s. */
static void raw_of(const struct subject *s, uint8_t raw[2 * LK_COORD_MAX])
{
	struct lk_bytes der = { s->data + s->signed_len, s->len - s->signed_len };
	size_t len = 0;

	assert_int_equal(lk_ecdsa_der_decode(der, s->public.curve, raw, &len, NULL), LK_OK);
}

static void test_r_or_s_out_of_range_is_refused(void **state)
{
	(void)state;
	for (size_t c = 0; c < N_OF(curves); c++) {
		struct subject s;
		uint8_t special[7][LK_COORD_MAX] = { { 0 } };
		uint8_t good[2 * LK_COORD_MAX], raw[2 * LK_COORD_MAX];
		size_t size = lk_curve_size(curves[c]);

		begin(&s, curves[c], 512);
		raw_of(&s, good);
		/* 0, 1, n - 1, n, n + 1, the largest, and what is there */
		special[1][size - 1] = 1;
		for (size_t i = 2; i < 5; i++)
			unhex(curves[c] == LK_CURVE_P256 ? order_p256 : order_p384, special[i],
			      size);
		special[2][size - 1]--;
		special[4][size - 1]++;
		memset(special[5], 0xff, size);
		for (size_t i = 0; i < 49; i++) {
			memcpy(raw, i / 7 == 6 ? good : special[i / 7], size);
			memcpy(raw + size, i % 7 == 6 ? good + size : special[i % 7], size);
			put_raw(&s, raw);
			if (i == 48)
				assert_int_equal(verify(&s, &s.public), LK_OK);
			else
				expect_refused(&s, "r or s out of range");
		}
		memcpy(raw, good + size, size);
		memcpy(raw + size, good, size);
		put_raw(&s, raw);
		expect_refused(&s, "r and s exchanged");
		tell(&s, "numbers r and s");
		end(&s);
	}
}

/* Each says the same two numbers; only one way of it is DER. */
static void test_a_signature_that_is_not_der_is_refused(void **state)
{
	(void)state;
	for (size_t c = 0; c < N_OF(curves); c++) {
		struct subject s;
		uint8_t raw[2 * LK_COORD_MAX], out[256];
		size_t size = lk_curve_size(curves[c]);
		const uint8_t *der;
		size_t len;

		begin(&s, curves[c], 512);
		raw_of(&s, raw);
		der = s.data + s.signed_len;
		len = s.len - s.signed_len;

		out[0] = 0x30; /* the length in its long form */
		out[1] = 0x81;
		memcpy(out + 2, der + 1, len - 1);
		put_signature(&s, out, len + 1);
		expect_refused(&s, "a long length");

		out[1] = 0x80; /* BER's indefinite length */
		memcpy(out + 2, der + 2, len - 2);
		out[len] = out[len + 1] = 0;
		put_signature(&s, out, len + 2);
		expect_refused(&s, "an indefinite length");

		memcpy(out, der, 4); /* a zero too many before r */
		out[1]++;
		out[3]++;
		out[4] = 0;
		memcpy(out + 5, der + 4, len - 4);
		put_signature(&s, out, len + 1);
		expect_refused(&s, "a zero before r");

		memcpy(out, der, len); /* a third number */
		out[1] = (uint8_t)(out[1] + 3);
		memcpy(out + len, "\x02\x01\x01", 3);
		put_signature(&s, out, len + 3);
		expect_refused(&s, "three numbers");

		memcpy(out, der, len); /* bytes after it */
		out[len] = 0;
		put_signature(&s, out, len + 1);
		expect_refused(&s, "a byte after");

		put_signature(&s, raw, 2 * size);
		expect_refused(&s, "r and s alone");
		out[0] = 0x31;
		memcpy(out + 1, der + 1, len - 1);
		put_signature(&s, out, len);
		expect_refused(&s, "a SET");
		memset(out, 0, sizeof(out));
		put_signature(&s, out, len);
		expect_refused(&s, "zeros");
		put_signature(&s, out, 0);
		expect_refused(&s, "nothing");
		put_signature(&s, (const uint8_t *)"\x30\x00", 2);
		expect_refused(&s, "an empty SEQUENCE");
		tell(&s, "signatures that aren't DER");
		end(&s);
	}
}

static void test_another_keys_signature_is_refused(void **state)
{
	struct subject s, other, p256;

	(void)state;
	begin(&s, LK_CURVE_P384, 512);
	begin(&other, LK_CURVE_P384, 512);
	begin(&p256, LK_CURVE_P256, 512);
	put_signature(&s, other.data + other.signed_len, other.len - other.signed_len);
	expect_refused(&s, "another key's signature");
	put(&s, other.data, other.len);
	expect_refused(&s, "another key's blob");
	/* The same with our key's ID on it, though that breaks it anyway. */
	memcpy(other.data + 72, s.data + 72, 32);
	put(&s, other.data, other.len);
	expect_refused(&s, "another key's blob under our ID");
	put(&s, p256.data, p256.len);
	expect_refused(&s, "a blob on the other curve");
	p256.data[11] = LK_SUITE_P384;
	memcpy(p256.data + 72, s.data + 72, 32);
	put(&s, p256.data, p256.len);
	expect_refused(&s, "the other curve under our ID and suite");
	put_signature(&s, p256.data + p256.signed_len, p256.len - p256.signed_len);
	expect_refused(&s, "a signature on the other curve");
	tell(&s, "signatures of others");
	end(&s);
	end(&other);
	end(&p256);
}

static void test_what_two_good_blobs_exchange_is_refused(void **state)
{
	/* Fields of the header, and the whole of what is behind it. */
	static const struct {
		size_t at, len;
	} parts[] = { { 16, 8 },   { 24, 8 },	{ 32, 8 },   { 40, 32 },  { 72, 32 },  { 104, 32 },
		      { 136, 16 }, { 152, 32 }, { 184, 16 }, { 200, 16 }, { 136, 80 }, { 0, 216 } };

	(void)state;
	for (size_t c = 0; c < N_OF(curves); c++) {
		struct subject a, b;
		struct lk_seal how = { .sequence = 6, .created = 2 };
		size_t left = 200;
		const struct lk_source content = { read_zeros, &left };
		uint8_t mixed[4096];

		begin(&a, curves[c], 512);
		b = a;
		/* Another sequence, time, target, length and configuration key;
		 * the same policy key. */
		b.fd = memfd_create("blob", MFD_CLOEXEC);
		b.config_key = LK_SECRET_NONE;
		assert_int_equal(lk_random(&b.config_key, 16, NULL), LK_OK);
		how.key = a.key;
		how.config_key = &b.config_key;
		how.plain_len = left;
		memset(how.target, 7, sizeof(how.target));
		assert_int_equal(lk_blob_seal(&how, &content, b.fd, NULL), LK_OK);
		assert_int_equal(verify(&b, &a.public), LK_OK);
		b.len = (size_t)pread(b.fd, mixed, sizeof(mixed), 0);
		b.data = malloc(b.len);
		memcpy(b.data, mixed, b.len);
		for (size_t i = 0; i < N_OF(parts); i++) {
			bool is_same =
				!memcmp(a.data + parts[i].at, b.data + parts[i].at, parts[i].len);

			memcpy(mixed, a.data, a.len);
			memcpy(mixed + parts[i].at, b.data + parts[i].at, parts[i].len);
			put(&a, mixed, a.len);
			/* That is the policy key's ID: they have one key. */
			assert_true(is_same == (parts[i].at == 72));
			if (!is_same)
				expect_refused(&a, "an exchanged field");
		}
		put_signature(&a, b.data + 416, b.len - 416);
		expect_refused(&a, "an exchanged signature");
		memcpy(mixed, b.data, 216);
		memcpy(mixed + 216, a.data + 216, a.len - 216);
		put(&a, mixed, a.len);
		expect_refused(&a, "an exchanged header");
		memcpy(mixed, a.data, a.len);
		memcpy(mixed + 216, b.data + 216, 200);
		put(&a, mixed, a.len);
		expect_refused(&a, "exchanged content");
		tell(&a, "exchanges");
		lk_secret_done(&b.config_key);
		free(b.data);
		close(b.fd);
		end(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_flipped_bit_is_refused),
		cmocka_unit_test(test_every_truncation_and_extension_is_refused),
		cmocka_unit_test(test_r_or_s_out_of_range_is_refused),
		cmocka_unit_test(test_a_signature_that_is_not_der_is_refused),
		cmocka_unit_test(test_another_keys_signature_is_refused),
		cmocka_unit_test(test_what_two_good_blobs_exchange_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
