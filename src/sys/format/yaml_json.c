/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the way from plain JSON to a document tree. */
#include <string.h>

#include "sys/format/yaml_private.h"

/* From a key's first character to its colon; libyaml looks 1024 characters ahead. */
#define KEY_MAX 1000

struct json {
	struct lk_yaml *yaml;
	const uint8_t *p, *end;
	const uint8_t *line_start;
	unsigned int line;
	unsigned int depth;
};

static struct lk_doc *new_json_node(const struct json *j, enum lk_doc_type type)
{
	struct lk_doc *node = lk_yaml_carve(j->yaml, sizeof(*node));

	if (node)
		*node = (struct lk_doc){ .type = type,
					 .line = j->line,
					 .column = (unsigned int)(j->p - j->line_start) + 1,
					 .text = "" };
	return node;
}

static void skip_space(struct json *j)
{
	for (; j->p < j->end && (*j->p == ' ' || *j->p == '\n'); j->p++)
		if (*j->p == '\n') {
			j->line++;
			j->line_start = j->p + 1;
		}
}

static bool take_byte(struct json *j, uint8_t c)
{
	if (j->p == j->end || *j->p != c)
		return false;
	j->p++;
	return true;
}

static struct lk_doc *finish_scalar(struct lk_yaml *yaml, struct lk_doc *node, const uint8_t *text,
				    size_t len)
{
	char *copy = lk_yaml_carve(yaml, len + 1);

	if (!node || !copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	node->text = copy;
	node->len = len;
	return node;
}

static struct lk_doc *read_string(struct json *j)
{
	struct lk_doc *node = new_json_node(j, LK_DOC_SCALAR);
	const uint8_t *from;

	if (!node || !take_byte(j, '"'))
		return NULL;
	for (from = j->p; j->p < j->end && *j->p != '"'; j->p++)
		if (*j->p < ' ' || *j->p > '~' || *j->p == '\\')
			return NULL;
	node->quoted = true;
	return take_byte(j, '"') ? finish_scalar(j->yaml, node, from, (size_t)(j->p - from) - 1)
				 : NULL;
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* Digits, perhaps with a minus before them; true, false, null. */
static struct lk_doc *read_word(struct json *j)
{
	struct lk_doc *node = new_json_node(j, LK_DOC_SCALAR);
	const uint8_t *from = j->p;

	(void)take_byte(j, '-');
	if (j->p == j->end || !is_word(*j->p))
		return NULL;
	while (j->p < j->end && is_word(*j->p))
		j->p++;
	return finish_scalar(j->yaml, node, from, (size_t)(j->p - from));
}

static struct lk_doc *read_value(struct json *j);

static struct lk_doc *read_key(struct json *j, const struct lk_doc *map)
{
	const uint8_t *from = j->p;
	struct lk_doc *key = read_string(j);

	if (!key || lk_doc_get(map, key->text))
		return NULL;
	while (j->p < j->end && *j->p == ' ')
		j->p++;
	return j->p - from <= KEY_MAX && take_byte(j, ':') ? key : NULL;
}

/* Of a map each item is a key, and the value its next. */
static struct lk_doc *read_collection(struct json *j, bool map)
{
	struct lk_doc *node = new_json_node(j, map ? LK_DOC_MAP : LK_DOC_SEQ);
	const uint8_t end = map ? '}' : ']';
	const struct lk_doc **at = node ? &node->child : NULL;
	unsigned int keys = 0;

	if (!node || j->depth == LK_YAML_DEPTH_MAX)
		return NULL;
	j->depth++;
	j->p++;
	for (skip_space(j); !take_byte(j, end); skip_space(j)) {
		struct lk_doc *key = NULL, *value;

		if (node->child && !take_byte(j, ','))
			return NULL;
		skip_space(j);
		if (map && (++keys > LK_YAML_KEYS_MAX || !(key = read_key(j, node))))
			return NULL;
		skip_space(j);
		value = read_value(j);
		if (!value)
			return NULL;
		if (key)
			key->next = value;
		*at = key ? key : value;
		at = &value->next;
	}
	j->depth--;
	return node;
}

static struct lk_doc *read_value(struct json *j)
{
	if (j->p == j->end)
		return NULL;
	if (*j->p == '{' || *j->p == '[')
		return read_collection(j, *j->p == '{');
	return *j->p == '"' ? read_string(j) : read_word(j);
}

bool lk_yaml_from_json(const uint8_t *data, size_t len, struct lk_yaml *yaml)
{
	struct json j = {
		.yaml = yaml, .p = data, .end = data + len, .line_start = data, .line = 1
	};

	if (!len || *data != '{')
		return false;
	yaml->root = read_value(&j);
	skip_space(&j);
	if (yaml->root && j.p == j.end)
		return true;
	yaml->root = NULL;
	return false;
}
