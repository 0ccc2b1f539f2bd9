/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns bounded reading and writing of bytes. */
#include "core/base/bytes.h"

#include <string.h>

bool lk_bytes_same(struct lk_bytes a, struct lk_bytes b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

bool lk_bytes_contain(struct lk_bytes hay, struct lk_bytes needle)
{
	const uint8_t *at = hay.data;
	size_t left = hay.len;

	while (needle.len && left >= needle.len) {
		const uint8_t *found = memchr(at, needle.data[0], left - needle.len + 1);

		if (!found)
			return false;
		if (!memcmp(found, needle.data, needle.len))
			return true;
		left -= (size_t)(found + 1 - at);
		at = found + 1;
	}
	return false;
}

struct lk_reader lk_reader_init(const uint8_t *data, size_t len)
{
	return (struct lk_reader){ data, len, false };
}

struct lk_bytes lk_read_bytes(struct lk_reader *r, size_t len)
{
	struct lk_bytes ret = { NULL, 0 };

	if (r->failed || len > r->left) {
		r->failed = true;
		return ret;
	}
	ret.data = r->data;
	ret.len = len;
	r->data += len;
	r->left -= len;
	return ret;
}

static uint64_t read_be(struct lk_reader *r, size_t n)
{
	struct lk_bytes b = lk_read_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.data[i];
	return v;
}

uint8_t lk_read_u8(struct lk_reader *r)
{
	return (uint8_t)read_be(r, 1);
}

uint16_t lk_read_be16(struct lk_reader *r)
{
	return (uint16_t)read_be(r, 2);
}

uint32_t lk_read_be32(struct lk_reader *r)
{
	return (uint32_t)read_be(r, 4);
}

uint64_t lk_read_be64(struct lk_reader *r)
{
	return read_be(r, 8);
}

static uint64_t read_le(struct lk_reader *r, size_t n)
{
	struct lk_bytes b = lk_read_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = b.len; i > 0; i--)
		v = v << 8 | b.data[i - 1];
	return v;
}

uint16_t lk_read_le16(struct lk_reader *r)
{
	return (uint16_t)read_le(r, 2);
}

uint32_t lk_read_le32(struct lk_reader *r)
{
	return (uint32_t)read_le(r, 4);
}

uint64_t lk_read_le64(struct lk_reader *r)
{
	return read_le(r, 8);
}

bool lk_reader_done(const struct lk_reader *r)
{
	return !r->failed && r->left == 0;
}

struct lk_writer lk_writer_init(uint8_t *data, size_t cap)
{
	return (struct lk_writer){ data, cap, 0, false };
}

void lk_write_bytes(struct lk_writer *w, const void *data, size_t len)
{
	if (w->failed || len > w->cap - w->len) {
		w->failed = true;
		return;
	}
	if (len)
		memcpy(w->data + w->len, data, len);
	w->len += len;
}

static void write_be(struct lk_writer *w, uint64_t v, size_t n)
{
	uint8_t b[8];

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	lk_write_bytes(w, b, n);
}

void lk_write_u8(struct lk_writer *w, uint8_t v)
{
	write_be(w, v, 1);
}

void lk_write_be16(struct lk_writer *w, uint16_t v)
{
	write_be(w, v, 2);
}

void lk_write_be32(struct lk_writer *w, uint32_t v)
{
	write_be(w, v, 4);
}

void lk_write_be64(struct lk_writer *w, uint64_t v)
{
	write_be(w, v, 8);
}

void lk_hex_encode(const uint8_t *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool lk_hex_decode(const char *hex, size_t hex_len, uint8_t *out, size_t cap, size_t *ret_len)
{
	if (hex_len % 2 || hex_len / 2 > cap)
		return false;
	for (size_t i = 0; i < hex_len / 2; i++) {
		int hi = hex_digit(hex[2 * i]);
		int lo = hex_digit(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret_len = hex_len / 2;
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Takes up to four digits, line ends passed over. Returns their number, and
 * the padding after them; -1 for another character. */
static int base64_quantum(const char *text, size_t len, size_t *pos, uint32_t *ret_bits,
			  int *ret_pad)
{
	int n = 0;

	*ret_bits = 0;
	*ret_pad = 0;
	while (*pos < len && n + *ret_pad < 4) {
		char c = text[(*pos)++];
		int d = base64_digit(c);

		if (c == '\n' || c == '\r')
			continue;
		if (c == '=')
			(*ret_pad)++;
		else if (d < 0 || *ret_pad)
			return -1;
		else {
			*ret_bits = *ret_bits << 6 | (uint32_t)d;
			n++;
		}
	}
	return n;
}

bool lk_base64_decode(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *ret_len)
{
	size_t pos = 0;
	size_t len = 0;
	bool last = false;

	for (;;) {
		uint32_t bits;
		int pad;
		int n = base64_quantum(text, text_len, &pos, &bits, &pad);

		if (n == 0 && pad == 0)
			break;
		if (last || n < 2 || n + pad != 4)
			return false;
		bits <<= 6 * pad;
		/* RFC 4648, 3.5: bits that encode nothing are zero. */
		if (bits & ((1u << (8 * pad)) - 1u))
			return false;
		last = pad > 0;
		for (int i = 0; i < n - 1; i++) {
			if (len == cap)
				return false;
			out[len++] = (uint8_t)(bits >> (16 - 8 * i));
		}
	}
	*ret_len = len;
	return true;
}

void lk_base64_encode(const uint8_t *data, size_t len, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)data[i] << 16;

		if (i + 1 < len)
			bits |= (uint32_t)data[i + 1] << 8;
		if (i + 2 < len)
			bits |= data[i + 2];
		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[bits & 63] : '=';
	}
}
