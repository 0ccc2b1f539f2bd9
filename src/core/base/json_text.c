/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing JSON. */
#include "core/base/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

static void put(struct lk_json_text *j, const char *text, size_t len)
{
	if (j->full || len > j->cap - j->len) {
		j->full = true;
		return;
	}
	memcpy(j->data + j->len, text, len);
	j->len += len;
}

static void put_string(struct lk_json_text *j, const char *text)
{
	size_t left = strlen(text);

	put(j, "\"", 1);
	while (left) {
		size_t n = lk_text_character((const uint8_t *)text, left);

		if (n == 0)
			put(j, "?", 1);
		else if (*text == '"' || *text == '\\')
			put(j, "\\", 1);
		if (n)
			put(j, text, n);
		text += n ? n : 1;
		left -= n ? n : 1;
	}
	put(j, "\"", 1);
}

static void begin(struct lk_json_text *j, const char *key)
{
	if (j->len && !strchr("{[", j->data[j->len - 1]))
		put(j, ",", 1);
	if (!key)
		return;
	put_string(j, key);
	put(j, ":", 1);
}

void lk_json_text_open(struct lk_json_text *j, const char *key, char bracket)
{
	begin(j, key);
	put(j, &bracket, 1);
}

void lk_json_text_close(struct lk_json_text *j, char bracket)
{
	put(j, &bracket, 1);
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
	put(j, digits, (size_t)n);
}

void lk_json_text_hex(struct lk_json_text *j, const char *key, struct lk_bytes bytes)
{
	begin(j, key);
	put(j, "\"", 1);
	for (size_t i = 0; i < bytes.len; i++) {
		char hex[3];

		lk_hex_encode(bytes.data + i, 1, hex);
		put(j, hex, 2);
	}
	put(j, "\"", 1);
}
