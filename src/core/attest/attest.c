/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading TPMS_ATTEST (TPM 2.0 Part 2, 10.12) and TPMT_SIGNATURE (11.3.4). */
#include "core/attest/attest.h"

#include <string.h>

#include "core/attest/refusal.h"

#define MAGIC	  0xff544347u /* TPM_GENERATED_VALUE */
#define ALG_ECDSA 0x0018u

static struct lk_bytes read_2b(struct lk_reader *r, size_t max)
{
	size_t len = lk_read_be16(r);

	if (len > max)
		r->failed = true;
	return lk_read_bytes(r, len);
}

static int malformed(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_ATTEST, "TPMS_ATTEST: %s", what);
}

/* TPML_PCR_SELECTION with one entry. */
static int read_selection(struct lk_reader *r, struct lk_attest_quote *ret, struct lk_err *err)
{
	uint32_t count = lk_read_be32(r);
	struct lk_bytes select;

	if (!r->failed && count != 1)
		return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_SELECTION,
				  "the quote has %u PCR selections, and one was asked for", count);
	ret->bank = lk_read_be16(r);
	select = lk_read_bytes(r, lk_read_u8(r));
	if (r->failed)
		return malformed(err, "the PCR selection is cut");
	if (select.len < 1 || select.len > 4)
		return malformed(err, "the PCR selection has a size that no TPM has");
	ret->sel.mask = 0;
	for (size_t i = 0; i < select.len; i++)
		ret->sel.mask |= (uint32_t)select.data[i] << (8 * i);
	if (ret->sel.mask >> LK_PCR_COUNT)
		return malformed(err, "the PCR selection has PCRs beyond 23");
	ret->sel.bank = ret->bank == LK_ALG_SHA256   ? LK_ALG_SHA256
			: ret->bank == LK_ALG_SHA384 ? LK_ALG_SHA384
						     : LK_ALG_NONE;
	return LK_OK;
}

static int read_attested(struct lk_reader *r, struct lk_attest *a, struct lk_err *err)
{
	switch (a->kind) {
	case LK_ATTEST_QUOTE:
		LK_TRY(read_selection(r, &a->quote, err));
		a->quote.digest = read_2b(r, 64);
		break;
	case LK_ATTEST_CERTIFY:
		a->certify.name = read_2b(r, 66);
		a->certify.qualified_name = read_2b(r, 66);
		break;
	case LK_ATTEST_NV:
		a->nv.index_name = read_2b(r, 66);
		a->nv.offset = lk_read_be16(r);
		a->nv.content = read_2b(r, LK_NV_CONTENT_MAX);
		break;
	}
	return LK_OK;
}

int lk_attest_parse(struct lk_bytes bytes, enum lk_attest_kind kind, struct lk_attest *ret,
		    struct lk_err *err)
{
	struct lk_reader r = lk_reader_init(bytes.data, bytes.len);
	struct lk_attest a = { .kind = kind };
	uint32_t magic = lk_read_be32(&r);
	uint16_t type = lk_read_be16(&r);
	uint8_t safe;

	if (bytes.len > LK_ATTEST_MAX)
		return malformed(err, "longer than any that is asked for");
	if (r.failed)
		return malformed(err, "cut in its first bytes");
	if (magic != MAGIC)
		return lk_err_set(
			err, LK_E_INPUT, LK_REFUSAL_MAGIC,
			"TPMS_ATTEST: it doesn't begin with TPM_GENERATED, so that no TPM has made it");
	if (type != (uint16_t)kind)
		return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_TYPE,
				  "TPMS_ATTEST: it is of type 0x%04x, and 0x%04x was asked for",
				  type, (unsigned int)kind);
	a.signer = read_2b(&r, 66);
	a.extra = read_2b(&r, LK_ATTEST_EXTRA_MAX);
	a.clock = lk_read_be64(&r);
	a.reset_count = lk_read_be32(&r);
	a.restart_count = lk_read_be32(&r);
	safe = lk_read_u8(&r);
	a.firmware = lk_read_be64(&r);
	if (!r.failed && safe > 1)
		return malformed(err, "safe is neither yes nor no");
	a.safe = safe == 1;
	if (!r.failed)
		LK_TRY(read_attested(&r, &a, err));
	if (r.failed)
		return malformed(err, "it is cut, or a part of it is longer than it may be");
	if (!lk_reader_done(&r))
		return malformed(err, "bytes follow its end");
	*ret = a;
	return LK_OK;
}

/* Older TPMs leave out leading zeros. */
static bool read_coordinate(struct lk_reader *r, uint8_t out[static 32])
{
	struct lk_bytes v = read_2b(r, 32);

	if (r->failed || !v.len)
		return false;
	memcpy(out + 32 - v.len, v.data, v.len);
	return true;
}

int lk_attest_signature_parse(struct lk_bytes bytes, uint8_t ret[static LK_ECDSA_P256_SIZE],
			      struct lk_err *err)
{
	struct lk_reader r = lk_reader_init(bytes.data, bytes.len);
	uint8_t raw[LK_ECDSA_P256_SIZE] = { 0 };
	uint16_t scheme = lk_read_be16(&r);
	uint16_t hash = lk_read_be16(&r);

	if (!r.failed && (scheme != ALG_ECDSA || hash != LK_ALG_SHA256))
		return lk_err_set(
			err, LK_E_INPUT, LK_REFUSAL_SCHEME,
			"TPMT_SIGNATURE: scheme 0x%04x with hash 0x%04x; ECDSA with SHA-256 was asked for",
			scheme, hash);
	if (!read_coordinate(&r, raw) || !read_coordinate(&r, raw + 32) || !lk_reader_done(&r))
		return lk_err_set(
			err, LK_E_INPUT, LK_REFUSAL_SIGNATURE_FORM,
			"TPMT_SIGNATURE: it is cut, has a number longer than 32 bytes, or bytes follow its end");
	memcpy(ret, raw, sizeof(raw));
	return LK_OK;
}
