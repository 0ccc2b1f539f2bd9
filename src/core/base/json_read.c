/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading JSON messages. */
#include "core/base/json_read.h"

#include <string.h>

#include "core/base/text.h"

/* A place in a message; @why is set once it can't go on. */
struct at {
	const uint8_t *start;
	const uint8_t *p;
	const uint8_t *end;
	const char *why;
};

static bool stop(struct at *at, const char *why)
{
	if (!at->why)
		at->why = why;
	return false;
}

static void skip_space(struct at *at)
{
	while (at->p < at->end && memchr(" \t\r\n", *at->p, 4))
		at->p++;
}

static bool take_byte(struct at *at, uint8_t c)
{
	skip_space(at);
	if (at->p == at->end || *at->p != c)
		return false;
	at->p++;
	return true;
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool pass_escape(struct at *at)
{
	size_t left = (size_t)(at->end - at->p);

	if (left < 2 || !memchr("\"\\/bfnrtu", at->p[1], 9))
		return stop(at, "a string has an escape that isn't one");
	if (at->p[1] != 'u') {
		at->p += 2;
		return true;
	}
	for (size_t i = 2; i < 6; i++)
		if (i >= left || !is_hex(at->p[i]))
			return stop(at, "a string has an escape that isn't one");
	at->p += 6;
	return true;
}

static bool pass_string(struct at *at, struct lk_bytes *ret, bool *ret_escapes)
{
	const uint8_t *begin;

	*ret_escapes = false;
	if (!take_byte(at, '"'))
		return stop(at, "a string is expected");
	begin = at->p;
	while (at->p < at->end && *at->p != '"') {
		size_t n;

		/* By far the most: base64, words. */
		if (*at->p >= 0x20 && *at->p < 0x7f && *at->p != '\\') {
			at->p++;
			continue;
		}
		if (*at->p == '\\') {
			*ret_escapes = true;
			if (!pass_escape(at))
				return false;
			continue;
		}
		n = lk_text_character(at->p, (size_t)(at->end - at->p));
		if (!n)
			return stop(at, "a string has a control character, or isn't UTF-8");
		at->p += n;
	}
	if (at->p == at->end)
		return stop(at, "it ends within a string");
	*ret = (struct lk_bytes){ begin, (size_t)(at->p - begin) };
	at->p++;
	return true;
}

static void pass_digits(struct at *at)
{
	while (at->p < at->end && *at->p >= '0' && *at->p <= '9')
		at->p++;
}

static bool pass_word(struct at *at, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(at->end - at->p) < len || memcmp(at->p, word, len) != 0)
		return false;
	at->p += len;
	return true;
}

static bool pass_number(struct at *at)
{
	const uint8_t *begin;

	if (at->p < at->end && *at->p == '-')
		at->p++;
	begin = at->p;
	pass_digits(at);
	if (at->p == begin || (*begin == '0' && at->p - begin > 1))
		return stop(at, "a value is expected");
	if (at->p < at->end && *at->p == '.') {
		begin = ++at->p;
		pass_digits(at);
		if (at->p == begin)
			return stop(at, "a number has no digits after its point");
	}
	if (at->p < at->end && (*at->p == 'e' || *at->p == 'E')) {
		at->p++;
		if (at->p < at->end && (*at->p == '+' || *at->p == '-'))
			at->p++;
		begin = at->p;
		pass_digits(at);
		if (at->p == begin)
			return stop(at, "a number has no digits in its exponent");
	}
	return true;
}

static bool pass_value(struct at *at, unsigned int depth);

static bool pass_members(struct at *at, uint8_t close, unsigned int depth)
{
	struct lk_bytes key;
	bool escapes;

	if (depth >= LK_JSON_DEPTH_MAX)
		return stop(at, "it has too many levels");
	if (take_byte(at, close))
		return true;
	do {
		if (close == '}' && (!pass_string(at, &key, &escapes) || !take_byte(at, ':')))
			return stop(at, "a colon is expected");
		if (!pass_value(at, depth + 1))
			return false;
	} while (take_byte(at, ','));
	return take_byte(at, close) || stop(at, "a comma or a closing bracket is expected");
}

