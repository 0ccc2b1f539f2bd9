/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the queries of a device's boots, and two boots' logs side by side. */
#include "verifier/device/boots.h"

#include <stdlib.h>

#define IMA_COMPARED_MAX (16u * 1024u * 1024u)

struct listing {
	int (*each)(void *ctx, const struct lk_vf_boot_row *b, struct lk_err *err);
	void *ctx;
};

static int give_boot(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct listing *l = ctx;
	const struct lk_vf_boot_row b = { c[0].number,	   c[1].number,	    (int)c[2].number,
					  c[3].number > 0, c[4].number > 0, c[5].number > 0 };

	return l->each(l->ctx, &b, err);
}

int lk_vf_boots_list(struct lk_store *s, int64_t device, int64_t limit,
		     int (*each)(void *ctx, const struct lk_vf_boot_row *b, struct lk_err *err),
		     void *ctx, struct lk_err *err)
{
	static const char sql[] =
		"SELECT b.since, b.boot, COALESCE((SELECT a.verdict FROM attestations a"
		" WHERE a.device = b.device AND a.at >= b.since AND a.at < COALESCE("
		"(SELECT MIN(n.since) FROM boots n WHERE n.device = b.device AND n.since > b.since),"
		" CAST(9223372036854775807 AS bigint)) ORDER BY a.at DESC LIMIT 1), -1) AS verdict,"
		" CAST(length(b.firmware) AS bigint), CAST(length(b.ima) AS bigint),"
		" CAST(length(b.measured) AS bigint)"
		" FROM boots b WHERE b.device = $1 ORDER BY b.since DESC LIMIT CAST($2 AS bigint)";
	const struct lk_value args[] = { lk_value_int(device), lk_value_int(limit) };
	struct listing l = { each, ctx };

	return lk_store_run(s, &(struct lk_query){ sql, 2, args, give_boot, &l }, NULL, err);
}

static int take_number(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	(void)err;
	*(int64_t *)ctx = c[0].number;
	return LK_OK;
}

int lk_vf_boots_trusted_before(struct lk_store *s, int64_t device, int64_t since, int64_t *ret,
			       struct lk_err *err)
{
	static const char attested[] =
		"SELECT at FROM attestations WHERE device = $1 AND at < $2 AND verdict = 0"
		" ORDER BY at DESC LIMIT 1";
	static const char booted[] = "SELECT since FROM boots WHERE device = $1 AND since <= $2"
				     " ORDER BY since DESC LIMIT 1";
	int64_t at = 0, found = 0;
	const struct lk_value before[] = { lk_value_int(device), lk_value_int(since) };

	LK_TRY(lk_store_run(s, &(struct lk_query){ attested, 2, before, take_number, &at }, NULL,
			    err));
	if (at) {
		const struct lk_value then[] = { lk_value_int(device), lk_value_int(at) };

		LK_TRY(lk_store_run(s, &(struct lk_query){ booted, 2, then, take_number, &found },
				    NULL, err));
	}
	*ret = found;
	return LK_OK;
}

struct last {
	int64_t *ret;
	size_t n;
};

static int take_last(void *ctx, const struct lk_vf_boot_row *b, struct lk_err *err)
{
	struct last *l = ctx;

	(void)err;
	if (l->n < 2)
		l->ret[l->n++] = b->since;
	return LK_OK;
}

int lk_vf_boots_last(struct lk_store *s, int64_t device, int64_t ret[static 2], struct lk_err *err)
{
	struct last l = { ret, 0 };

	ret[0] = ret[1] = 0;
	return lk_vf_boots_list(s, device, 2, take_last, &l, err);
}

void lk_vf_beside_done(struct lk_vf_beside *b)
{
	lk_vf_logs_done(&b->logs);
	lk_vf_logs_done(&b->other);
	free(b->lists.a);
	free(b->lists.b);
}

static int read_items(const struct lk_buf *log, struct lk_log_item **ret, size_t *ret_n,
		      struct lk_err *trouble, struct lk_err *err)
{
	struct lk_log_item *items = calloc(LK_MATCH_EVENTS_MAX, sizeof(*items));
	size_t n = 0;

	if (!items)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory to show a log");
	if (log->len)
		(void)lk_log_items_read((struct lk_bytes){ log->data, log->len }, items,
					LK_MATCH_EVENTS_MAX, &n, trouble);
	*ret = items;
	*ret_n = n;
	return LK_OK;
}

int lk_vf_beside_get(struct lk_store *s, int64_t device, int64_t since, int64_t other,
		     struct lk_vf_beside *ret, struct lk_err *err)
{
	struct lk_log_lists *l = &ret->lists;
	struct lk_err ignored = { 0 };

	LK_TRY(lk_vf_logs_get(s, device, since, &ret->logs, err));
	if (!ret->logs.found)
		return lk_err_set(err, LK_E_OBJECT, 0, "there is no such boot of this device");
	LK_TRY(read_items(&ret->logs.firmware, &l->a, &l->n_a, &ret->trouble, err));
	if (!other)
		return LK_OK;
	LK_TRY(lk_vf_logs_get(s, device, other, &ret->other, err));
	if (!ret->other.found)
		return lk_err_set(err, LK_E_OBJECT, 0, "there is no such boot of this device");
	LK_TRY(read_items(&ret->other.firmware, &l->b, &l->n_b, &ignored, err));
	return lk_log_match(l, err);
}

void lk_vf_ima_beside_done(struct lk_vf_ima_beside *b)
{
	lk_vf_logs_done(&b->logs);
	lk_vf_logs_done(&b->other);
	free(b->a);
	free(b->b);
}

static int read_ima(const struct lk_buf *log, struct lk_ima_item **ret, size_t *ret_n,
		    struct lk_err *trouble, struct lk_err *err)
{
	const struct lk_bytes bytes = { log->data, log->len };
	size_t n = 0;

	(void)lk_ima_items_read(bytes, NULL, 0, &n, trouble);
	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory to show a log");
	(void)lk_ima_items_read(bytes, *ret, n, ret_n, NULL);
	return LK_OK;
}

int lk_vf_ima_beside_get(struct lk_store *s, int64_t device, int64_t since, int64_t other,
			 struct lk_vf_ima_beside *ret, struct lk_err *err)
{
	struct lk_err ignored = { 0 };

	LK_TRY(lk_vf_logs_get_ima(s, device, since, &ret->logs, err));
	if (!ret->logs.found)
		return lk_err_set(err, LK_E_OBJECT, 0, "there is no such boot of this device");
	if (ret->logs.ima.len)
		LK_TRY(read_ima(&ret->logs.ima, &ret->a, &ret->n_a, &ret->trouble, err));
	if (!other)
		return LK_OK;
	LK_TRY(lk_vf_logs_get_ima(s, device, other, &ret->other, err));
	if (!ret->other.found)
		return lk_err_set(err, LK_E_OBJECT, 0, "there is no such boot of this device");
	if (!ret->other.ima.len || !ret->logs.ima.len || ret->other.ima.len > IMA_COMPARED_MAX ||
	    ret->logs.ima.len > IMA_COMPARED_MAX)
		return LK_OK;
	LK_TRY(read_ima(&ret->other.ima, &ret->b, &ret->n_b, &ignored, err));
	LK_TRY(lk_ima_match(ret->a, ret->n_a, ret->b, ret->n_b, err));
	LK_TRY(lk_ima_match(ret->b, ret->n_b, ret->a, ret->n_a, err));
	ret->compared = true;
	return LK_OK;
}
