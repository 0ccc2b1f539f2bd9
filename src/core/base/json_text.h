/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing JSON into bounded room, from text that nothing vouches for. */
#ifndef LK_CORE_BASE_JSON_TEXT_H
#define LK_CORE_BASE_JSON_TEXT_H

#include "core/base/bytes.h"

/** What doesn't fit is left out, and @full says so. */
struct lk_json_text {
	char *data;
	size_t cap;
	size_t len;
	bool full;
};

/* @key: NULL in an array. Keys and brackets are ours. */

/** @bracket: '{' or '['; lk_json_text_close takes '}' or ']'. */
void lk_json_text_open(struct lk_json_text *j, const char *key, char bracket);
void lk_json_text_close(struct lk_json_text *j, char bracket);
/** What isn't plain UTF-8 is "?". */
void lk_json_text_string(struct lk_json_text *j, const char *key, const char *text);
void lk_json_text_uint(struct lk_json_text *j, const char *key, uint64_t value);
void lk_json_text_hex(struct lk_json_text *j, const char *key, struct lk_bytes bytes);

#endif
