/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libyaml's events, which become a document tree. */
#include "sys/format/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/base/bom.h"
#include "core/base/text.h"
#include "sys/format/yaml_private.h"

/** One open collection. */
struct level {
	struct lk_doc *node;
	struct lk_doc *last; /* last child so far */
	bool want_value;     /* map: a key is waiting for its value */
	unsigned int keys;
};

struct builder {
	struct lk_yaml *yaml;
	struct level stack[LK_YAML_DEPTH_MAX];
	unsigned int depth;
	struct lk_err *err;
};

static int error_at(struct lk_err *err, const yaml_mark_t *mark, const char *what)
{
	return lk_err_set(err, LK_E_INPUT, 0, "%zu:%zu: %s", mark->line + 1, mark->column + 1,
			  what);
}

static struct lk_doc *new_node(struct lk_yaml *y, enum lk_doc_type type, const yaml_mark_t *mark)
{
	struct lk_doc *node = lk_yaml_carve(y, sizeof(*node));

	if (node)
		*node = (struct lk_doc){ .type = type,
					 .line = (unsigned int)mark->line + 1,
					 .column = (unsigned int)mark->column + 1,
					 .text = "" };
	return node;
}

/* Puts a finished or just opened node under the innermost collection. */
static int attach(struct builder *b, struct lk_doc *node, const yaml_mark_t *mark)
{
	struct level *top;

	if (b->depth == 0) {
		b->yaml->root = node;
		return LK_OK;
	}
	top = &b->stack[b->depth - 1];
	if (top->node->type == LK_DOC_MAP && !top->want_value) {
		if (node->type != LK_DOC_SCALAR)
			return error_at(b->err, mark, "a key must be a plain word");
		if (++top->keys > LK_YAML_KEYS_MAX)
			return error_at(b->err, mark, "too many keys in one place");
		if (lk_doc_get(top->node, node->text))
			return lk_err_set(b->err, LK_E_INPUT, 0,
					  "%zu:%zu: key \"%.64s\" is here twice", mark->line + 1,
					  mark->column + 1, node->text);
	}
	if (top->node->type == LK_DOC_MAP)
		top->want_value = !top->want_value;
	if (top->last)
		top->last->next = node;
	else
		top->node->child = node;
	top->last = node;
	return LK_OK;
}

/* An escape in double quotes can make any character; text of ours goes to
 * terminals and kernel logs, and ends at a NUL. */
static bool has_control(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] < 0x20 && text[i] != '\n' && text[i] != '\t') || text[i] == 0x7f ||
		    (text[i] == 0xc2 && i + 1 < len && text[i + 1] < 0xa0))
			return true;
	return false;
}

static int on_scalar(struct builder *b, const yaml_event_t *e)
{
	struct lk_doc *node = new_node(b->yaml, LK_DOC_SCALAR, &e->start_mark);
	size_t len = e->data.scalar.length;
	char *text = lk_yaml_carve(b->yaml, len + 1);

	if (!node || !text)
		return lk_err_set(b->err, LK_E_SYSTEM, 0, "out of memory");
	if (e->data.scalar.anchor)
		return error_at(b->err, &e->start_mark, "an anchor (&) is not allowed here");
	if (e->data.scalar.tag)
		return error_at(b->err, &e->start_mark, "a tag (!) is not allowed here");
	if (has_control(e->data.scalar.value, len))
		return error_at(b->err, &e->start_mark,
				"an escaped control character is not allowed here");
	memcpy(text, e->data.scalar.value, len);
	text[len] = '\0';
	node->text = text;
	node->len = len;
	node->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return attach(b, node, &e->start_mark);
}

static int on_open(struct builder *b, const yaml_event_t *e)
{
	bool map = e->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *anchor =
		map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor;
	const yaml_char_t *tag = map ? e->data.mapping_start.tag : e->data.sequence_start.tag;
	struct lk_doc *node;
	int rc;

	if (anchor)
		return error_at(b->err, &e->start_mark, "an anchor (&) is not allowed here");
	if (tag)
		return error_at(b->err, &e->start_mark, "a tag (!) is not allowed here");
	if (b->depth == LK_YAML_DEPTH_MAX)
		return error_at(b->err, &e->start_mark, "more than 8 levels are not allowed");
	node = new_node(b->yaml, map ? LK_DOC_MAP : LK_DOC_SEQ, &e->start_mark);
	if (!node)
		return lk_err_set(b->err, LK_E_SYSTEM, 0, "out of memory");
	rc = attach(b, node, &e->start_mark);
	if (rc != LK_OK)
		return rc;
	b->stack[b->depth++] = (struct level){ .node = node };
	return LK_OK;
}

