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
/* Of data that are no text. */
#define BYTES_SHOWN 16u
/* In place of a character that isn't one. */
#define LONE_BYTE 0x80u

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

void lk_text_add_shown(struct lk_text_out *out, struct lk_bytes utf8)
{
	char shown[LK_TEXT_ESCAPED_MAX];

	for (size_t i = 0; i < utf8.len && !out->full;) {
		i += lk_text_escape(utf8.data + i, utf8.len - i, shown);
		append(out, shown, strlen(shown));
	}
}

/* A quote in quotes has a backslash before it. */
static void add_in_quotes(struct lk_text_out *out, struct lk_bytes character)
{
	if (character.len == 1 && *character.data == '"')
		append(out, "\\", 1);
	lk_text_add_shown(out, character);
}

void lk_text_add_quoted(struct lk_text_out *out, struct lk_bytes utf8)
{
	while (utf8.len && !utf8.data[utf8.len - 1])
		utf8.len--;
	append(out, "\"", 1);
	for (size_t i = 0; i < utf8.len && !out->full;) {
		uint32_t c;
		size_t n = lk_text_decode(utf8.data + i, utf8.len - i, &c);

		n = n ? n : 1;
		add_in_quotes(out, (struct lk_bytes){ utf8.data + i, n });
		i += n;
	}
	append(out, "\"", 1);
}

/* The code point at @i, and its code units; a surrogate alone is itself. */
static size_t read_utf16(struct lk_bytes utf16, size_t i, uint32_t *ret)
{
	uint32_t c = utf16.data[i] | (uint32_t)utf16.data[i + 1] << 8;
	uint32_t low;

	*ret = c;
	if (c < 0xd800 || c > 0xdbff || i + 3 >= utf16.len)
		return 1;
	low = utf16.data[i + 2] | (uint32_t)utf16.data[i + 3] << 8;
	if (low < 0xdc00 || low > 0xdfff)
		return 1;
	*ret = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	return 2;
}

void lk_text_add_quoted16(struct lk_text_out *out, struct lk_bytes utf16)
{
	struct lk_bytes units = { utf16.data, utf16.len & ~(size_t)1 };

	while (units.len && !units.data[units.len - 1] && !units.data[units.len - 2])
		units.len -= 2;
	append(out, "\"", 1);
	for (size_t i = 0; i < units.len && !out->full;) {
		char utf8[4];
		uint32_t c;

		i += 2 * read_utf16(units, i, &c);
		if (c >= 0xd800 && c <= 0xdfff)
			lk_text_add(out, "\\u%04x", (unsigned int)c);
		else
			add_in_quotes(out, (struct lk_bytes){ (const uint8_t *)utf8,
							      lk_text_encode(c, utf8) });
	}
	/* Half of a character, which no text has. */
	if (utf16.len % 2 && utf16.data[utf16.len - 1])
		lk_text_add(out, "\\x%02x", utf16.data[utf16.len - 1]);
	append(out, "\"", 1);
}

/* What a piece of data looks like, read as either. */
struct look {
	size_t n;      /* characters */
	size_t seen;   /* of these, such as are fit to be seen; line ends and tabs too */
	size_t latin;  /* of these, ASCII */
	size_t narrow; /* of UTF-16, whose upper half is zero, seen or not */
	bool nuls;     /* in it, which a text has at its end alone */
	bool broken;   /* it isn't well-formed */
};

static void look_at(struct look *look, uint32_t c, bool seen)
{
	seen = seen || c == '\n' || c == '\t' || c == '\r';
	look->n++;
	look->seen += seen;
	look->latin += seen && c < 0x7f;
	look->nuls |= c == 0;
}

static bool all_seen(const struct look *look)
{
	return look->n && look->seen == look->n && !look->broken;
}

static bool mostly_latin(const struct look *look)
{
	return look->latin * 2 > look->n;
}

static struct look look_utf8(struct lk_bytes text)
{
	struct look look = { .n = 0 };

	for (size_t i = 0, n; i < text.len; i += n) {
		uint32_t c = LONE_BYTE;

		n = lk_text_decode(text.data + i, text.len - i, &c);
		look.broken |= !n;
		look_at(&look, c, lk_text_is_shown(c));
		n = n ? n : 1;
	}
	return look;
}

/* Scripts that people write in; any two bytes are a character of something. */
static bool is_common(uint32_t c)
{
	return lk_text_is_shown(c) &&
	       (c < 0x1000 || (c >= 0x1e00 && c < 0x2800) || (c >= 0x3000 && c < 0xa000) ||
		(c >= 0xac00 && c < 0xd7a4) || (c >= 0xff00 && c < 0xfff0) || c >= 0x10000);
}

static struct look look_utf16(struct lk_bytes text)
{
	struct look look = { .n = 0 };

	for (size_t i = 0; i + 1 < text.len;) {
		uint32_t c;

		i += 2 * read_utf16(text, i, &c);
		look.broken |= c >= 0xd800 && c <= 0xdfff;
		look_at(&look, c, is_common(c));
		look.narrow += c && c < 0x100;
	}
	return look;
}

/* Without the NULs at the end, of one or of two bytes. */
static struct lk_bytes cut_nuls(struct lk_bytes text, size_t width)
{
	while (text.len >= width && !text.data[text.len - 1] && !text.data[text.len - width])
		text.len -= width;
	return text;
}

enum lk_text_kind lk_text_kind(struct lk_bytes text)
{
	/* An odd byte at the end is no part of UTF-16. */
	struct lk_bytes pairs = { text.data, text.len & ~(size_t)1 };
	struct lk_bytes bytes = cut_nuls(text, 1);
	struct look narrow = look_utf8(bytes);
	struct look wide = look_utf16(cut_nuls(pairs, 2));
	size_t nuls = text.len - bytes.len;

	if (!bytes.len)
		return LK_TEXT_UTF8;
	if (all_seen(&wide)) {
		/* A letter's upper half and a NUL of two bytes; letters between others;
		 * or just the NUL. */
		if (wide.n > 1 && nuls == 3 && text.len % 2 == 0)
			return LK_TEXT_UTF16;
		/* ASCII with a NUL somewhere has too few of them. */
		if (narrow.latin * 4 >= narrow.n * 3 && !narrow.broken)
			return LK_TEXT_UTF8;
		if (!all_seen(&narrow) && (narrow.nuls || (nuls >= 2 && text.len % 2 == 0)))
			return LK_TEXT_UTF16;
	}
	if (all_seen(&narrow))
		return LK_TEXT_UTF8;
	if (wide.narrow * 2 > wide.n)
		return LK_TEXT_UTF16;
	if (mostly_latin(&narrow) && !narrow.nuls)
		return LK_TEXT_UTF8;
	if (all_seen(&wide))
		return LK_TEXT_UTF16;
	return (mostly_latin(&narrow) || !narrow.broken) && !narrow.nuls ? LK_TEXT_UTF8
									 : LK_TEXT_BYTES;
}

void lk_text_add_quoted_any(struct lk_text_out *out, struct lk_bytes text)
{
	struct lk_bytes first = { text.data, text.len < BYTES_SHOWN ? text.len : BYTES_SHOWN };

	switch (lk_text_kind(text)) {
	case LK_TEXT_UTF16:
		lk_text_add_quoted16(out, text);
		break;
	case LK_TEXT_UTF8:
		lk_text_add_quoted(out, text);
		break;
	case LK_TEXT_BYTES:
	default:
		lk_text_add(out, "%zu bytes ", text.len);
		lk_text_add_hex(out, first);
		lk_text_add(out, "%s", first.len < text.len ? "..." : "");
		break;
	}
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
