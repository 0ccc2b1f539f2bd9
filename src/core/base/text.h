/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns text from outside: what is plain, how it is shown, and the forms of names, modes and sizes. */
#ifndef LK_CORE_BASE_TEXT_H
#define LK_CORE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Bytes of the character at @p, of which @left are there, at least one; 0 for
 * what is no well-formed sequence (Unicode, table 3-7) and for control
 * characters (C0, DEL, C1).
 */
size_t lk_text_character(const uint8_t *p, size_t left);

/**
 * lk_text_decode - the code point at @p, of which @left bytes are there, at least one
 *
 * Return: its bytes; 0 for what is no well-formed sequence, and then @ret is untouched.
 */
size_t lk_text_decode(const uint8_t *p, size_t left, uint32_t *ret);

/**
 * Whether a code point may reach a terminal or a page as it is: it is seen, and
 * changes the look of nothing but itself. Not: controls (C0, DEL, C1), line and
 * paragraph separators, what sets the direction of text, what has no width
 * (joiners, variation selectors, tags, fillers, the byte order mark), other
 * format characters, and what is no character.
 */
bool lk_text_is_shown(uint32_t c);

/** Nothing but what is shown as it is. */
bool lk_text_is_visible(const char *text);

/** Bytes of one code point in UTF-8, and without a NUL; at most 4. */
size_t lk_text_encode(uint32_t c, char out[static 4]);

#define LK_TEXT_ESCAPED_MAX 12u
/**
 * lk_text_escape - the character at @p, fit for a terminal
 * @left: bytes that are there, at least one
 * @out: itself where it is shown; else "\x1b" for a control or for a byte that
 *	is no text, and "\u202e" or "\U000e0001" for another; with a NUL
 *
 * All that comes from outside and is printed, by any program, goes by here.
 *
 * Return: how many bytes of @p it is.
 */
size_t lk_text_escape(const uint8_t *p, size_t left, char out[static LK_TEXT_ESCAPED_MAX]);

#define LK_TEXT_SHOWN_MAX 160u
/**
 * lk_text_show - text that nothing vouches for, fit for a terminal
 *
 * By lk_text_escape(); what is too long ends in "...".
 *
 * Return: @out.
 */
const char *lk_text_show(const char *text, char out[static LK_TEXT_SHOWN_MAX + 4]);

/**
 * A user or group: a name of letters, digits and _ - . that begins with a
 * letter or _, or a decimal number below 4294967295, which chown(2) takes for
 * "leave it as it is".
 */
bool lk_text_is_account(const char *text);

/**
 * A unit: letters, digits and : - _ . \ @, beginning with neither "." nor "-",
 * since hooks have it as an argument. No ending is asked for: without systemd
 * it is whatever the hooks know.
 */
bool lk_text_is_unit(const char *text);

/** "0640": a zero and three octal digits; nothing beyond 0777. */
bool lk_text_to_mode(const char *text, uint32_t *ret);

/** "65536", or a number and KiB, MiB or GiB after one space. */
bool lk_text_to_size(const char *text, uint64_t *ret);

#endif