static bool pass_value(struct at *at, unsigned int depth)
{
	struct lk_bytes text;
	bool escapes;

	skip_space(at);
	if (at->p == at->end)
		return stop(at, "it ends where a value is expected");
	switch (*at->p) {
	case '"':
		return pass_string(at, &text, &escapes);
	case '{':
	case '[':
		at->p++;
		return pass_members(at, at->p[-1] == '{' ? '}' : ']', depth);
	default:
		return pass_word(at, "true") || pass_word(at, "false") || pass_word(at, "null") ||
		       pass_number(at);
	}
}

static bool read_uint(struct at *at, struct lk_json_field *f)
{
	const uint8_t *begin = at->p;
	uint64_t value = 0;

	pass_digits(at);
	if (at->p == begin || at->p - begin > 18 || (*begin == '0' && at->p - begin > 1))
		return stop(at, "a whole number is expected");
	if (at->p < at->end && memchr(".eE", *at->p, 3))
		return stop(at, "a whole number is expected");
	for (const uint8_t *p = begin; p < at->p; p++)
		value = 10 * value + (uint64_t)(*p - '0');
	if (value > f->max)
		return stop(at, "the number is greater than it may be");
	f->number = value;
	return true;
}

static bool read_field(struct at *at, struct lk_json_field *f)
{
	const uint8_t *begin;
	bool escapes;

	skip_space(at);
	begin = at->p;
	switch (f->kind) {
	case LK_JSON_UINT:
		return read_uint(at, f);
	case LK_JSON_STRING:
	case LK_JSON_TEXT:
		if (!pass_string(at, &f->text, &escapes))
			return false;
		if (escapes && f->kind == LK_JSON_STRING)
			return stop(at, "the string has an escape, which nothing here needs");
		break;
	case LK_JSON_OBJECT:
	case LK_JSON_ARRAY:
		if (begin == at->end || *begin != (f->kind == LK_JSON_OBJECT ? '{' : '['))
			return stop(at, f->kind == LK_JSON_OBJECT ? "an object is expected"
								  : "an array is expected");
		if (!pass_value(at, 1))
			return false;
		f->text = (struct lk_bytes){ begin, (size_t)(at->p - begin) };
		break;
	}
	return f->text.len <= f->max || stop(at, "it is longer than it may be");
}

static struct lk_json_field *find_field(struct lk_json_field *fields, size_t n, struct lk_bytes key)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(fields[i].key) == key.len &&
		    memcmp(fields[i].key, key.data, key.len) == 0)
			return &fields[i];
	return NULL;
}

static int failed(const struct at *at, const char *key, struct lk_err *err)
{
	return lk_err_set(err, LK_E_INPUT, 0, "byte %zu%s%s: %s", (size_t)(at->p - at->start) + 1,
			  key ? ", " : "", key ? key : "",
			  at->why ? at->why : "a comma or a closing bracket is expected");
}

static int read_member(struct at *at, bool strict, struct lk_json_field *fields, size_t n,
		       struct lk_err *err)
{
	struct lk_json_field *f;
	struct lk_bytes key;
	bool escapes;

	if (!pass_string(at, &key, &escapes))
		return failed(at, NULL, err);
	f = escapes ? NULL : find_field(fields, n, key);
	if (!take_byte(at, ':')) {
		(void)stop(at, "a colon is expected");
		return failed(at, NULL, err);
	}
	if (!f && strict) {
		(void)stop(at, "the member before this byte isn't one of this message");
		return failed(at, NULL, err);
	}
	if (!f)
		return pass_value(at, 1) ? LK_OK : failed(at, NULL, err);
	if (f->present) {
		(void)stop(at, "it is there twice");
		return failed(at, f->key, err);
	}
	f->present = true;
	return read_field(at, f) ? LK_OK : failed(at, f->key, err);
}

