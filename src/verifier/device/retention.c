/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns deleting old attestations and boots, the chunks that are left over, and the command vacuum. */
#include "verifier/device/retention.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verifier/device/chunks.h"
#include "verifier/verifier.h"
#include "verifier/device/words.h"

#define DAY_MS	     86400000ll
#define ALONE_MS     60000u
#define ALONE_NAP_MS 20u

/* A row whose reasons are NULL has those of one before it, which therefore stays as long as
 * a row that is kept may mean it. */
static int prune_attestations(struct lk_store *s, int64_t before, uint64_t *ret, struct lk_err *err)
{
	static const char sql[] =
		"DELETE FROM attestations WHERE (device, at) IN (SELECT a.device, a.at FROM attestations a"
		" WHERE a.at < CAST($1 AS bigint) AND (a.reasons IS NULL OR EXISTS (SELECT 1 FROM attestations b"
		" WHERE b.device = a.device AND b.at > a.at AND b.at < CAST($2 AS bigint) AND b.reasons IS NOT NULL))"
		" LIMIT CAST($3 AS bigint))";
	const struct lk_value args[] = { lk_value_int(before), lk_value_int(before),
					 lk_value_int(LK_VF_PRUNE_BATCH) };

	return lk_store_run(s, &(struct lk_query){ sql, 3, args, NULL, NULL }, ret, err);
}

/* The last boot that had begun by then may have attestations that are kept. */
static int prune_boots(struct lk_store *s, int64_t before, uint64_t *ret, struct lk_err *err)
{
	static const char sql[] =
		"DELETE FROM boots WHERE (device, since) IN (SELECT b.device, b.since FROM boots b"
		" WHERE b.since < CAST($1 AS bigint) AND EXISTS (SELECT 1 FROM boots n"
		" WHERE n.device = b.device AND n.since > b.since AND n.since < CAST($2 AS bigint))"
		" LIMIT CAST($3 AS bigint))";
	const struct lk_value args[] = { lk_value_int(before), lk_value_int(before),
					 lk_value_int(LK_VF_PRUNE_BATCH) };

	return lk_store_run(s, &(struct lk_query){ sql, 3, args, NULL, NULL }, ret, err);
}

int lk_vf_prune(struct lk_store *s, int64_t before, uint64_t *ret_rows, struct lk_err *err)
{
	uint64_t attestations = 0, boots = 0;
	int rc;

	LK_TRY(lk_store_begin(s, err));
	rc = prune_attestations(s, before, &attestations, err);
	if (rc == LK_OK)
		rc = prune_boots(s, before, &boots, err);
	if (rc == LK_OK)
		rc = lk_store_commit(s, err);
	if (rc != LK_OK) {
		lk_store_rollback(s);
		return rc;
	}
	*ret_rows = attestations > boots ? attestations : boots;
	return LK_OK;
}

/* Digests, one after the other. */
struct digests {
	uint8_t *data;
	size_t n, cap;
};

static void digests_done(struct digests *d)
{
	free(d->data);
}
#define OWNED_DIGESTS __attribute__((cleanup(digests_done))) struct digests

static int add_digests(struct digests *d, struct lk_bytes list, struct lk_err *err)
{
	size_t n = list.len / LK_VF_CHUNK_HASH;

	if (d->n + n > d->cap) {
		size_t cap = 2 * (d->n + n) + 1024;
		uint8_t *grown = realloc(d->data, cap * LK_VF_CHUNK_HASH);

		if (!grown)
			return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the list of chunks");
		d->data = grown;
		d->cap = cap;
	}
	if (n)
		memcpy(d->data + d->n * LK_VF_CHUNK_HASH, list.data, n * LK_VF_CHUNK_HASH);
	d->n += n;
	return LK_OK;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, LK_VF_CHUNK_HASH);
}

/* A fleet's logs are nearly all alike: without what is there twice the list stays short. */
static void sort_digests(struct digests *d)
{
	size_t n = 0;

	if (!d->n)
		return;
	qsort(d->data, d->n, LK_VF_CHUNK_HASH, by_bytes);
	for (size_t i = 0; i < d->n; i++) {
		const uint8_t *one = d->data + i * LK_VF_CHUNK_HASH;

		if (n && by_bytes(d->data + (n - 1) * LK_VF_CHUNK_HASH, one) == 0)
			continue;
		memmove(d->data + n * LK_VF_CHUNK_HASH, one, LK_VF_CHUNK_HASH);
		n++;
	}
	d->n = n;
}