static int on_document(struct builder *b, const yaml_event_t *e)
{
	const yaml_version_directive_t *version = e->data.document_start.version_directive;

	if (b->yaml->root)
		return error_at(b->err, &e->start_mark, "a second document is not allowed");
	if (version || e->data.document_start.tag_directives.start !=
			       e->data.document_start.tag_directives.end)
		return error_at(b->err, &e->start_mark, "a directive (%) is not allowed here");
	return LK_OK;
}

static int on_event(struct builder *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, e);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		b->depth--;
		return LK_OK;
	case YAML_ALIAS_EVENT:
		return error_at(b->err, &e->start_mark, "an alias (*) is not allowed here");
	case YAML_DOCUMENT_START_EVENT:
		return on_document(b, e);
	default:
		return LK_OK;
	}
}

static int parser_error(const yaml_parser_t *p, struct lk_err *err)
{
	if (p->error == YAML_MEMORY_ERROR)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	return error_at(err, &p->problem_mark, p->problem ? p->problem : "not YAML");
}

static int parse_events(yaml_parser_t *p, struct builder *b)
{
	for (;;) {
		yaml_event_t event;
		bool end;
		int rc;

		if (!yaml_parser_parse(p, &event))
			return parser_error(p, b->err);
		rc = on_event(b, &event);
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
		if (rc != LK_OK || end)
			return rc;
	}
}

/* Bytes of the character at @p, or 0 for what YAML doesn't count as printable
 * (YAML 1.2, 5.1). */
static size_t character(const uint8_t *p, size_t left)
{
	if (*p == '\t' || *p == '\n' || *p == '\r')
		return 1;
	return lk_text_character(p, left);
}

/* The whole file, before libyaml sees it: it would take UTF-16 and 32 too, and
 * says no line and column for what it can't read. */
static int check_bytes(const uint8_t *data, size_t len, size_t max, struct lk_err *err)
{
	const char *foreign = lk_bom_foreign((struct lk_bytes){ data, len });
	yaml_mark_t mark = { 0, 0, 0 };

	if (foreign)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"1:1: the file begins with the byte order mark of %s: save it as UTF-8",
			foreign);
	if (len > max)
		return lk_err_set(err, LK_E_INPUT, 0, "1:1: %zu bytes, at most %zu are allowed",
				  len, max);
	for (size_t i = 0; i < len;) {
		size_t n = character(data + i, len - i);

		if (n == 0)
			return error_at(err, &mark, "not UTF-8, or a control character");
		mark.column = data[i] == '\n' ? 0 : mark.column + 1;
		mark.line += data[i] == '\n';
		i += n;
	}
	return LK_OK;
}

static int parse(const uint8_t *data, size_t len, size_t max, struct lk_yaml **ret,
		 struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	struct builder b = { .err = err };
	struct lk_bytes text;
	yaml_parser_t parser;
	int rc;

	yaml = calloc(1, sizeof(*yaml));
	if (!yaml)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	if (len <= max && lk_yaml_from_json(data, len, yaml)) {
		*ret = yaml;
		yaml = NULL;
		return LK_OK;
	}
	LK_TRY(check_bytes(data, len, max, err));
	if (!yaml_parser_initialize(&parser))
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	b.yaml = yaml;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	/* libyaml counts the mark as a column, and then the second key is in another. */
	text = lk_bom_skip((struct lk_bytes){ data, len });
	yaml_parser_set_input_string(&parser, text.data, text.len);
	rc = parse_events(&parser, &b);
	yaml_parser_delete(&parser);
	if (rc != LK_OK)
		return rc;
	if (!yaml->root)
		return lk_err_set(err, LK_E_INPUT, 0, "1:1: the file is empty");
	*ret = yaml;
	yaml = NULL;
	return LK_OK;
}

int lk_yaml_parse(const uint8_t *data, size_t len, struct lk_yaml **ret, struct lk_err *err)
{
	return parse(data, len, LK_YAML_SIZE_MAX, ret, err);
}

int lk_yaml_parse_long(const uint8_t *data, size_t len, struct lk_yaml **ret, struct lk_err *err)
{
	return parse(data, len, LK_YAML_LONG_MAX, ret, err);
}
