/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns strict reading and writing of ECDSA-Sig-Value. */
#include "core/policy/ecdsa_der.h"

#include <assert.h>
#include <string.h>

#define TAG_INTEGER  0x02u
#define TAG_SEQUENCE 0x30u
/* No length of ours needs the long form (X.690, 8.1.3.4). */
#define SHORT_MAX 0x7fu

static int bad(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_INPUT, 0, "signature: %s", what);
}

/* One INTEGER into @size bytes at @out, big endian. */
static int decode_integer(struct lk_reader *r, size_t size, uint8_t *out, struct lk_err *err)
{
	uint8_t tag = lk_read_u8(r);
	uint8_t len = lk_read_u8(r);
	struct lk_bytes v = lk_read_bytes(r, len);

	if (r->failed || tag != TAG_INTEGER || len > SHORT_MAX || len == 0)
		return bad(err, "not DER, or cut short");
	if (v.data[0] & 0x80)
		return bad(err, "not DER: a negative number");
	if (v.len > 1 && v.data[0] == 0 && !(v.data[1] & 0x80))
		return bad(err, "not DER: a number isn't in its shortest form");
	if (v.len > 1 && v.data[0] == 0) {
		v.data++;
		v.len--;
	}
	if (v.len > size)
		return bad(err, "a number is too large for the key's curve");
	memset(out, 0, size - v.len);
	memcpy(out + size - v.len, v.data, v.len);
	return LK_OK;
}

int lk_ecdsa_der_decode(struct lk_bytes der, enum lk_curve curve,
			uint8_t ret[static 2 * LK_COORD_MAX], size_t *ret_len, struct lk_err *err)
{
	struct lk_reader r = lk_reader_init(der.data, der.len);
	size_t size = lk_curve_size(curve);
	uint8_t out[2 * LK_COORD_MAX];
	uint8_t tag = lk_read_u8(&r);
	uint8_t len = lk_read_u8(&r);
	int rc;

	if (r.failed || tag != TAG_SEQUENCE || len > SHORT_MAX)
		return bad(err, "not DER, or cut short");
	if (len < r.left)
		return bad(err, "bytes after its end");
	if (len > r.left)
		return bad(err, "not DER, or cut short");
	rc = decode_integer(&r, size, out, err);
	if (rc == LK_OK)
		rc = decode_integer(&r, size, out + size, err);
	if (rc != LK_OK)
		return rc;
	if (!lk_reader_done(&r))
		return bad(err, "more than two numbers in it");
	memcpy(ret, out, 2 * size);
	*ret_len = 2 * size;
	return LK_OK;
}

static void encode_integer(struct lk_writer *w, const uint8_t *v, size_t size)
{
	bool sign;

	while (size > 1 && *v == 0) {
		v++;
		size--;
	}
	sign = *v & 0x80;
	lk_write_u8(w, TAG_INTEGER);
	lk_write_u8(w, (uint8_t)(size + sign));
	if (sign)
		lk_write_u8(w, 0);
	lk_write_bytes(w, v, size);
}

size_t lk_ecdsa_der_encode(struct lk_bytes raw, uint8_t out[static LK_ECDSA_DER_MAX])
{
	struct lk_writer w = lk_writer_init(out + 2, LK_ECDSA_DER_MAX - 2);

	assert(raw.len <= 2 * LK_COORD_MAX && raw.len % 2 == 0);
	encode_integer(&w, raw.data, raw.len / 2);
	encode_integer(&w, raw.data + raw.len / 2, raw.len / 2);
	assert(!w.failed && w.len <= SHORT_MAX);
	out[0] = TAG_SEQUENCE;
	out[1] = (uint8_t)w.len;
	return 2 + w.len;
}
