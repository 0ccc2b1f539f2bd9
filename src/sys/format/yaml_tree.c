/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the memory that a document tree lies in. */
#include <stdlib.h>

#include "sys/format/yaml_private.h"

struct lk_yaml_block {
	struct lk_yaml_block *next;
	size_t used;
	size_t cap;
	_Alignas(max_align_t) unsigned char data[];
};

void *lk_yaml_carve(struct lk_yaml *y, size_t size)
{
	struct lk_yaml_block *b = y->blocks;

	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (!b || b->cap - b->used < size) {
		size_t cap = size > 8192 ? size : 8192;

		b = malloc(sizeof(*b) + cap);
		if (!b)
			return NULL;
		b->next = y->blocks;
		b->used = 0;
		b->cap = cap;
		y->blocks = b;
	}
	b->used += size;
	return b->data + b->used - size;
}

void lk_yaml_free(struct lk_yaml *yaml)
{
	if (!yaml)
		return;
	while (yaml->blocks) {
		struct lk_yaml_block *next = yaml->blocks->next;

		free(yaml->blocks);
		yaml->blocks = next;
	}
	free(yaml);
}

const struct lk_doc *lk_yaml_root(const struct lk_yaml *yaml)
{
	return yaml->root;
}
