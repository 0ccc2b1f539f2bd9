/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns how large a LUKS2 header's JSON may be before a library is let near it. */
#ifndef LK_CORE_LUKS_LUKS_AREA_H
#define LK_CORE_LUKS_LUKS_AREA_H

#include <stdbool.h>

#include "core/base/bytes.h"
#include "core/base/rc.h"

#define LK_LUKS_BINARY_SIZE    4096u		    /* in front of each copy's JSON */
#define LK_LUKS_COPY_MAX       (4u * 1024u * 1024u) /* of one header copy, with its JSON */
#define LK_LUKS_SECOND_OFFSET  0x4000u /* the second copy: here, or at a power of 2 times it */
#define LK_LUKS_JSON_MAX       (256u * 1024u) /* bytes of text; a token of ours takes 112 KiB */
#define LK_LUKS_CONTAINERS_MAX 4096u	      /* objects and arrays: some 1.5 KiB in json-c, each */
#define LK_LUKS_JSON_MARKS_MAX 65536u	      /* commas and colons: no more values than that */

/** Bytes of one header copy with its JSON, as its binary header says; 0 when that
 * is out of bounds. @head: of its first bytes, at least 16 */
size_t lk_luks_copy_size(const uint8_t *head, size_t len);

/** Whether a binary header of that magic begins at @at. */
bool lk_luks_is_first(struct lk_bytes data);
bool lk_luks_is_second(struct lk_bytes data, size_t at);

/**
 * lk_luks_area_check - is the JSON of the copy that begins at @at bounded?
 * @data: the device's beginning
 *
 * Counted are braces, brackets, commas and colons, in strings too: no reader of
 * JSON, however lenient, makes more of them. So the depth is bounded as well.
 *
 * Return: LK_OK, or LK_E_HEADER.
 */
int lk_luks_area_check(struct lk_bytes data, size_t at, struct lk_err *err);

/**
 * lk_luks_areas_check - the same of every copy that libcryptsetup may look at
 *
 * The first copy, and the second one wherever it may lie: where the first is
 * damaged, all these places are tried.
 */
int lk_luks_areas_check(struct lk_bytes data, struct lk_err *err);

#endif
