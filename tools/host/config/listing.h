/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what is in a blob, file by file, to compare. */
#ifndef LK_HOST_CONFIG_LISTING_H
#define LK_HOST_CONFIG_LISTING_H

#include <stddef.h>

#include "core/base/alg.h"
#include "config/opened.h"

struct lk_listed {
	char *path;
	uint32_t mode;
	uint64_t size;
	struct lk_digest sha256;
};

/** Sorted by path, bytewise. */
struct lk_listing {
	struct lk_listed *files;
	size_t n;
	size_t cap;
};
#define LK_OWNED_LISTING __attribute__((cleanup(lk_listing_done))) struct lk_listing
int lk_listing_read(const struct lk_opened *blob, struct lk_listing *ret, struct lk_err *err);
void lk_listing_done(struct lk_listing *l);

/**
 * lk_listing_diff - one line on standard output for each difference
 * Return: how many.
 */
size_t lk_listing_diff(const struct lk_listing *a, const struct lk_listing *b);

#endif
