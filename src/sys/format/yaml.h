/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libyaml: strict YAML (and so JSON) bytes to a document tree. */
#ifndef LK_SYS_FORMAT_YAML_H
#define LK_SYS_FORMAT_YAML_H

#include "core/base/doc.h"

#define LK_YAML_SIZE_MAX  (256u * 1024u)
#define LK_YAML_LONG_MAX  (1024u * 1024u) /* of a provisioning record */
#define LK_YAML_DEPTH_MAX 8u
#define LK_YAML_KEYS_MAX  64u /* in one map */

/** The tree and the memory it lies in. */
struct lk_yaml;

/**
 * lk_yaml_parse - one document
 * @data: at most LK_YAML_SIZE_MAX bytes
 *
 * Refused, each with line and column: bad UTF-8 and control characters, an
 * anchor, an alias, a tag, a directive, a second document, a duplicate key, a
 * key that isn't a scalar, an escaped control character, more than
 * LK_YAML_DEPTH_MAX levels or LK_YAML_KEYS_MAX keys in one map.
 *
 * Return: LK_OK, LK_E_INPUT or LK_E_SYSTEM.
 */
int lk_yaml_parse(const uint8_t *data, size_t len, struct lk_yaml **ret, struct lk_err *err);
/** The same of up to LK_YAML_LONG_MAX bytes. */
int lk_yaml_parse_long(const uint8_t *data, size_t len, struct lk_yaml **ret, struct lk_err *err);
const struct lk_doc *lk_yaml_root(const struct lk_yaml *yaml);
void lk_yaml_free(struct lk_yaml *yaml);

static inline void lk_yaml_freep(struct lk_yaml **p)
{
	lk_yaml_free(*p);
}
#define LK_OWNED_YAML __attribute__((cleanup(lk_yaml_freep))) struct lk_yaml *

#endif
