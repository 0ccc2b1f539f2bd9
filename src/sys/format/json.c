/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns json-c: building, changing and writing JSON documents. */
#include "sys/format/json.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/json_text.h"
#include "core/base/text.h"

#define DEPTH_MAX 16
#define WRITE_FLAGS                                                                                \
	(JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

/* An lk_json is a json_object under another name. */
static json_object *in(const struct lk_json *json)
{
	union {
		const struct lk_json *from;
		json_object *to;
	} u = { json };

	return u.to;
}

static struct lk_json *out(json_object *obj)
{
	return (struct lk_json *)(void *)obj;
}

void lk_json_free(struct lk_json *json)
{
	json_object_put(in(json));
}

struct lk_json *lk_json_object(void)
{
	return out(json_object_new_object());
}

int lk_json_parse(const char *text, size_t len, struct lk_json **ret, struct lk_err *err)
{
	json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	json_object *obj = NULL;
	enum json_tokener_error why = json_tokener_error_size;
	size_t end = 0;

	if (tok && len < INT32_MAX) {
		json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
						    JSON_TOKENER_ALLOW_TRAILING_CHARS);
		obj = json_tokener_parse_ex(tok, text, (int)len);
		why = json_tokener_get_error(tok);
		end = json_tokener_get_parse_end(tok);
	}
	json_tokener_free(tok);
	while (end < len && strchr(" \t\r\n", text[end]) && text[end])
		end++;
	if (obj && end == len && json_object_is_type(obj, json_type_object)) {
		*ret = out(obj);
		return LK_OK;
	}
	json_object_put(obj);
	return lk_err_set(err, LK_E_INPUT, (uint32_t)why, "not JSON: %s",
			  why == json_tokener_success	 ? "no object, or more than one"
			  : why == json_tokener_continue ? "it ends in the middle"
							 : json_tokener_error_desc(why));
}

/*
 * A document that lacks a member without saying so is worse than none. So what a
 * member couldn't be put into for lack of memory has a mark, which takes no memory,
 * and lk_json_write() refuses a document with a mark in it.
 */
#define LACKING ((void *)(uintptr_t)1)

static void mark(struct lk_json *json)
{
	if (json)
		json_object_set_userdata(in(json), LACKING, NULL);
}

static bool lacks(json_object *obj)
{
	bool found = obj && json_object_get_userdata(obj) == LACKING;

	if (json_object_is_type(obj, json_type_object)) {
		json_object_object_foreach(obj, key, value)
		{
			(void)key;
			found = found || lacks(value);
		}
	} else if (json_object_is_type(obj, json_type_array)) {
		for (size_t i = 0; !found && i < json_object_array_length(obj); i++)
			found = lacks(json_object_array_get_idx(obj, i));
	}
	return found;
}

int lk_json_write(const struct lk_json *json, struct lk_buf *ret, struct lk_err *err)
{
	size_t len = 0;
	const char *text = lacks(in(json))
				   ? NULL
				   : json_object_to_json_string_length(in(json), WRITE_FLAGS, &len);
	char *copy = text ? malloc(LK_JSON_ESCAPED_MAX(len) + 2) : NULL;

	if (!copy)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	len = lk_json_escape_hidden(text, len, copy);
	copy[len] = '\n';
	copy[len + 1] = '\0';
	*ret = (struct lk_buf){ (uint8_t *)copy, len + 1 };
	return LK_OK;
}

/** Takes @value. Return: whether it is there now. */
static bool set(struct lk_json *obj, const char *key, json_object *value)
{
	if (obj && value && json_object_object_add(in(obj), key, value) == 0)
		return true;
	json_object_put(value);
	mark(obj);
	return false;
}

/** The same of an array. */
static bool add_to_array(struct lk_json *array, json_object *value)
{
	if (array && value && json_object_array_add(in(array), value) == 0)
		return true;
	json_object_put(value);
	mark(array);
	return false;
}

/* File names and logs may hold anything; what isn't UTF-8 is "?". The rest is
 * escaped when it is written. */
void lk_json_set_text(struct lk_json *obj, const char *key, const char *text)
{
	size_t left = strlen(text);
	char *copy = malloc(left + 1);
	uint8_t *p = (uint8_t *)copy;

	if (!copy) {
		mark(obj);
		return;
	}
	memcpy(copy, text, left + 1);
	while (left) {
		uint32_t c;
		size_t n = lk_text_decode(p, left, &c);

		if (!n) {
			*p = '?';
			n = 1;
		}
		p += n;
		left -= n;
	}
	(void)set(obj, key, json_object_new_string(copy));
	free(copy);
}

