/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns hashing an image's parts once, however many devices boot it. */
#ifndef LK_HOST_POLICY_MEMO_HASH_H
#define LK_HOST_POLICY_MEMO_HASH_H

#include "core/base/alg.h"

/** These bytes stay where they are, and as they are, until the program ends. */
void lk_memo_hash_keep(struct lk_bytes image);

/** An lk_hash_fn: long parts of what was kept are hashed the first time alone. Threads
 * may call it at once, once nothing more is kept. */
bool lk_memo_hash(enum lk_alg alg, const struct lk_bytes *parts, size_t n_parts,
		  struct lk_digest *ret);

#endif
