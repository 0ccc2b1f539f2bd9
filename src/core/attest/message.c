/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the challenge, and what a device asks. */
#include "core/attest/message.h"

#include <stdio.h>
#include <string.h>

#include "core/attest/refusal.h"
#include "core/base/json_read.h"
#include "core/base/json_text.h"

#define BASE64_MAX(len) (LK_BASE64_SIZE(len))

static int bad(struct lk_err *err, const char *field, const char *what)
{
	return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_MESSAGE, "%s: %s", field, what);
}

static int read_fields(struct lk_bytes text, bool strict, struct lk_json_field *fields, size_t n,
		       struct lk_err *err)
{
	int rc = lk_json_read(text, strict, fields, n, err);

	if (rc != LK_OK && err)
		err->code = LK_REFUSAL_MESSAGE;
	return rc;
}

size_t lk_challenge_write(const struct lk_challenge *challenge, char out[static LK_CHALLENGE_TEXT])
{
	struct lk_json_text j = { .data = out, .cap = LK_CHALLENGE_TEXT - 1 };
	char pcrs[LK_PCR_MASK_TEXT];

	lk_pcr_mask_format(challenge->pcrs.mask, pcrs);
	lk_json_text_open(&j, NULL, '{');
	lk_json_text_base64(&j, "nonce", (struct lk_bytes){ challenge->nonce, LK_NONCE_SIZE });
	lk_json_text_string(&j, "bank", lk_alg_name(challenge->pcrs.bank));
	lk_json_text_string(&j, "pcrs", pcrs);
	lk_json_text_close(&j, '}');
	out[j.len] = '\0';
	return j.full ? 0 : j.len;
}

/* A string of the message as a C string; @max has bounded it. */
static const char *word(const struct lk_json_field *f, char *out, size_t cap)
{
	size_t len = f->text.len < cap - 1 ? f->text.len : cap - 1;

	if (len)
		memcpy(out, f->text.data, len);
	out[len] = '\0';
	return out;
}

int lk_challenge_read(struct lk_bytes text, struct lk_challenge *ret, struct lk_err *err)
{
	struct lk_json_field f[] = {
		{ .key = "nonce", .kind = LK_JSON_STRING, .max = BASE64_MAX(LK_NONCE_SIZE) },
		{ .key = "bank", .kind = LK_JSON_STRING, .max = 8 },
		{ .key = "pcrs", .kind = LK_JSON_STRING, .max = LK_PCR_MASK_TEXT - 1 },
	};
	struct lk_challenge c;
	char bank[9], pcrs[LK_PCR_MASK_TEXT];
	size_t len = 0;

	LK_TRY(read_fields(text, false, f, 3, err));
	if (!lk_base64_decode((const char *)f[0].text.data, f[0].text.len, c.nonce, sizeof(c.nonce),
			      &len) ||
	    len != LK_NONCE_SIZE)
		return bad(err, "nonce", "it isn't base64 of 32 bytes");
	c.pcrs.bank = lk_alg_from_name(word(&f[1], bank, sizeof(bank)));
	if (c.pcrs.bank == LK_ALG_NONE)
		return bad(err, "bank", "sha256 or sha384 is expected");
	if (lk_pcr_mask_parse(word(&f[2], pcrs, sizeof(pcrs)), &c.pcrs.mask, NULL) != LK_OK)
		return bad(err, "pcrs", "numbers below 24 with commas between them are expected");
	*ret = c;
	return LK_OK;
}

int lk_challenge_request_read(struct lk_bytes text, struct lk_err *err)
{
	return read_fields(text, true, NULL, 0, err);
}

/* One row a field that is base64; the order is that of the writer. */
enum field {
	F_AK,
	F_QUOTE,
	F_SIGNATURE,
	F_NONCE,
	F_BOOT,
	F_IMA_FROM,
	F_VALUES,
	F_FIRMWARE,
	F_IMA,
	F_MEASURED,
	F_FLOORS,
	F_COUNT
};

