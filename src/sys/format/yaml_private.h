/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the memory of a document tree, which libyaml's events and plain JSON are both put into. */
#ifndef LK_SYS_FORMAT_YAML_PRIVATE_H
#define LK_SYS_FORMAT_YAML_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "sys/format/yaml.h"

struct lk_yaml_block;

/* All of one document is freed at once, so it is carved from blocks. */
struct lk_yaml {
	struct lk_yaml_block *blocks;
	struct lk_doc *root;
};

/** NULL: out of memory. */
void *lk_yaml_carve(struct lk_yaml *yaml, size_t size);

/**
 * lk_yaml_from_json - the tree of a document that is plain JSON, without libyaml
 * @data: any bytes
 * @yaml: empty; holds a tree, or parts of one that are good for nothing
 *
 * What programs write (LUKS2 headers and tokens) is read so, in a tenth of the time. The
 * tree is the same as libyaml's, lines and columns included. Anything unusual is left to
 * libyaml, and so is every refusal: a character beyond ASCII, an escape, a key that comes
 * twice, a line's end between a key and its colon, numbers with anything else than digits.
 *
 * Return: whether the tree is there.
 */
bool lk_yaml_from_json(const uint8_t *data, size_t len, struct lk_yaml *yaml);

#endif
