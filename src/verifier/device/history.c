/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the queries of attestations, boots and chunks. */
#include "verifier/device/history.h"

#include <stdlib.h>
#include <string.h>

#include "verifier/device/chunks.h"
#include "core/attest/refusal.h"

void lk_vf_logs_done(struct lk_vf_logs *logs)
{
	lk_buf_done(&logs->firmware);
	lk_buf_done(&logs->ima);
	lk_buf_done(&logs->measured);
}

void lk_vf_findings_done(struct lk_vf_findings *f)
{
	lk_buf_done(&f->reasons);
	lk_buf_done(&f->good);
}

void lk_vf_evidence_done(struct lk_vf_evidence *e)
{
	lk_buf_done(&e->quote);
	lk_buf_done(&e->signature);
	lk_buf_done(&e->reasons);
}

static int copy(const struct lk_value *v, struct lk_buf *ret, struct lk_err *err)
{
	lk_buf_done(ret);
	ret->data = malloc(v->bytes.len + 1);
	if (!ret->data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for what the database has");
	if (v->bytes.len)
		memcpy(ret->data, v->bytes.data, v->bytes.len);
	ret->data[v->bytes.len] = '\0';
	ret->len = v->bytes.len;
	return LK_OK;
}

/* Lists of chunks. */
struct lists {
	struct lk_buf firmware, ima, measured;
	int64_t boot;
	bool found;
};
#define OWNED_LISTS __attribute__((cleanup(lists_done))) struct lists
static void lists_done(struct lists *l)
{
	lk_buf_done(&l->firmware);
	lk_buf_done(&l->ima);
	lk_buf_done(&l->measured);
}

static int take_lists(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct lists *l = ctx;

	l->found = true;
	l->boot = c[3].number;
	LK_TRY(copy(&c[0], &l->firmware, err));
	LK_TRY(copy(&c[1], &l->ima, err));
	return copy(&c[2], &l->measured, err);
}

static int get_lists(struct lk_store *s, int64_t device, int64_t since, struct lists *ret,
		     struct lk_err *err)
{
	static const char sql[] = "SELECT firmware, ima, measured, boot FROM boots "
				  "WHERE device = $1 AND since = $2";
	const struct lk_value args[] = { lk_value_int(device), lk_value_int(since) };

	return lk_store_run(s, &(struct lk_query){ sql, 2, args, take_lists, ret }, NULL, err);
}

int lk_vf_logs_get(struct lk_store *s, int64_t device, int64_t since, struct lk_vf_logs *ret,
		   struct lk_err *err)
{
	OWNED_LISTS lists = { .found = false };

	LK_TRY(get_lists(s, device, since, &lists, err));
	ret->found = lists.found;
	ret->boot = lists.boot;
	if (!lists.found)
		return LK_OK;
	LK_TRY(lk_vf_chunks_get(s, lk_buf_bytes(&lists.firmware), &ret->firmware, err));
	return lk_vf_chunks_get(s, lk_buf_bytes(&lists.measured), &ret->measured, err);
}

int lk_vf_logs_get_ima(struct lk_store *s, int64_t device, int64_t since, struct lk_vf_logs *ret,
		       struct lk_err *err)
{
	OWNED_LISTS lists = { .found = false };

	LK_TRY(get_lists(s, device, since, &lists, err));
	ret->found = lists.found;
	ret->boot = lists.boot;
	return lk_vf_chunks_get(s, lk_buf_bytes(&lists.ima), &ret->ima, err);
}

static int insert_boot(struct lk_store *s, const struct lk_vf_boot *b, const struct lists *l,
		       struct lk_err *err)
{
	static const char sql[] =
		"INSERT INTO boots (device, since, boot, firmware, ima, measured) "
		"VALUES ($1, $2, $3, $4, $5, $6)";
	const struct lk_value args[] = { lk_value_int(b->device),
					 lk_value_int(b->since),
					 lk_value_int(b->boot),
					 lk_value_bytes(lk_buf_bytes(&l->firmware)),
					 lk_value_bytes(lk_buf_bytes(&l->ima)),
					 lk_value_bytes(lk_buf_bytes(&l->measured)) };

	return lk_store_run(s, &(struct lk_query){ sql, 6, args, NULL, NULL }, NULL, err);
}

static int update_boot(struct lk_store *s, const struct lk_vf_boot *b, const struct lists *l,
		       struct lk_err *err)
{
	static const char sql[] = "UPDATE boots SET firmware = $1, ima = $2, measured = $3 "
				  "WHERE device = $4 AND since = $5";
	const struct lk_value args[] = { lk_value_bytes(lk_buf_bytes(&l->firmware)),
					 lk_value_bytes(lk_buf_bytes(&l->ima)),
					 lk_value_bytes(lk_buf_bytes(&l->measured)),
					 lk_value_int(b->device), lk_value_int(b->since) };

	return lk_store_run(s, &(struct lk_query){ sql, 5, args, NULL, NULL }, NULL, err);
}

int lk_vf_boot_put(struct lk_store *s, const struct lk_vf_boot *b, struct lk_err *err)
{
	OWNED_LISTS lists = { .found = false };

	if (!b->is_new && !b->firmware.len && !b->ima.len && !b->measured.len)
		return LK_OK;
	if (!b->is_new)
		LK_TRY(get_lists(s, b->device, b->since, &lists, err));
	if (b->firmware.len) {
		lk_buf_done(&lists.firmware);
		LK_TRY(lk_vf_chunks_put(s, b->firmware, &lists.firmware, err));
	}
	if (b->measured.len) {
		lk_buf_done(&lists.measured);
		LK_TRY(lk_vf_chunks_put(s, b->measured, &lists.measured, err));
	}
	if (b->ima.len) {
		if (!b->ima_goes_on)
			lk_buf_done(&lists.ima);
		LK_TRY(lk_vf_chunks_put(s, b->ima, &lists.ima, err));
	}
	return lists.found ? update_boot(s, b, &lists, err) : insert_boot(s, b, &lists, err);
}

static int set_standing(struct lk_store *s, const struct lk_vf_accepted *a, struct lk_err *err)
{
	static const char sql[] =
		"UPDATE standings SET boot = $1, clock = $2, nonce = $3, state = $4, booted = $5,"
		" seen = $6, verdict = $7, changed = $8, reference = $9 "
		"WHERE device = $10 AND boot = $11 AND clock = $12 AND nonce = $13";
	const struct lk_vf_device *d = a->before;
	uint8_t state[LK_ATTEST_STATE_MAX];
	const struct lk_bytes state_bytes = { state, lk_attest_state_write(a->state, state) };
	const struct lk_value args[] = {
		lk_value_int(a->state->boot),
		lk_value_int((int64_t)a->state->clock),
		lk_value_int((int64_t)a->state->nonce_ms),
		lk_value_bytes(state_bytes),
		lk_value_int(a->booted),
		lk_value_int(a->at),
		lk_value_int(a->verdict),
		lk_value_int(a->verdict == d->verdict ? d->changed : a->at),
		lk_value_bytes((struct lk_bytes){ a->reference->data, a->reference->len }),
		lk_value_int(d->number),
		lk_value_int(d->boot),
		lk_value_int(d->clock),
		lk_value_int(d->nonce),
	};
	uint64_t changed;

	LK_TRY(lk_store_run(s,
			    &(struct lk_query){ sql, sizeof(args) / sizeof(args[0]), args, NULL,
						NULL },
			    &changed, err));
	if (changed != 1)
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_CLOCK,
				  "another quote of this device was accepted in the meantime");
	return LK_OK;
}

