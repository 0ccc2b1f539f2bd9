/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns text from outside. */
#include "core/base/text.h"

#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

size_t lk_text_decode(const uint8_t *p, size_t left, uint32_t *ret)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint8_t low = 0x80;
	uint8_t high = 0xbf;
	uint32_t c;

	if (n == 1) {
		*ret = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0; /* no overlong form */
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xed)
		high = 0x9f; /* no surrogates */
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	*ret = c;
	return n;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

size_t lk_text_character(const uint8_t *p, size_t left)
{
	uint32_t c;
	size_t n = lk_text_decode(p, left, &c);

	return n && !is_control(c) ? n : 0;
}

bool lk_text_is_shown(uint32_t c)
{
	/* Unicode's Default_Ignorable_Code_Point, Bidi_Control and all else of
	 * category Cf (format characters), line and paragraph separators. */
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0xad, 0xad },	      { 0x34f, 0x34f },	    { 0x600, 0x605 },
		{ 0x61c, 0x61c },     { 0x6dd, 0x6dd },	    { 0x70f, 0x70f },
		{ 0x890, 0x891 },     { 0x8e2, 0x8e2 },	    { 0x115f, 0x1160 },
		{ 0x17b4, 0x17b5 },   { 0x180b, 0x180f },   { 0x200b, 0x200f },
		{ 0x2028, 0x202e },   { 0x2060, 0x206f },   { 0x3164, 0x3164 },
		{ 0xd800, 0xdfff },   { 0xfdd0, 0xfdef },   { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },
		{ 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x13430, 0x1343f },
		{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};

	if (is_control(c) || c > 0x10ffff || (c & 0xfffe) == 0xfffe)
		return false;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return false;
	return true;
}

bool lk_text_is_visible(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;

	for (size_t left = strlen(text), n; left; left -= n, p += n) {
		uint32_t c;

		n = lk_text_decode(p, left, &c);
		if (!n || !lk_text_is_shown(c))
			return false;
	}
	return true;
}

size_t lk_text_encode(uint32_t c, char out[static 4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

size_t lk_text_escape(const uint8_t *p, size_t left, char out[static LK_TEXT_ESCAPED_MAX])
{
	uint32_t c = p[0];
	size_t n = lk_text_decode(p, left, &c);

	if (n && lk_text_is_shown(c)) {
		memcpy(out, p, n);
		out[n] = '\0';
	} else if (n <= 1) {
		(void)snprintf(out, LK_TEXT_ESCAPED_MAX, "\\x%02x", (unsigned int)p[0]);
	} else {
		(void)snprintf(out, LK_TEXT_ESCAPED_MAX, c > 0xffff ? "\\U%08x" : "\\u%04x",
			       (unsigned int)c);
	}
	return n ? n : 1;
}

const char *lk_text_show(const char *text, char out[static LK_TEXT_SHOWN_MAX + 4])
{
	const uint8_t *p = (const uint8_t *)text;
	size_t left = strlen(text);
	size_t at = 0;

	while (left) {
		char shown[LK_TEXT_ESCAPED_MAX];
		size_t n = lk_text_escape(p, left, shown);
		size_t len = strlen(shown);

		if (at + len > LK_TEXT_SHOWN_MAX) {
			memcpy(out + at, "...", 4);
			return out;
		}
		memcpy(out + at, shown, len);
		at += len;
		p += n;
		left -= n;
	}
	out[at] = '\0';
	return out;
}

/* Decimal without leading zeros, up to @max; gives what comes after it. */
static const char *number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (text[0] < '0' || text[0] > '9' || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++) {
		uint64_t d = (uint64_t)(*text - '0');

		if (v > (max - d) / 10)
			return NULL;
		v = v * 10 + d;
	}
	*ret = v;
	return text;
}

bool lk_text_is_account(const char *text)
{
	uint64_t id;

	if (*text >= '0' && *text <= '9') {
		text = number(text, UINT32_MAX - 1, &id);
		return text && *text == '\0';
	}
	return *text && strchr(LETTERS "_", *text) &&
	       text[strspn(text, LETTERS DIGITS "_-.")] == '\0';
}

bool lk_text_is_unit(const char *text)
{
	return *text && *text != '.' && *text != '-' &&
	       text[strspn(text, LETTERS DIGITS ":-_.\\@")] == '\0';
}

bool lk_text_to_mode(const char *text, uint32_t *ret)
{
	/* Without the zero in front it is decimal to some readers. */
	if (strlen(text) != 4 || text[0] != '0' || strspn(text, "01234567") != 4)
		return false;
	*ret = (uint32_t)(text[1] - '0') << 6 | (uint32_t)(text[2] - '0') << 3 |
	       (uint32_t)(text[3] - '0');
	return true;
}

bool lk_text_to_size(const char *text, uint64_t *ret)
{
	static const struct {
		const char *word;
		unsigned int shift;
	} units[] = { { "", 0 }, { " KiB", 10 }, { " MiB", 20 }, { " GiB", 30 } };
	uint64_t v;
	const char *unit = number(text, UINT64_MAX, &v);

	for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].word) == 0 && v <= UINT64_MAX >> units[i].shift) {
			*ret = v << units[i].shift;
			return true;
		}
	return false;
}
