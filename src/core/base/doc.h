/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the document tree that YAML and JSON are read into, and strict access to it. */
#ifndef LK_CORE_BASE_DOC_H
#define LK_CORE_BASE_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/alg.h"
#include "core/base/rc.h"

enum lk_doc_type { LK_DOC_SCALAR, LK_DOC_SEQ, LK_DOC_MAP };

/**
 * A node. Children of a map alternate key, value, key, value; keys are
 * scalars without repeats (the reader has seen to that). Line and column
 * count from 1.
 */
struct lk_doc {
	enum lk_doc_type type;
	unsigned int line;
	unsigned int column;
	const char *text; /* scalar: NUL-terminated UTF-8, no NUL inside */
	size_t len;
	bool quoted;		    /* scalar: was written with quotes or as a block */
	const struct lk_doc *child; /* first child */
	const struct lk_doc *next;  /* next sibling */
};

/** Error at a node: "<line>:<column>: <message>". Returns LK_E_INPUT. */
int lk_doc_error(const struct lk_doc *at, struct lk_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Value of @key in a map, or NULL. */
const struct lk_doc *lk_doc_get(const struct lk_doc *map, const char *key);

/**
 * lk_doc_expect_kind - tells files that changed places before a key is unknown
 * @key: the one that a document of the expected kind has, as "latchkey-policy"
 *
 * Return: LK_E_INPUT with both kinds where the map has another kind's key.
 */
int lk_doc_expect_kind(const struct lk_doc *map, const char *key, struct lk_err *err);
/** Refuses a node that isn't a map and a key that isn't in @known (NULL-ended),
 * whose first is the one that tells the kind of a document, where it is one. */
int lk_doc_expect_keys(const struct lk_doc *map, const char *const *known, struct lk_err *err);

/*
 * Typed access. Where @map has no such key: LK_E_INPUT for the plain form;
 * the caller asks lk_doc_get first for what is optional.
 */
int lk_doc_get_text(const struct lk_doc *map, const char *key, size_t max_len, const char **ret,
		    struct lk_err *err);
/** Decimal or 0x-hexadecimal, within [min, max]. */
int lk_doc_get_uint(const struct lk_doc *map, const char *key, uint64_t min, uint64_t max,
		    uint64_t *ret, struct lk_err *err);
/** true or false, exactly. */
int lk_doc_get_bool(const struct lk_doc *map, const char *key, bool *ret, struct lk_err *err);
/** Hexadecimal of at most @cap bytes. */
int lk_doc_get_hex(const struct lk_doc *map, const char *key, uint8_t *out, size_t cap,
		   size_t *ret_len, struct lk_err *err);
/** Scalar that is one of @words (NULL-ended); gives its index. */
int lk_doc_get_word(const struct lk_doc *map, const char *key, const char *const *words,
		    unsigned int *ret, struct lk_err *err);
/** Name of a PCR bank. */
int lk_doc_get_bank(const struct lk_doc *map, const char *key, enum lk_alg *ret,
		    struct lk_err *err);
/** Number of a scalar node itself, as lk_doc_get_uint. */
int lk_doc_uint(const struct lk_doc *node, uint64_t min, uint64_t max, uint64_t *ret,
		struct lk_err *err);

#endif
