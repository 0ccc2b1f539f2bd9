/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns text from outside. */
#include "core/base/text.h"

#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

size_t lk_text_character(const uint8_t *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint8_t low = 0x80;
	uint8_t high = 0xbf;

	if (n == 1)
		return p[0] >= 0x20 && p[0] < 0x7f;
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	if (p[0] == 0xc2 || p[0] == 0xe0)
		low = 0xa0; /* no C1 controls; no overlong form */
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xed)
		high = 0x9f; /* no surrogates */
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool lk_text_is_plain(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t left = strlen(text);

	while (left) {
		size_t n = lk_text_character(p, left);

		if (n == 0)
			return false;
		p += n;
		left -= n;
	}
	return true;
}

const char *lk_text_show(const char *text, char out[static LK_TEXT_SHOWN_MAX + 4])
{
	const uint8_t *p = (const uint8_t *)text;
	size_t left = strlen(text);
	size_t at = 0;

	while (left) {
		size_t n = lk_text_character(p, left);
		size_t step = n ? n : 1;

		if (at + step > LK_TEXT_SHOWN_MAX) {
			memcpy(out + at, "...", 4);
			return out;
		}
		if (n)
			memcpy(out + at, p, n);
		else
			out[at] = '?';
		at += step;
		p += step;
		left -= step;
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
