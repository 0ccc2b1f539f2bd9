/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns putting text together. */
#include "core/base/text_out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

static const char cut[] = "...";
/* Room that text never takes, so that there is some for @cut. */
#define ROOM (LK_TEXT_OUT_MAX - sizeof(cut))

void lk_text_out_init(struct lk_text_out *out)
{
	*out = (struct lk_text_out){ .len = 0 };
}

static void append(struct lk_text_out *out, const char *text, size_t len)
{
	if (out->full)
		return;
	if (len > ROOM - out->len) {
		memcpy(out->text + out->len, cut, sizeof(cut));
		out->len += sizeof(cut) - 1;
		out->full = true;
		return;
	}
	memcpy(out->text + out->len, text, len);
	out->len += len;
	out->text[out->len] = '\0';
}

void lk_text_add(struct lk_text_out *out, const char *fmt, ...)
{
	char text[LK_TEXT_OUT_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		append(out, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void lk_text_add_quoted(struct lk_text_out *out, struct lk_bytes utf8)
{
	append(out, "\"", 1);
	for (size_t i = 0; i < utf8.len && utf8.data[i] && !out->full;) {
		const uint8_t *p = utf8.data + i;
		size_t n = lk_text_character(p, utf8.len - i);

		if (n == 0 || *p == '"')
			append(out, "?", 1);
		else
			append(out, (const char *)p, n);
		i += n ? n : 1;
	}
	append(out, "\"", 1);
}

/* A character of the first plane; what isn't one, or controls, is "?". */
static void append_utf16(struct lk_text_out *out, unsigned int c)
{
	uint8_t utf8[3] = { (uint8_t)c };
	size_t n = 1;

	if (c >= 0x800) {
		utf8[0] = (uint8_t)(0xe0 | c >> 12);
		utf8[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		utf8[2] = (uint8_t)(0x80 | (c & 0x3f));
		n = 3;
	} else if (c >= 0x80) {
		utf8[0] = (uint8_t)(0xc0 | c >> 6);
		utf8[1] = (uint8_t)(0x80 | (c & 0x3f));
		n = 2;
	}
	if (c == '"' || lk_text_character(utf8, n) != n)
		append(out, "?", 1);
	else
		append(out, (const char *)utf8, n);
}

void lk_text_add_quoted16(struct lk_text_out *out, struct lk_bytes utf16)
{
	append(out, "\"", 1);
	for (size_t i = 0; i + 1 < utf16.len && !out->full; i += 2) {
		unsigned int c = utf16.data[i] | (unsigned int)utf16.data[i + 1] << 8;

		if (!c)
			break;
		append_utf16(out, c);
	}
	append(out, "\"", 1);
}

void lk_text_add_quoted_any(struct lk_text_out *out, struct lk_bytes text)
{
	if (text.len >= 2 && text.len % 2 == 0 && text.data[0] && !text.data[1])
		lk_text_add_quoted16(out, text);
	else
		lk_text_add_quoted(out, text);
}

void lk_text_add_hex(struct lk_text_out *out, struct lk_bytes bytes)
{
	for (size_t i = 0; i < bytes.len && !out->full; i++)
		lk_text_add(out, "%02x", bytes.data[i]);
}

void lk_text_add_guid(struct lk_text_out *out, const uint8_t guid[static LK_GUID_SIZE])
{
	struct lk_reader r = lk_reader_init(guid, LK_GUID_SIZE);
	unsigned int a = lk_read_le32(&r);
	unsigned int b = lk_read_le16(&r);
	unsigned int c = lk_read_le16(&r);

	lk_text_add(out, "%08x-%04x-%04x-", a, b, c);
	lk_text_add_hex(out, (struct lk_bytes){ guid + 8, 2 });
	lk_text_add(out, "-");
	lk_text_add_hex(out, (struct lk_bytes){ guid + 10, 6 });
}

bool lk_utf16_equals(struct lk_bytes utf16, const char *ascii)
{
	size_t len = strlen(ascii);

	if (utf16.len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (utf16.data[2 * i] != (uint8_t)ascii[i] || utf16.data[2 * i + 1])
			return false;
	return true;
}
