/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns json-c: building, changing and writing JSON documents. */
#ifndef LK_SYS_FORMAT_JSON_H
#define LK_SYS_FORMAT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/rc.h"
#include "sys/os/fs.h"

/** A value of any type. Values inside another belong to that one. */
struct lk_json;
void lk_json_free(struct lk_json *json);
static inline void lk_json_freep(struct lk_json **p)
{
	lk_json_free(*p);
}
#define LK_OWNED_JSON __attribute__((cleanup(lk_json_freep))) struct lk_json *

/** An empty object; NULL when memory is short. */
struct lk_json *lk_json_object(void);

/** One document, nothing after it. Return: LK_OK or LK_E_INPUT. */
int lk_json_parse(const char *text, size_t len, struct lk_json **ret, struct lk_err *err);
/**
 * Text with a line end; free with lk_buf_done. What lk_text_is_shown() doesn't
 * let through is escaped, so that a terminal may have it.
 */
int lk_json_write(const struct lk_json *json, struct lk_buf *ret, struct lk_err *err);

/*
 * Members of an object, of any size; one that is there is replaced. Where memory is
 * short the member lacks, and lk_json_write() refuses the document with LK_E_SYSTEM; a
 * new object or array is NULL then, which all of these take.
 *
 * Nothing here is kept outside a document: threads may each have their own.
 */
void lk_json_set_text(struct lk_json *obj, const char *key, const char *text);
void lk_json_set_hex(struct lk_json *obj, const char *key, const uint8_t *data, size_t len);
void lk_json_set_uint(struct lk_json *obj, const char *key, uint64_t value);
void lk_json_set_bool(struct lk_json *obj, const char *key, bool value);
/** "0x81000001" */
void lk_json_set_handle(struct lk_json *obj, const char *key, uint32_t handle);
/** A new empty object or array as a member; belongs to @obj. */
struct lk_json *lk_json_set_object(struct lk_json *obj, const char *key);
struct lk_json *lk_json_set_array(struct lk_json *obj, const char *key);
/** A new empty object at an array's end; belongs to @array. */
struct lk_json *lk_json_add_object(struct lk_json *array);
void lk_json_add_uint(struct lk_json *array, uint64_t value);
void lk_json_remove(struct lk_json *obj, const char *key);

/** Member, or NULL when there is none or it is no object or array. */
struct lk_json *lk_json_get(const struct lk_json *obj, const char *key);
/** Text of a member, or NULL. Valid until the member is changed. */
const char *lk_json_get_text(const struct lk_json *obj, const char *key);
/** Whether it is an array; NULL is none. */
bool lk_json_is_array(const struct lk_json *json);
/** Elements of an array; 0 for anything else. */
size_t lk_json_count(const struct lk_json *array);
/** Element @i, or NULL when there is none or it is no object. */
struct lk_json *lk_json_at(const struct lk_json *array, size_t i);
/** Element @i becomes the last; the order of the others stays. */
void lk_json_move_to_end(struct lk_json *array, size_t i);
/** Whether @key is there, of whatever type. */
bool lk_json_has(const struct lk_json *obj, const char *key);
/** A whole number that is there and not negative. */
bool lk_json_get_uint(const struct lk_json *obj, const char *key, uint64_t *ret);
/** Whether @key is there and true. */
bool lk_json_is_true(const struct lk_json *obj, const char *key);
/** Member @key of @from, where it has one, becomes a member of @to; both share it. */
void lk_json_share(struct lk_json *to, const struct lk_json *from, const char *key);
/** The element whose member @key is @text; NULL when there is none. */
struct lk_json *lk_json_find(const struct lk_json *array, const char *key, const char *text);

#endif