int lk_json_read(struct lk_bytes text, bool strict, struct lk_json_field *fields, size_t n,
		 struct lk_err *err)
{
	struct at at = { text.data, text.data, text.data + text.len, NULL };

	for (size_t i = 0; i < n; i++) {
		fields[i].present = false;
		fields[i].text = (struct lk_bytes){ NULL, 0 };
		fields[i].number = 0;
	}
	if (!text.len || !take_byte(&at, '{'))
		return lk_err_set(err, LK_E_INPUT, 0, "it isn't a JSON object");
	if (!take_byte(&at, '}')) {
		do
			LK_TRY(read_member(&at, strict, fields, n, err));
		while (take_byte(&at, ','));
		if (!take_byte(&at, '}'))
			return failed(&at, NULL, err);
	}
	skip_space(&at);
	if (at.p != at.end) {
		(void)stop(&at, "something follows the object's end");
		return failed(&at, NULL, err);
	}
	for (size_t i = 0; i < n; i++)
		if (!fields[i].present && !fields[i].optional)
			return lk_err_set(err, LK_E_INPUT, 0, "%s is missing", fields[i].key);
	return LK_OK;
}

int lk_json_array_next(struct lk_bytes *rest, struct lk_bytes *ret_object, struct lk_err *err)
{
	struct at at = { rest->data, rest->data, rest->data + rest->len, NULL };
	const uint8_t *begin;

	/* The array was passed over whole before: brackets and commas are where they belong. */
	if (!take_byte(&at, '[') && !take_byte(&at, ','))
		return LK_JSON_END;
	skip_space(&at);
	begin = at.p;
	if (begin < at.end && *begin == ']')
		return LK_JSON_END;
	if (begin == at.end || *begin != '{') {
		(void)stop(&at, "an array of objects is expected");
		return failed(&at, NULL, err);
	}
	if (!pass_value(&at, 1))
		return failed(&at, NULL, err);
	*ret_object = (struct lk_bytes){ begin, (size_t)(at.p - begin) };
	*rest = (struct lk_bytes){ at.p, (size_t)(at.end - at.p) };
	return LK_OK;
}

static uint32_t hex4(const uint8_t *p)
{
	uint8_t v[2] = { 0 };
	size_t len;

	(void)lk_hex_decode((const char *)p, 4, v, 2, &len);
	return (uint32_t)v[0] << 8 | v[1];
}

/* One escape of a string that was passed over before. Gives the bytes it took. */
static size_t unescape(struct lk_bytes in, char out[static 4], size_t *ret_len)
{
	static const char from[] = "bfnrt";
	static const char to[] = "\b\f\n\r\t";
	const char *found;
	uint32_t c;

	if (in.data[1] != 'u') {
		found = strchr(from, in.data[1]);
		out[0] = found ? to[found - from] : (char)in.data[1];
		*ret_len = 1;
		return 2;
	}
	c = hex4(in.data + 2);
	if (c >= 0xd800 && c < 0xdc00 && in.len >= 12 && in.data[6] == '\\' && in.data[7] == 'u') {
		uint32_t low = hex4(in.data + 8);

		if (low >= 0xdc00 && low < 0xe000) {
			*ret_len = lk_text_encode(0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00),
						  out);
			return 12;
		}
	}
	/* NUL would end the text, and half a pair is no character. */
	*ret_len = lk_text_encode(!c || (c >= 0xd800 && c < 0xe000) ? '?' : c, out);
	return 6;
}

void lk_json_text_unescape(struct lk_bytes text, char *out, size_t cap)
{
	size_t len = 0;

	while (text.len) {
		char c[4] = { (char)*text.data };
		size_t n = 1, took = 1;

		if (*text.data == '\\' && text.len >= 2)
			took = unescape(text, c, &n);
		if (took > text.len || n >= cap - len)
			break;
		memcpy(out + len, c, n);
		len += n;
		text.data += took;
		text.len -= took;
	}
	out[len] = '\0';
}
