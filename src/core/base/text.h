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

/** Nothing but such characters. */
bool lk_text_is_plain(const char *text);

#define LK_TEXT_SHOWN_MAX 160u
/**
 * lk_text_show - text that nothing vouches for, fit for a terminal
 *
 * What isn't plain is "?", what is too long ends in "...".
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
