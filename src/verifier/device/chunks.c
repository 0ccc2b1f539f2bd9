/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns where a chunk ends, and keeping each once. */
#include "verifier/device/chunks.h"

#include <stdlib.h>
#include <string.h>

#include "sys/crypto/crypto.h"

#define CHUNK_MIN  2048u
#define CHUNK_MAX  32768u
#define CHUNK_MASK 0x1fffu /* a boundary in some 8 KiB */

/* A rolling sum over the last bytes: each step moves what an older byte has left out at the top. */
static size_t chunk_length(struct lk_bytes b)
{
	uint32_t sum = 0;
	size_t i;

	if (b.len <= CHUNK_MIN)
		return b.len;
	for (i = CHUNK_MIN - 32; i < b.len && i < CHUNK_MAX; i++) {
		sum = (sum << 1) + (b.data[i] + 1u) * 2654435761u;
		if (i >= CHUNK_MIN && ((sum >> 16) & CHUNK_MASK) == 0)
			break;
	}
	return i;
}

static int append(struct lk_buf *list, const struct lk_digest *digest, struct lk_err *err)
{
	uint8_t *grown = realloc(list->data, list->len + digest->len + 1);

	if (!grown)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for a log");
	memcpy(grown + list->len, digest->data, digest->len);
	list->data = grown;
	list->len += digest->len;
	return LK_OK;
}

static int note(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	(void)c;
	(void)err;
	*(bool *)ctx = true;
	return LK_OK;
}

int lk_vf_chunks_put(struct lk_store *s, struct lk_bytes bytes, struct lk_buf *list,
		     struct lk_err *err)
{
	static const char sql[] =
		"INSERT INTO chunks (hash, data) VALUES ($1, $2) ON CONFLICT DO NOTHING";
	static const char there[] = "SELECT 1 FROM chunks WHERE hash = $1";
	/* It deletes nothing, and from here to the end of the transaction nobody else may either. */
	static const char claim[] = "DELETE FROM chunks WHERE hash = $1";
	const struct lk_value none[] = { lk_value_bytes((struct lk_bytes){ NULL, 0 }) };

	LK_TRY(lk_store_run(s, &(struct lk_query){ claim, 1, none, NULL, NULL }, NULL, err));
	while (bytes.len) {
		struct lk_bytes chunk = { bytes.data, chunk_length(bytes) };
		struct lk_digest digest;
		bool found = false;

		if (!lk_crypto_hash(LK_ALG_SHA256, &chunk, 1, &digest))
			return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
		const struct lk_value args[] = {
			lk_value_bytes((struct lk_bytes){ digest.data, digest.len }),
			lk_value_bytes(chunk),
		};

		LK_TRY(lk_store_run(s, &(struct lk_query){ there, 1, args, note, &found }, NULL,
				    err));
		if (!found)
			LK_TRY(lk_store_run_aside(s, &(struct lk_query){ sql, 2, args, NULL, NULL },
						  err));
		LK_TRY(append(list, &digest, err));
		bytes.data += chunk.len;
		bytes.len -= chunk.len;
	}
	return LK_OK;
}

static int add_chunk(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct lk_buf *ret = ctx;
	uint8_t *grown = realloc(ret->data, ret->len + c[0].bytes.len + 1);

	if (!grown)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for a log");
	memcpy(grown + ret->len, c[0].bytes.data, c[0].bytes.len);
	ret->data = grown;
	ret->len += c[0].bytes.len;
	grown[ret->len] = '\0';
	return LK_OK;
}

int lk_vf_chunks_get(struct lk_store *s, struct lk_bytes list, struct lk_buf *ret,
		     struct lk_err *err)
{
	static const char sql[] = "SELECT data FROM chunks WHERE hash = $1";

	for (size_t at = 0; at + LK_VF_CHUNK_HASH <= list.len; at += LK_VF_CHUNK_HASH) {
		const struct lk_value args[] = { lk_value_bytes(
			(struct lk_bytes){ list.data + at, LK_VF_CHUNK_HASH }) };
		size_t before = ret->len;

		LK_TRY(lk_store_run(s, &(struct lk_query){ sql, 1, args, add_chunk, ret }, NULL,
				    err));
		if (ret->len == before)
			return lk_err_set(err, LK_E_IO, 0,
					  "the database: a part of a log is missing");
	}
	return LK_OK;
}
