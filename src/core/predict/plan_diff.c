/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding the first event in which two boots to come part. */
#include "core/predict/plan_diff.h"

#include <string.h>

#include "core/bootlog/event_change.h"

/* One log, on its way: the next event of the PCR that will be measured. */
struct course {
	struct lk_log_plan *plan;
	struct lk_event_log log;
	struct lk_event event;
	struct lk_bytes digest; /* as it will be */
	bool ended;
};

static int next(struct course *c, unsigned int pcr, enum lk_alg bank, struct lk_err *err)
{
	while (!c->ended) {
		const struct lk_plan_change *change;
		int rc = lk_event_log_next(&c->log, &c->event, err);

		if (rc == LK_LOG_END) {
			c->ended = true;
			return LK_OK;
		}
		if (rc != LK_OK)
			return rc;
		if (c->event.pcr != pcr || c->event.type == LK_EV_NO_ACTION)
			continue;
		change = lk_log_plan_find(c->plan, c->event.number);
		if (change && change->removed)
			continue;
		c->digest = lk_event_digest(&c->event, bank);
		if (change)
			c->digest = (struct lk_bytes){ change->digest[bank == LK_ALG_SHA384].data,
						       change->digest[bank == LK_ALG_SHA384].len };
		return LK_OK;
	}
	return LK_OK;
}

static void say(const struct lk_event_change *change, unsigned int event, lk_hash_fn hash,
		struct lk_plan_diff *ret)
{
	ret->found = true;
	ret->event = event;
	lk_event_change_text(change, hash, &ret->text);
}

/* Both are at events that differ, or one has none any more. Where the kinds aren't the
 * same, one of them is more; which, the event behind it tells. */
static int tell(struct course *a, struct course *b, unsigned int pcr, enum lk_alg bank,
		struct lk_plan_diff *ret, struct lk_err *err)
{
	struct lk_event_change change = { .n = 1, .bank = bank };
	struct lk_event missing = b->event;
	bool more = b->ended;

	change.kind = lk_event_kind(a->ended ? &b->event : &a->event);
	if (!a->ended && !b->ended && lk_event_kind(&a->event) == lk_event_kind(&b->event)) {
		change.change = LK_CHANGE_OTHER;
		change.before = lk_event_signatures(&b->event, a->plan->hash);
		change.event = &a->event;
		say(&change, a->event.number, a->plan->hash, ret);
		return LK_OK;
	}
	if (!a->ended && !b->ended) {
		struct course ahead = *b;

		LK_TRY(next(&ahead, pcr, bank, err));
		more = ahead.ended || !lk_bytes_same(ahead.digest, a->digest);
	}
	change.change = more ? LK_CHANGE_NEW : LK_CHANGE_MISSING;
	change.kind = lk_event_kind(more ? &a->event : &missing);
	change.event = more ? &a->event : NULL;
	say(&change, more ? a->event.number : 0, a->plan->hash, ret);
	return LK_OK;
}

int lk_plan_diff_find(struct lk_log_plan *plan, struct lk_log_plan *other, unsigned int pcr,
		      enum lk_alg bank, struct lk_plan_diff *ret, struct lk_err *err)
{
	struct course a = { .plan = plan }, b = { .plan = other };

	ret->found = false;
	ret->event = 0;
	lk_text_out_init(&ret->text);
	LK_TRY(lk_event_log_open(plan->log.data, plan->log.len, &a.log, err));
	LK_TRY(lk_event_log_open(other->log.data, other->log.len, &b.log, err));
	do {
		LK_TRY(next(&a, pcr, bank, err));
		LK_TRY(next(&b, pcr, bank, err));
		if (a.ended != b.ended || (!a.ended && !lk_bytes_same(a.digest, b.digest)))
			return tell(&a, &b, pcr, bank, ret, err);
	} while (!a.ended);
	lk_text_add(&ret->text, "no one event tells why");
	return LK_OK;
}

static int next_entry(struct lk_ima_log *log, struct lk_ima_entry *ret, bool *ret_ended,
		      struct lk_err *err)
{
	int rc = lk_ima_log_next(log, ret, err);

	*ret_ended = rc == LK_LOG_END;
	return *ret_ended ? LK_OK : rc;
}

/* boot_aggregate is of other PCRs, whose difference is told of these. */
static bool is_same_entry(const struct lk_ima_entry *a, const struct lk_ima_entry *b)
{
	if (a->number == 1 && lk_ima_is_boot_aggregate(a) && lk_ima_is_boot_aggregate(b))
		return true;
	return lk_bytes_same(a->data, b->data);
}

int lk_ima_diff_find(struct lk_bytes log, struct lk_bytes other, lk_hash_fn hash,
		     struct lk_plan_diff *ret, struct lk_err *err)
{
	struct lk_event_change change = { .n = 1, .bank = LK_ALG_SHA256 };
	struct lk_ima_log a, b;
	struct lk_ima_entry x, y;
	bool a_ended, b_ended;

	ret->found = false;
	ret->event = 0;
	lk_text_out_init(&ret->text);
	LK_TRY(lk_ima_log_open(log.data, log.len, &a, err));
	LK_TRY(lk_ima_log_open(other.data, other.len, &b, err));
	do {
		LK_TRY(next_entry(&a, &x, &a_ended, err));
		LK_TRY(next_entry(&b, &y, &b_ended, err));
		if (a_ended != b_ended || (!a_ended && !is_same_entry(&x, &y))) {
			change.change = a_ended	  ? LK_CHANGE_MISSING
					: b_ended ? LK_CHANGE_NEW
						  : LK_CHANGE_OTHER;
			change.kind = lk_ima_entry_kind(a_ended ? &y : &x);
			change.entry = a_ended ? NULL : &x;
			say(&change, a_ended ? 0 : x.number, hash, ret);
			return LK_OK;
		}
	} while (!a_ended);
	lk_text_add(&ret->text, "no one entry tells why");
	return LK_OK;
}
