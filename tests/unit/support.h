/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what unit tests share: cmocka, documents from text, committed data, cuts. */
#ifndef LK_TEST_SUPPORT_H
#define LK_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/alg.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"
#include "sys/format/yaml.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/** Document of text that must be YAML; free with lk_yaml_free. */
struct lk_yaml *doc_of(const char *text);

/** Contents of tests/data/<name>. */
struct lk_buf data_file(const char *name);

/** Bytes of hexadecimal text that must be right; returns their number. */
size_t unhex(const char *hex, uint8_t *out, size_t cap);

/** Copy of @text with its one occurrence of @from replaced; malloc'd. */
char *swapped(const char *text, const char *from, const char *to);

/**
 * shortest_that_parses - parses @text cut at every offset, the whole left out
 * @parse: given bytes that lie in an allocation of just their size
 *
 * Return: the least length that parses, or @len when none does.
 */
typedef int (*parse_fn)(const uint8_t *data, size_t len);
size_t shortest_that_parses(const char *text, size_t len, parse_fn parse);

/** A hash that fails, as when OpenSSL is out of memory. */
bool failing_hash(enum lk_alg alg, const struct lk_bytes *parts, size_t n_parts,
		  struct lk_digest *ret);

/** Fills with a pattern, and tells whether it is still there. */
void poison(void *p, size_t len);
bool is_poisoned(const void *p, size_t len);

#endif
