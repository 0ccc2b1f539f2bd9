/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns putting text together from bytes that nothing vouches for, in bounded room. */
#ifndef LK_CORE_BASE_TEXT_OUT_H
#define LK_CORE_BASE_TEXT_OUT_H

#include "core/base/bytes.h"

#define LK_TEXT_OUT_MAX 512u

/** What is too long ends in "...". Always NUL-terminated. */
struct lk_text_out {
	char text[LK_TEXT_OUT_MAX];
	size_t len;
	bool full;
};

void lk_text_out_init(struct lk_text_out *out);
/** Only with values of ours: what comes from outside goes by those below. */
void lk_text_add(struct lk_text_out *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** As lk_text_escape() has it. */
void lk_text_add_shown(struct lk_text_out *out, struct lk_bytes utf8);
/** The same in quotes, without the NULs at its end; a quote in it has a backslash before it. */
void lk_text_add_quoted(struct lk_text_out *out, struct lk_bytes utf8);
/** The same of UTF-16, little-endian. Half a character at the end is a byte. */
void lk_text_add_quoted16(struct lk_text_out *out, struct lk_bytes utf16);

enum lk_text_kind { LK_TEXT_UTF8, LK_TEXT_UTF16, LK_TEXT_BYTES };
/**
 * lk_text_kind - what data look like that may be either text, or none
 *
 * A guess: "Hr" is two letters, or one of Chinese. What is all fit to be seen
 * as UTF-8 is that, unless it ends as UTF-16 does; else what is so as UTF-16,
 * or is ASCII mostly. LK_TEXT_BYTES is neither.
 */
enum lk_text_kind lk_text_kind(struct lk_bytes text);
/** By that kind; of bytes their number and the first of them. */
void lk_text_add_quoted_any(struct lk_text_out *out, struct lk_bytes text);
void lk_text_add_hex(struct lk_text_out *out, struct lk_bytes bytes);

#define LK_GUID_SIZE 16u
/** EFI_GUID, whose first three parts are little-endian. */
void lk_text_add_guid(struct lk_text_out *out, const uint8_t guid[static LK_GUID_SIZE]);

/** ASCII of UTF-16, as the names of variables are. */
bool lk_utf16_equals(struct lk_bytes utf16, const char *ascii);

#endif
