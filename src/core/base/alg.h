/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the hash algorithms that Latchkey uses, by TPM identifier and name. */
#ifndef LK_CORE_BASE_ALG_H
#define LK_CORE_BASE_ALG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"

/** TPM_ALG_ID values (TPM 2.0 Part 2, 6.3). */
enum lk_alg {
	LK_ALG_NONE = 0,
	/* What old logs hold, for lk_hash_fn alone: no name, no size and no bank here. */
	LK_ALG_SHA1 = 0x0004,
	LK_ALG_SHA256 = 0x000b,
	LK_ALG_SHA384 = 0x000c,
};

#define LK_DIGEST_MAX 48u

struct lk_digest {
	uint16_t len;
	uint8_t data[LK_DIGEST_MAX];
};

/** How many there are, each of which may be a PCR bank; and the one at @i, below that. */
#define LK_ALGS 2u
enum lk_alg lk_alg_at(size_t i);

/** Bytes of a digest; 0 for an algorithm that isn't one of ours. */
size_t lk_alg_size(enum lk_alg alg);
/** "sha256" or "sha384"; NULL otherwise. */
const char *lk_alg_name(enum lk_alg alg);
enum lk_alg lk_alg_from_name(const char *name);

/**
 * The one thing that core asks of outside: a hash over several parts.
 * lk_crypto_hash in sys/crypto/crypto.h is one. It takes LK_ALG_SHA1 too.
 * Return: false when the library failed; @ret is then untouched.
 */
typedef bool (*lk_hash_fn)(enum lk_alg alg, const struct lk_bytes *parts, size_t n_parts,
			   struct lk_digest *ret);

bool lk_digest_equal(const struct lk_digest *a, const struct lk_digest *b);

#endif