void lk_json_set_hex(struct lk_json *obj, const char *key, const uint8_t *data, size_t len)
{
	char *text = len < SIZE_MAX / 2 ? malloc(2 * len + 1) : NULL;

	if (!text) {
		mark(obj);
		return;
	}
	lk_hex_encode(data, len, text);
	lk_json_set_text(obj, key, text);
	free(text);
}

void lk_json_set_uint(struct lk_json *obj, const char *key, uint64_t value)
{
	(void)set(obj, key, json_object_new_uint64(value));
}

void lk_json_set_bool(struct lk_json *obj, const char *key, bool value)
{
	(void)set(obj, key, json_object_new_boolean(value));
}

void lk_json_set_handle(struct lk_json *obj, const char *key, uint32_t handle)
{
	char text[11];

	snprintf(text, sizeof(text), "0x%08" PRIx32, handle);
	lk_json_set_text(obj, key, text);
}

struct lk_json *lk_json_set_object(struct lk_json *obj, const char *key)
{
	json_object *value = json_object_new_object();

	return set(obj, key, value) ? out(value) : NULL;
}

struct lk_json *lk_json_set_array(struct lk_json *obj, const char *key)
{
	json_object *value = json_object_new_array();

	return set(obj, key, value) ? out(value) : NULL;
}

struct lk_json *lk_json_add_object(struct lk_json *array)
{
	json_object *value = json_object_new_object();

	return add_to_array(array, value) ? out(value) : NULL;
}

void lk_json_add_uint(struct lk_json *array, uint64_t number)
{
	(void)add_to_array(array, json_object_new_uint64(number));
}

void lk_json_remove(struct lk_json *obj, const char *key)
{
	json_object_object_del(in(obj), key);
}

struct lk_json *lk_json_get(const struct lk_json *obj, const char *key)
{
	json_object *value = NULL;

	if (!obj || !json_object_is_type(in(obj), json_type_object) ||
	    !json_object_object_get_ex(in(obj), key, &value))
		return NULL;
	if (!json_object_is_type(value, json_type_object) &&
	    !json_object_is_type(value, json_type_array))
		return NULL;
	return out(value);
}

const char *lk_json_get_text(const struct lk_json *obj, const char *key)
{
	json_object *value = NULL;

	if (!obj || !json_object_is_type(in(obj), json_type_object) ||
	    !json_object_object_get_ex(in(obj), key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

struct lk_json *lk_json_find(const struct lk_json *array, const char *key, const char *text)
{
	if (!array || !json_object_is_type(in(array), json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(in(array)); i++) {
		struct lk_json *at = out(json_object_array_get_idx(in(array), i));
		const char *has = lk_json_get_text(at, key);

		if (has && strcmp(has, text) == 0)
			return at;
	}
	return NULL;
}

bool lk_json_is_array(const struct lk_json *json)
{
	return json && json_object_is_type(in(json), json_type_array);
}

size_t lk_json_count(const struct lk_json *array)
{
	return lk_json_is_array(array) ? json_object_array_length(in(array)) : 0;
}

struct lk_json *lk_json_at(const struct lk_json *array, size_t i)
{
	json_object *at = i < lk_json_count(array) ? json_object_array_get_idx(in(array), i) : NULL;

	return at && json_object_is_type(at, json_type_object) ? out(at) : NULL;
}

void lk_json_move_to_end(struct lk_json *array, size_t i)
{
	json_object *at;

	if (i >= lk_json_count(array))
		return;
	at = json_object_get(json_object_array_get_idx(in(array), i));
	if (json_object_array_del_idx(in(array), i, 1) != 0)
		json_object_put(at);
	else
		(void)add_to_array(array, at);
}

static json_object *member(const struct lk_json *obj, const char *key)
{
	json_object *value = NULL;

	if (obj && json_object_is_type(in(obj), json_type_object))
		(void)json_object_object_get_ex(in(obj), key, &value);
	return value;
}

bool lk_json_has(const struct lk_json *obj, const char *key)
{
	return obj && json_object_is_type(in(obj), json_type_object) &&
	       json_object_object_get_ex(in(obj), key, NULL);
}

bool lk_json_get_uint(const struct lk_json *obj, const char *key, uint64_t *ret)
{
	json_object *value = member(obj, key);

	if (!value || !json_object_is_type(value, json_type_int) ||
	    json_object_get_int64(value) < 0)
		return false;
	*ret = json_object_get_uint64(value);
	return true;
}

bool lk_json_is_true(const struct lk_json *obj, const char *key)
{
	json_object *value = member(obj, key);

	return value && json_object_is_type(value, json_type_boolean) &&
	       json_object_get_boolean(value);
}

void lk_json_share(struct lk_json *to, const struct lk_json *from, const char *key)
{
	json_object *value = member(from, key);

	if (value)
		(void)set(to, key, json_object_get(value));
}
