/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which devices of many share values, and why the others don't. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/fleet.h"
#include "policy/memo_hash.h"
#include "workers.h"

#define AGGREGATED 0x3ffu /* PCRs that boot_aggregate covers */

static int compare_devices(const void *a, const void *b, void *ctx)
{
	const struct lk_fleet *f = ctx;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int by_key = memcmp(f->devices[x].key, f->devices[y].key, sizeof(f->devices[x].key));

	if (by_key)
		return by_key;
	return x < y ? -1 : x > y;
}

/* The largest first; of one size the one whose first device comes first. */
static int compare_groups(const void *a, const void *b, void *ctx)
{
	const struct lk_fleet *f = ctx;
	const struct lk_fleet_group *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return f->order[x->first] < f->order[y->first] ? -1 : 1;
}

int lk_fleet_group(struct lk_fleet *f, struct lk_err *err)
{
	size_t n = 0;

	f->order = calloc(f->n + 1, sizeof(*f->order));
	f->groups = calloc(f->n + 1, sizeof(*f->groups));
	if (!f->order || !f->groups)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < f->n; i++)
		if (f->devices[i].rc == LK_OK)
			f->order[n++] = i;
	qsort_r(f->order, n, sizeof(*f->order), compare_devices, f);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *key = f->devices[f->order[i]].key;

		if (i == 0 || memcmp(key, f->devices[f->order[i - 1]].key, 32) != 0)
			f->groups[f->n_groups++].first = i;
		f->groups[f->n_groups - 1].n++;
	}
	qsort_r(f->groups, f->n_groups, sizeof(*f->groups), compare_groups, f);
	return LK_OK;
}

/* The largest group's first device, which the others are held against. */
struct comparing {
	struct lk_fleet *f;
	struct lk_fleet_logs reference;
};

static const struct lk_fleet_device *first_of(const struct lk_fleet *f, size_t group)
{
	return &f->devices[f->order[f->groups[group].first]];
}

static int add_cause(struct lk_fleet_group *g, unsigned int pcr, const struct lk_plan_diff *diff,
		     struct lk_err *err)
{
	struct lk_fleet_cause *more = realloc(g->causes, (g->n_causes + 1) * sizeof(*g->causes));

	if (!more)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	g->causes = more;
	more[g->n_causes] = (struct lk_fleet_cause){ .pcr = pcr,
						     .event = diff->event,
						     .text = strdup(diff->text.text) };
	if (!more[g->n_causes].text)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	g->n_causes++;
	return LK_OK;
}

static int find_in_ima(struct comparing *c, const struct lk_fleet_logs *l, struct lk_fleet_group *g,
		       struct lk_err *err)
{
	const struct lk_boot_logs *a = &l->e.logs, *b = &c->reference.e.logs;
	struct lk_plan_diff diff;

	LK_TRY(lk_ima_diff_find((struct lk_bytes){ a->ima.data, a->ima.len },
				(struct lk_bytes){ b->ima.data, b->ima.len }, lk_memo_hash, &diff,
				err));
	return add_cause(g, LK_PCR_IMA, &diff, err);
}

static int find_causes(struct comparing *c, size_t group, struct lk_fleet_logs *l,
		       struct lk_err *err)
{
	const struct lk_fleet *f = c->f;
	struct lk_fleet_group *g = &c->f->groups[group];
	uint32_t wanted = lk_pcr_differing(first_of(f, group)->values, first_of(f, 0)->values,
					   first_of(f, 0)->values->sel.mask);
	uint32_t below = 0;

	LK_TRY(lk_fleet_read_logs(f, first_of(f, group)->path, l, err));
	if (wanted & 1u << LK_PCR_IMA)
		below = lk_pcr_differing(&l->then, &c->reference.then, AGGREGATED);
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		uint32_t bit = 1u << i;
		struct lk_plan_diff diff;

		if (!((wanted | below) & bit) || i == LK_PCR_IMA)
			continue;
		LK_TRY(lk_plan_diff_find(&l->plan, &c->reference.plan, i, f->pf.pcrs.bank, &diff,
					 err));
		LK_TRY(add_cause(g, i, &diff, err));
		g->causes[g->n_causes - 1].follows = !(wanted & bit);
	}
	if (wanted & 1u << LK_PCR_IMA && !below)
		return find_in_ima(c, l, g, err);
	return LK_OK;
}

static void work(void *ctx, size_t i, void *unused)
{
	struct comparing *c = ctx;
	struct lk_fleet_logs l = { .e = LK_LOG_EXPORT_NONE };
	struct lk_err err = { 0 };

	(void)unused;
	if (find_causes(c, i + 1, &l, &err) != LK_OK)
		c->f->groups[i + 1].no_cause = err;
	lk_fleet_logs_done(&l);
}

int lk_fleet_find_causes(struct lk_fleet *f, struct lk_err *err)
{
	struct comparing *c;
	int rc = LK_OK;

	if (f->n_groups < 2)
		return LK_OK;
	c = calloc(1, sizeof(*c));
	if (!c)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	c->f = f;
	c->reference.e = LK_LOG_EXPORT_NONE;
	rc = lk_fleet_read_logs(f, first_of(f, 0)->path, &c->reference, err);
	if (rc == LK_OK)
		lk_workers_run(&(struct lk_work){
			.what = "comparing", .n = f->n_groups - 1, .one = work, .ctx = c });
	lk_fleet_logs_done(&c->reference);
	free(c);
	return rc;
}