static const char *const floor_names[LK_FLOOR_COUNT] = { "version", "sequence" };
#define FLOOR_TEXT_MAX (2u * (BASE64_MAX(LK_ATTEST_MAX) + BASE64_MAX(LK_TPMT_SIGNATURE_MAX) + 64u))

/* Where the bytes are written that base64 stood for: over itself. */
static int decode(uint8_t *base, const uint8_t *origin, const struct lk_json_field *f,
		  struct lk_bytes *ret, struct lk_err *err)
{
	uint8_t *place;
	size_t len = 0;

	*ret = (struct lk_bytes){ NULL, 0 };
	if (!f->present)
		return LK_OK;
	place = base + (f->text.data - origin);
	if (!f->text.len || memchr(f->text.data, '\n', f->text.len) ||
	    !lk_base64_decode((const char *)f->text.data, f->text.len, place, f->text.len, &len))
		return bad(err, f->key, "it isn't base64 in one line");
	*ret = (struct lk_bytes){ place, len };
	return LK_OK;
}

static int read_signed(uint8_t *text, const struct lk_json_field *object,
		       struct lk_signed_attest *ret, struct lk_err *err)
{
	struct lk_json_field f[] = {
		{ .key = "attest", .kind = LK_JSON_STRING, .max = BASE64_MAX(LK_ATTEST_MAX) },
		{ .key = "signature",
		  .kind = LK_JSON_STRING,
		  .max = BASE64_MAX(LK_TPMT_SIGNATURE_MAX) },
	};

	LK_TRY(read_fields(object->text, true, f, 2, err));
	LK_TRY(decode(text, text, &f[0], &ret->attest, err));
	return decode(text, text, &f[1], &ret->signature, err);
}

static int read_floors(uint8_t *text, const struct lk_json_field *object,
		       struct lk_attest_request *ret, struct lk_err *err)
{
	struct lk_json_field f[LK_FLOOR_COUNT];

	if (!object->present)
		return LK_OK;
	for (size_t i = 0; i < LK_FLOOR_COUNT; i++)
		f[i] = (struct lk_json_field){ .key = floor_names[i],
					       .kind = LK_JSON_OBJECT,
					       .max = FLOOR_TEXT_MAX / 2,
					       .optional = true };
	LK_TRY(read_fields(object->text, true, f, LK_FLOOR_COUNT, err));
	for (size_t i = 0; i < LK_FLOOR_COUNT; i++)
		if (f[i].present)
			LK_TRY(read_signed(text, &f[i], &ret->floor[i], err));
	return LK_OK;
}

int lk_attest_request_read(uint8_t *text, size_t len, struct lk_attest_request *ret,
			   struct lk_err *err)
{
	struct lk_attest_request r = { 0 };
	struct lk_json_field f[F_COUNT] = {
		[F_AK] = { .key = "ak", .max = 2u * LK_NAME_MAX },
		[F_QUOTE] = { .key = "quote", .max = BASE64_MAX(LK_ATTEST_MAX) },
		[F_SIGNATURE] = { .key = "signature", .max = BASE64_MAX(LK_TPMT_SIGNATURE_MAX) },
		[F_NONCE] = { .key = "nonce", .max = BASE64_MAX(LK_ATTEST_EXTRA_MAX) },
		[F_BOOT] = { .key = "boot", .kind = LK_JSON_UINT, .max = UINT32_MAX },
		[F_IMA_FROM] = { .key = "ima-from", .kind = LK_JSON_UINT, .max = UINT32_MAX },
		[F_VALUES] = { .key = "values",
			       .max = BASE64_MAX(LK_PCR_COUNT * LK_DIGEST_MAX),
			       .optional = true },
		[F_FIRMWARE] = { .key = "firmware-log",
				 .max = BASE64_MAX(LK_ATTEST_FIRMWARE_MAX),
				 .optional = true },
		[F_IMA] = { .key = "ima-log",
			    .max = BASE64_MAX(LK_ATTEST_IMA_MAX),
			    .optional = true },
		[F_MEASURED] = { .key = "measurements",
				 .max = BASE64_MAX(LK_ATTEST_MEASURED_MAX),
				 .optional = true },
		[F_FLOORS] = { .key = "floors",
			       .kind = LK_JSON_OBJECT,
			       .max = FLOOR_TEXT_MAX,
			       .optional = true },
	};
	size_t name_len = 0;