static int take_lists(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct digests *d = ctx;

	for (size_t i = 0; i < 3; i++)
		LK_TRY(add_digests(d, c[i].bytes, err));
	if (d->n > 1000000 && d->n > d->cap / 2)
		sort_digests(d);
	return LK_OK;
}

struct sweeping {
	const struct digests *used;
	struct digests left_over;
};

static int take_chunk(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct sweeping *w = ctx;

	if (c[0].bytes.len != LK_VF_CHUNK_HASH ||
	    (w->used->n &&
	     bsearch(c[0].bytes.data, w->used->data, w->used->n, LK_VF_CHUNK_HASH, by_bytes)))
		return LK_OK;
	return add_digests(&w->left_over, c[0].bytes, err);
}

/* Who writes a boot has put its chunks before: nobody may be between the two. In SQLite a
 * transaction that writes is alone anyway. Nobody is waited for in the database: behind one who
 * waits there, who has one of these tables and wants the other would wait too. */
static int lock_out(struct lk_store *s, struct lk_err *err)
{
	static const char limit[] = "SET LOCAL statement_timeout = 0";
	static const char lock[] = "LOCK TABLE chunks, boots IN SHARE ROW EXCLUSIVE MODE NOWAIT";

	if (strcmp(lk_store_kind(s), "PostgreSQL") != 0)
		return LK_OK;
	LK_TRY(lk_store_run(s, &(struct lk_query){ limit, 0, NULL, NULL, NULL }, NULL, err));
	return lk_store_run(s, &(struct lk_query){ lock, 0, NULL, NULL, NULL }, NULL, err);
}

static int sweep(struct lk_store *s, uint64_t *ret, struct lk_err *err)
{
	static const char lists[] = "SELECT firmware, ima, measured FROM boots";
	static const char chunks[] = "SELECT hash FROM chunks";
	static const char remove[] = "DELETE FROM chunks WHERE hash = $1";
	OWNED_DIGESTS used = { .n = 0 };
	struct sweeping w = { .used = &used };
	int rc;

	LK_TRY(lk_store_run(s, &(struct lk_query){ lists, 0, NULL, take_lists, &used }, NULL, err));
	sort_digests(&used);
	rc = lk_store_run(s, &(struct lk_query){ chunks, 0, NULL, take_chunk, &w }, NULL, err);
	for (size_t i = 0; i < w.left_over.n && rc == LK_OK; i++) {
		const struct lk_value args[] = { lk_value_bytes((struct lk_bytes){
			w.left_over.data + i * LK_VF_CHUNK_HASH, LK_VF_CHUNK_HASH }) };

		rc = lk_store_run(s, &(struct lk_query){ remove, 1, args, NULL, NULL }, NULL, err);
	}
	*ret = w.left_over.n;
	digests_done(&w.left_over);
	return rc;
}

/* A transaction in which nobody else writes logs: servers leave gaps between theirs. */
static int begin_alone(struct lk_store *s, struct lk_err *err)
{
	const struct timespec nap = { .tv_nsec = ALONE_NAP_MS * 1000000l };

	for (unsigned int left = ALONE_MS / ALONE_NAP_MS;; left--) {
		LK_TRY(lk_store_begin(s, err));
		if (lock_out(s, err) == LK_OK)
			return LK_OK;
		lk_store_rollback(s);
		if (!left)
			return err->rc;
		(void)nanosleep(&nap, NULL);
	}
}

int lk_vf_sweep(struct lk_store *s, uint64_t *ret_chunks, struct lk_err *err)
{
	uint64_t n = 0;
	int rc;

	LK_TRY(begin_alone(s, err));
	rc = sweep(s, &n, err);
	if (rc == LK_OK)
		rc = lk_store_commit(s, err);
	if (rc != LK_OK) {
		lk_store_rollback(s);
		return rc;
	}
	*ret_chunks = n;
	return LK_OK;
}

int lk_vf_vacuum(const struct lk_vf_options *o, struct lk_err *err)
{
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	uint64_t rows = 0, all = 0, chunks;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	while (settings.keep_days) {
		LK_TRY(lk_vf_prune(store, lk_vf_now() - settings.keep_days * DAY_MS, &rows, err));
		all += rows;
		if (rows < LK_VF_PRUNE_BATCH)
			break;
	}
	LK_TRY(lk_vf_sweep(store, &chunks, err));
	LK_TRY(lk_store_compact(store, err));
	printf("%" PRIu64 " rows too old, and %" PRIu64
	       " parts of logs that no boot has any more, are deleted\n",
	       all, chunks);
	return LK_OK;
}
