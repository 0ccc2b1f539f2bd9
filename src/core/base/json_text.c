/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing JSON. */
#include "core/base/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

static void put_json(struct lk_json_text *j, const char *text, size_t len)
{
	if (j->full || len > j->cap - j->len) {
		j->full = true;
		return;
	}
	memcpy(j->data + j->len, text, len);
	j->len += len;
}

/* As "\u202e", and what is beyond 16 bits as two of these. */
static size_t escape(uint32_t c, char out[static 13])
{
	if (c < 0x10000)
		return (size_t)snprintf(out, 13, "\\u%04" PRIx32, c);
	c -= 0x10000;
	return (size_t)snprintf(out, 13, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (c >> 10),
				0xdc00 + (c & 0x3ff));
}

size_t lk_json_escape_hidden(const char *text, size_t len, char *out)
{
	size_t at = 0;

	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c = 0;

		n = lk_text_decode((const uint8_t *)text + i, len - i, &c);
		n = n ? n : 1;
		/* Line ends are the document's own: in strings they are escaped before. */
		if (c == '\n' || lk_text_is_shown(c)) {
			memcpy(out + at, text + i, n);
			at += n;
		} else {
			at += escape(c, out + at);
		}
	}
	return at;
}

static void put_string(struct lk_json_text *j, const char *text)
{
	size_t left = strlen(text);

	put_json(j, "\"", 1);
	while (left) {
		uint32_t c = 0;
		size_t n = lk_text_decode((const uint8_t *)text, left, &c);
		char hidden[13];

		if (n && (*text == '"' || *text == '\\'))
			put_json(j, "\\", 1);
		if (!n)
			put_json(j, "?", 1);
		else if (lk_text_is_shown(c))
			put_json(j, text, n);
		else
			put_json(j, hidden, escape(c, hidden));
		text += n ? n : 1;
		left -= n ? n : 1;
	}
	put_json(j, "\"", 1);
}

static void begin(struct lk_json_text *j, const char *key)
{
	if (j->len && !strchr("{[", j->data[j->len - 1]))
		put_json(j, ",", 1);
	if (!key)
		return;
	put_string(j, key);
	put_json(j, ":", 1);
}

void lk_json_text_open(struct lk_json_text *j, const char *key, char bracket)
{
	begin(j, key);
	put_json(j, &bracket, 1);
}

void lk_json_text_close(struct lk_json_text *j, char bracket)
{
	put_json(j, &bracket, 1);
}

void lk_json_text_string(struct lk_json_text *j, const char *key, const char *text)
{
	begin(j, key);
	put_string(j, text);
}

void lk_json_text_uint(struct lk_json_text *j, const char *key, uint64_t value)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, value);

	begin(j, key);
	put_json(j, digits, (size_t)n);
}

void lk_json_text_hex(struct lk_json_text *j, const char *key, struct lk_bytes bytes)
{
	begin(j, key);
	put_json(j, "\"", 1);
	for (size_t i = 0; i < bytes.len; i++) {
		char hex[3];

		lk_hex_encode(bytes.data + i, 1, hex);
		put_json(j, hex, 2);
	}
	put_json(j, "\"", 1);
}

void lk_json_text_base64(struct lk_json_text *j, const char *key, struct lk_bytes bytes)
{
	size_t len = LK_BASE64_SIZE(bytes.len);

	begin(j, key);
	put_json(j, "\"", 1);
	if (j->full || len > j->cap - j->len) {
		j->full = true;
		return;
	}
	lk_base64_encode(bytes.data, bytes.len, j->data + j->len);
	j->len += len;
	put_json(j, "\"", 1);
}

void lk_json_text_raw(struct lk_json_text *j, const char *key, struct lk_bytes json)
{
	begin(j, key);
	put_json(j, (const char *)json.data, json.len);
}