	LK_TRY(read_fields((struct lk_bytes){ text, len }, true, f, F_COUNT, err));
	if (!lk_hex_decode((const char *)f[F_AK].text.data, f[F_AK].text.len, r.ak.data,
			   sizeof(r.ak.data), &name_len) ||
	    !name_len)
		return bad(err, "ak", "a Name in hexadecimal digits is expected");
	r.ak.len = (uint16_t)name_len;
	r.boot = (uint32_t)f[F_BOOT].number;
	r.ima_from = f[F_IMA_FROM].number;
	LK_TRY(decode(text, text, &f[F_QUOTE], &r.quote.attest, err));
	LK_TRY(decode(text, text, &f[F_SIGNATURE], &r.quote.signature, err));
	LK_TRY(decode(text, text, &f[F_NONCE], &r.nonce, err));
	LK_TRY(decode(text, text, &f[F_VALUES], &r.values, err));
	LK_TRY(decode(text, text, &f[F_FIRMWARE], &r.firmware, err));
	LK_TRY(decode(text, text, &f[F_IMA], &r.ima, err));
	LK_TRY(decode(text, text, &f[F_MEASURED], &r.measured, err));
	LK_TRY(read_floors(text, &f[F_FLOORS], &r, err));
	*ret = r;
	return LK_OK;
}

size_t lk_attest_request_size(const struct lk_attest_request *r)
{
	size_t len = r->quote.attest.len + r->quote.signature.len + r->nonce.len + r->values.len +
		     r->firmware.len + r->ima.len + r->measured.len;

	for (size_t i = 0; i < LK_FLOOR_COUNT; i++)
		len += r->floor[i].attest.len + r->floor[i].signature.len;
	/* Keys, brackets, numbers and the padding of each part. */
	return BASE64_MAX(len) + 1024u;
}

static void put_bytes(struct lk_json_text *j, const char *key, struct lk_bytes bytes)
{
	if (bytes.len)
		lk_json_text_base64(j, key, bytes);
}

static void put_floors(struct lk_json_text *j, const struct lk_attest_request *r)
{
	if (!r->floor[LK_FLOOR_VERSION].attest.len && !r->floor[LK_FLOOR_SEQUENCE].attest.len)
		return;
	lk_json_text_open(j, "floors", '{');
	for (size_t i = 0; i < LK_FLOOR_COUNT; i++) {
		if (!r->floor[i].attest.len)
			continue;
		lk_json_text_open(j, floor_names[i], '{');
		put_bytes(j, "attest", r->floor[i].attest);
		put_bytes(j, "signature", r->floor[i].signature);
		lk_json_text_close(j, '}');
	}
	lk_json_text_close(j, '}');
}

size_t lk_attest_request_write(const struct lk_attest_request *r, char *out, size_t cap)
{
	struct lk_json_text j = { .data = out, .cap = cap };

	lk_json_text_open(&j, NULL, '{');
	lk_json_text_hex(&j, "ak", (struct lk_bytes){ r->ak.data, r->ak.len });
	put_bytes(&j, "quote", r->quote.attest);
	put_bytes(&j, "signature", r->quote.signature);
	put_bytes(&j, "nonce", r->nonce);
	lk_json_text_uint(&j, "boot", r->boot);
	lk_json_text_uint(&j, "ima-from", r->ima_from);
	put_bytes(&j, "values", r->values);
	put_bytes(&j, "firmware-log", r->firmware);
	put_bytes(&j, "ima-log", r->ima);
	put_bytes(&j, "measurements", r->measured);
	put_floors(&j, r);
	lk_json_text_close(&j, '}');
	return j.full ? 0 : j.len;
}
