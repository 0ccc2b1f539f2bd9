/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the record of what was agreed: each file of a configuration with its digest, size, mode and owner. */
#ifndef LK_CORE_CONFIG_AGREED_H
#define LK_CORE_CONFIG_AGREED_H

#include <stdbool.h>

#include "core/base/alg.h"
#include "core/base/bytes.h"
#include "core/base/rc.h"

#define LK_AGREED_DIGEST   32u /* SHA-256 */
#define LK_AGREED_LINE_MAX 2400u

struct lk_agreed_file {
	uint8_t digest[LK_AGREED_DIGEST];
	uint64_t size;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	bool is_volatile;
	bool is_copy;	   /* not both */
	char *path;	   /* in the archive; "" for what no archive brought */
	char *destination; /* absolute */
};

struct lk_agreed {
	uint64_t sequence;     /* 0: files that were there before */
	bool tried;	       /* in a folder: no floor was raised for it */
	struct lk_digest blob; /* that was signed; no bytes: none */
	struct lk_agreed_file *files;
	size_t n_files;
	size_t cap;
};
#define LK_AGREED_NONE	((struct lk_agreed){ .files = NULL })
#define LK_OWNED_AGREED __attribute__((cleanup(lk_agreed_done))) struct lk_agreed
void lk_agreed_done(struct lk_agreed *a);

/** Adds a copy. LK_OK or LK_E_SYSTEM. */
int lk_agreed_add(struct lk_agreed *a, const struct lk_agreed_file *file, struct lk_err *err);
/** Takes one out, by its place in the list. */
void lk_agreed_remove(struct lk_agreed *a, size_t at);
/** By destination; of several for one, in the order in which they were added. */
void lk_agreed_sort(struct lk_agreed *a);
/** Of a sorted one: the first for @destination, and how many follow; NULL: none. */
const struct lk_agreed_file *lk_agreed_find(const struct lk_agreed *a, const char *destination,
					    size_t *ret_n);

/** The text, malloc'd, without a check value; NULL: no memory. */
char *lk_agreed_to_text(const struct lk_agreed *a, size_t *ret_len);
/**
 * lk_agreed_from_text - strictly what lk_agreed_to_text writes
 *
 * Return: LK_OK, LK_E_INPUT with the line, LK_E_SYSTEM.
 */
int lk_agreed_from_text(const char *text, size_t len, struct lk_agreed *ret, struct lk_err *err);

#endif