static int add_attestation(struct lk_store *s, const struct lk_vf_accepted *a, struct lk_err *err)
{
	static const char sql[] =
		"INSERT INTO attestations (device, at, boot, verdict, quote, signature, reasons) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7)";
	const struct lk_value args[] = {
		lk_value_int(a->before->number), lk_value_int(a->at),
		lk_value_int(a->state->boot),	 lk_value_int(a->verdict),
		lk_value_bytes(a->quote.attest), lk_value_bytes(a->quote.signature),
		lk_value_text(a->reasons)
	};

	return lk_store_run(s, &(struct lk_query){ sql, 7, args, NULL, NULL }, NULL, err);
}

static int set_findings(struct lk_store *s, const struct lk_vf_accepted *a, struct lk_err *err)
{
	static const char reasons[] = "UPDATE findings SET reasons = $1 WHERE device = $2";
	static const char good[] = "UPDATE findings SET good = $1 WHERE device = $2";
	const struct lk_value r[] = { lk_value_text(a->reasons), lk_value_int(a->before->number) };
	const struct lk_value g[] = { lk_value_bytes(a->good), lk_value_int(a->before->number) };

	if (a->reasons)
		LK_TRY(lk_store_run(s, &(struct lk_query){ reasons, 2, r, NULL, NULL }, NULL, err));
	if (a->good.len)
		LK_TRY(lk_store_run(s, &(struct lk_query){ good, 2, g, NULL, NULL }, NULL, err));
	return LK_OK;
}

