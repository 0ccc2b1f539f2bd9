/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what fuzz targets share: an invariant that is no assert, and documents. */
#ifndef LK_FUZZ_H
#define LK_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sys/format/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Must hold, whatever the input and however it is built. */
#define INVARIANT(expr)                                                                            \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expr);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/** A failure is told in a sentence, and with that code. */
static inline void check_error(int rc, int expected, const struct lk_err *err)
{
	INVARIANT(rc == expected && (int)err->rc == rc);
	INVARIANT(err->msg[0] && memchr(err->msg, '\0', sizeof(err->msg)));
}

static inline void check_same_node(const struct lk_doc *a, const struct lk_doc *b)
{
	INVARIANT(a->type == b->type && a->line == b->line && a->column == b->column);
	INVARIANT(a->len == b->len && !memcmp(a->text, b->text, a->len) && a->quoted == b->quoted);
	for (a = a->child, b = b->child; a && b; a = a->next, b = b->next)
		check_same_node(a, b);
	INVARIANT(!a && !b);
}

/** JSON is read without libyaml. With a comment at its end it is no JSON, and has to be the same. */
static inline void check_both_ways(const uint8_t *data, size_t size, const struct lk_yaml *yaml)
{
	struct lk_yaml *other = NULL;
	uint8_t *commented;

	if (!size || data[0] != '{' || size > LK_YAML_SIZE_MAX - 2)
		return;
	commented = malloc(size + 2);
	if (!commented)
		abort();
	memcpy(commented, data, size);
	memcpy(commented + size, "\n#", 2);
	INVARIANT((lk_yaml_parse(commented, size + 2, &other, NULL) == LK_OK) == (yaml != NULL));
	if (yaml)
		check_same_node(lk_yaml_root(yaml), lk_yaml_root(other));
	lk_yaml_free(other);
	free(commented);
}

/** The document, or NULL with the error checked. */
static inline struct lk_yaml *parse_document(const uint8_t *data, size_t size)
{
	struct lk_yaml *yaml = NULL;
	struct lk_err err = { 0 };
	int rc = lk_yaml_parse(data, size, &yaml, &err);

	check_both_ways(data, size, yaml);
	if (rc != LK_OK) {
		INVARIANT(yaml == NULL);
		check_error(rc, LK_E_INPUT, &err);
		return NULL;
	}
	INVARIANT(yaml && lk_yaml_root(yaml));
	return yaml;
}

#endif
