/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns remembering the digests of an image's parts. */
#include "policy/memo_hash.h"

#include <pthread.h>
#include <string.h>

#include "sys/crypto/crypto.h"

#define KEPT_MAX  4u
#define PARTS_MAX 100u /* an image has at most 96 sections */
#define MEMOS_MAX 64u
#define SHORT_MAX 2048u		/* bytes of what isn't kept, in one hash: padding, headers */
#define LONG_MIN  (16u * 1024u) /* less isn't worth it */

/* What was hashed: where kept parts lie, and what the others were. */
struct memo {
	enum lk_alg alg;
	size_t n;
	struct lk_bytes parts[PARTS_MAX]; /* data NULL: in @text */
	uint8_t text[SHORT_MAX];
	size_t text_len;
	struct lk_digest digest;
};

static struct lk_bytes kept[KEPT_MAX];
static size_t n_kept;
static struct memo memos[MEMOS_MAX];
static size_t n_memos;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void lk_memo_hash_keep(struct lk_bytes image)
{
	if (n_kept < KEPT_MAX)
		kept[n_kept++] = image;
}

static bool is_kept(struct lk_bytes part)
{
	for (size_t i = 0; i < n_kept; i++)
		if (part.data >= kept[i].data && part.len <= kept[i].len &&
		    (size_t)(part.data - kept[i].data) <= kept[i].len - part.len)
			return true;
	return false;
}

/* False where it is nothing to remember. */
static bool describe(enum lk_alg alg, const struct lk_bytes *parts, size_t n, struct memo *ret)
{
	size_t total = 0;

	if (n > PARTS_MAX)
		return false;
	ret->alg = alg;
	ret->n = n;
	ret->text_len = 0;
	for (size_t i = 0; i < n; i++) {
		total += parts[i].len;
		ret->parts[i] = parts[i];
		if (parts[i].len && is_kept(parts[i]))
			continue;
		if (parts[i].len > SHORT_MAX - ret->text_len)
			return false;
		if (parts[i].len)
			memcpy(ret->text + ret->text_len, parts[i].data, parts[i].len);
		ret->text_len += parts[i].len;
		ret->parts[i].data = NULL;
	}
	return total >= LONG_MIN;
}

static bool is_same(const struct memo *a, const struct memo *b)
{
	if (a->alg != b->alg || a->n != b->n || a->text_len != b->text_len ||
	    memcmp(a->text, b->text, a->text_len) != 0)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->parts[i].data != b->parts[i].data || a->parts[i].len != b->parts[i].len)
			return false;
	return true;
}

static bool recall(const struct memo *what, struct lk_digest *ret)
{
	bool found = false;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; !found && i < n_memos; i++) {
		found = is_same(&memos[i], what);
		if (found)
			*ret = memos[i].digest;
	}
	(void)pthread_mutex_unlock(&lock);
	return found;
}

static void remember(const struct memo *what)
{
	(void)pthread_mutex_lock(&lock);
	if (n_memos < MEMOS_MAX)
		memos[n_memos++] = *what;
	(void)pthread_mutex_unlock(&lock);
}

bool lk_memo_hash(enum lk_alg alg, const struct lk_bytes *parts, size_t n_parts,
		  struct lk_digest *ret)
{
	struct memo what;

	if (!n_kept || !describe(alg, parts, n_parts, &what))
		return lk_crypto_hash(alg, parts, n_parts, ret);
	if (recall(&what, ret))
		return true;
	if (!lk_crypto_hash(alg, parts, n_parts, &what.digest))
		return false;
	remember(&what);
	*ret = what.digest;
	return true;
}
