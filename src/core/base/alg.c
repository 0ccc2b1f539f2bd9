/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the table of hash algorithms. */
#include "core/base/alg.h"

#include <string.h>

static const struct {
	enum lk_alg alg;
	size_t size;
	const char *name;
} algs[LK_ALGS] = {
	{ LK_ALG_SHA256, 32, "sha256" },
	{ LK_ALG_SHA384, 48, "sha384" },
};

enum lk_alg lk_alg_at(size_t i)
{
	return algs[i].alg;
}

size_t lk_alg_size(enum lk_alg alg)
{
	for (size_t i = 0; i < LK_ALGS; i++)
		if (algs[i].alg == alg)
			return algs[i].size;
	return 0;
}

const char *lk_alg_name(enum lk_alg alg)
{
	for (size_t i = 0; i < LK_ALGS; i++)
		if (algs[i].alg == alg)
			return algs[i].name;
	return NULL;
}

enum lk_alg lk_alg_from_name(const char *name)
{
	for (size_t i = 0; i < LK_ALGS; i++)
		if (strcmp(algs[i].name, name) == 0)
			return algs[i].alg;
	return LK_ALG_NONE;
}

bool lk_digest_equal(const struct lk_digest *a, const struct lk_digest *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}
