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
/** What isn't UTF-8 is "?"; what lk_text_is_shown() doesn't let through is escaped. */
void lk_json_text_string(struct lk_json_text *j, const char *key, const char *text);
void lk_json_text_uint(struct lk_json_text *j, const char *key, uint64_t value);
void lk_json_text_hex(struct lk_json_text *j, const char *key, struct lk_bytes bytes);
/** A value that is JSON already. */
void lk_json_text_raw(struct lk_json_text *j, const char *key, struct lk_bytes json);
void lk_json_text_base64(struct lk_json_text *j, const char *key, struct lk_bytes bytes);

/** Room for what lk_json_escape_hidden() writes, and the NUL of its last escape. */
#define LK_JSON_ESCAPED_MAX(len) (6 * (len) + 1)
/**
 * lk_json_escape_hidden - a JSON document that a terminal may have
 * @text: well-formed JSON, whose strings have their C0 controls escaped
 * @out: LK_JSON_ESCAPED_MAX bytes
 *
 * What lk_text_is_shown() doesn't let through becomes JSON's own escape, so
 * that programs read the same.
 *
 * Return: the bytes written; no NUL is part of them.
 */
size_t lk_json_escape_hidden(const char *text, size_t len, char *out);

#endif