int lk_vf_accept(struct lk_store *s, const struct lk_vf_accepted *a, struct lk_err *err)
{
	LK_TRY(set_standing(s, a, err));
	LK_TRY(add_attestation(s, a, err));
	return set_findings(s, a, err);
}

static int take_findings(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct lk_vf_findings *f = ctx;

	LK_TRY(copy(&c[0], &f->reasons, err));
	return copy(&c[1], &f->good, err);
}

int lk_vf_findings_get(struct lk_store *s, int64_t device, struct lk_vf_findings *ret,
		       struct lk_err *err)
{
	static const char sql[] = "SELECT reasons, good FROM findings WHERE device = $1";
	const struct lk_value args[] = { lk_value_int(device) };

	return lk_store_run(s, &(struct lk_query){ sql, 1, args, take_findings, ret }, NULL, err);
}

struct listing {
	int (*each)(void *ctx, const struct lk_vf_attestation *a, struct lk_err *err);
	void *ctx;
};

static int give_attestation(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct listing *l = ctx;
	const struct lk_vf_attestation a = { c[0].number, c[1].number, (int)c[2].number };

	return l->each(l->ctx, &a, err);
}

int lk_vf_history_list(struct lk_store *s, int64_t device, int64_t limit,
		       int (*each)(void *ctx, const struct lk_vf_attestation *a,
				   struct lk_err *err),
		       void *ctx, struct lk_err *err)
{
	static const char sql[] = "SELECT at, boot, verdict FROM attestations WHERE device = $1 "
				  "ORDER BY at DESC LIMIT CAST($2 AS bigint)";
	const struct lk_value args[] = { lk_value_int(device), lk_value_int(limit) };
	struct listing l = { each, ctx };

	return lk_store_run(s, &(struct lk_query){ sql, 2, args, give_attestation, &l }, NULL, err);
}

static int take_evidence(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct lk_vf_evidence *e = ctx;

	e->a = (struct lk_vf_attestation){ c[0].number, c[1].number, (int)c[2].number };
	LK_TRY(copy(&c[3], &e->quote, err));
	return copy(&c[4], &e->signature, err);
}

static int take_reasons(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	return copy(&c[0], &((struct lk_vf_evidence *)ctx)->reasons, err);
}

int lk_vf_evidence_get(struct lk_store *s, int64_t device, int64_t at, struct lk_vf_evidence *ret,
		       struct lk_err *err)
{
	static const char sql[] = "SELECT at, boot, verdict, quote, signature FROM attestations "
				  "WHERE device = $1 AND at = $2";
	static const char reasons[] =
		"SELECT reasons FROM attestations WHERE device = $1 AND at <= $2 "
		"AND reasons IS NOT NULL ORDER BY at DESC LIMIT 1";
	const struct lk_value args[] = { lk_value_int(device), lk_value_int(at) };

	LK_TRY(lk_store_run(s, &(struct lk_query){ sql, 2, args, take_evidence, ret }, NULL, err));
	if (!ret->quote.data)
		return lk_err_set(err, LK_E_OBJECT, 0, "there is no attestation of that time");
	return lk_store_run(s, &(struct lk_query){ reasons, 2, args, take_reasons, ret }, NULL,
			    err);
}
