/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading small JSON messages (RFC 8259) from strangers: by a table of fields, in place, without memory. */
#ifndef LK_CORE_BASE_JSON_READ_H
#define LK_CORE_BASE_JSON_READ_H

#include "core/base/bytes.h"
#include "core/base/rc.h"

enum lk_json_kind {
	LK_JSON_STRING, /* without escapes: nothing that a message needs has one */
	LK_JSON_TEXT,	/* a string that may have escapes, which are left in it */
	LK_JSON_UINT,	/* whole, not negative, below 2^63 */
	LK_JSON_OBJECT, /* its text, brackets included, for another table */
	LK_JSON_ARRAY,	/* the same, for lk_json_array_next() */
};

/** A row: what is expected, and what was found. */
struct lk_json_field {
	const char *key;
	enum lk_json_kind kind;
	size_t max; /* bytes of a string, an object or an array; the greatest number */
	bool optional;
	bool present;	      /* set by the reader */
	struct lk_bytes text; /* in the message; of a string what is between the quotes */
	uint64_t number;
};

#define LK_JSON_DEPTH_MAX 8u

/**
 * lk_json_read - one object and nothing after it but white space
 * @strict: a key that no row has is refused; else its value is passed over, well-formed
 * @fields: rows, whose @present, @text and @number are set; undefined on failure
 *
 * Refused: a key that comes twice or has an escape, another kind of value, what is longer
 * or greater than its row allows, what is missing, more levels than LK_JSON_DEPTH_MAX, text
 * that is no UTF-8 or has control characters.
 *
 * Return: LK_OK, or LK_E_INPUT naming the field, or the byte.
 */
int lk_json_read(struct lk_bytes text, bool strict, struct lk_json_field *fields, size_t n,
		 struct lk_err *err);

/**
 * lk_json_array_next - the next object of an array
 * @rest: the array's text at first; what is left of it after
 *
 * Return: LK_OK; LK_JSON_END after the last; LK_E_INPUT.
 */
#define LK_JSON_END 1
int lk_json_array_next(struct lk_bytes *rest, struct lk_bytes *ret_object, struct lk_err *err);

/** A text (LK_JSON_TEXT) with its escapes resolved, cut to fit, NUL-terminated. */
void lk_json_text_unescape(struct lk_bytes text, char *out, size_t cap);

#endif
