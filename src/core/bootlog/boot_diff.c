/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding the first event that differs. */
#include "core/bootlog/boot_diff.h"

#include <string.h>

/* Events of which each run is left out in turn: the cube of it are hashes. */
#define RUNS_MAX 32u

static bool same_event(const struct lk_boot_event *a, const struct lk_boot_event *b)
{
	return a->kind == b->kind && !memcmp(a->digest, b->digest, LK_REFERENCE_DIGEST);
}

/* Where @what is in the list, from @from on; @n when it isn't. */
static size_t find_event(const struct lk_boot_event *list, size_t from, size_t n,
			 const struct lk_boot_event *what)
{
	while (from < n && !same_event(&list[from], what))
		from++;
	return from;
}

static void set_now(const struct lk_boot_event *now, struct lk_boot_diff *diff)
{
	diff->kind = now->kind;
	diff->event = now->number;
	diff->ima = now->ima;
}

static void set_missing(const struct lk_boot_event *then, size_t n, struct lk_boot_diff *diff)
{
	diff->change = LK_CHANGE_MISSING;
	diff->kind = then->kind;
	diff->n = n;
}

static void set_new(const struct lk_boot_event *now, size_t n, struct lk_boot_diff *diff)
{
	diff->change = LK_CHANGE_NEW;
	diff->n = n;
	set_now(now, diff);
}

/* The two differ at @at, which both have. */
static void judge_event(const struct lk_pcr_events *now, const struct lk_boot_event *then,
			size_t n_then, size_t at, struct lk_boot_diff *diff)
{
	const struct lk_boot_event *a = &now->event[at];
	size_t added = find_event(now->event, at, now->n, &then[at]) - at;
	size_t gone = find_event(then, at, n_then, a) - at;

	if (at + added < now->n && (added <= gone || at + gone == n_then)) {
		set_new(a, added, diff);
	} else if (at + gone < n_then) {
		set_missing(&then[at], gone, diff);
	} else {
		diff->change = LK_CHANGE_OTHER;
		diff->before =
			then[at].kind == a->kind ? then[at].signatures : LK_SIGNATURES_UNKNOWN;
		set_now(a, diff);
	}
}

/* Against the remembered boot, of which there is this PCR. */
static void compare(const struct lk_boot_diff_input *in, unsigned int pcr,
		    struct lk_boot_diff *diff)
{
	const struct lk_reference_pcr *p = &in->reference.pcr[pcr];
	const struct lk_boot_event *then = &in->reference.event[p->first];
	const struct lk_pcr_events *now = &in->events;
	size_t at = 0;

	while (at < p->n && at < now->n && same_event(&then[at], &now->event[at]))
		at++;
	diff->told = LK_TOLD_EVENT;
	if (at < p->n && at < now->n)
		judge_event(now, then, p->n, at, diff);
	else if (at < p->n && !now->more)
		set_missing(&then[at], p->n - at, diff);
	else if (at < now->n && !p->more)
		set_new(&now->event[at], now->n - at, diff);
	else
		diff->told = LK_TOLD_SAME;
}

int lk_boot_diff_below(struct lk_boot_diff_input *in, unsigned int pcr, struct lk_boot_diff *ret,
		       struct lk_err *err)
{
	struct lk_boot_diff diff = { .pcr = pcr, .told = LK_TOLD_NOTHING };

	if (in->remembered && in->reference.pcr[pcr].present) {
		LK_TRY(lk_pcr_events_read(&in->view, pcr, &in->events, err));
		compare(in, pcr, &diff);
	}
	*ret = diff;
	return LK_OK;
}

static int find_followed(struct lk_boot_diff_input *in, struct lk_boot_diff *diff,
			 struct lk_err *err)
{
	struct lk_boot_diff one;

	diff->told = LK_TOLD_AGGREGATE;
	for (unsigned int i = 0; i < LK_IMA_BOOT_PCRS; i++) {
		LK_TRY(lk_boot_diff_below(in, i, &one, err));
		if (one.told == LK_TOLD_EVENT)
			diff->follows |= 1u << i;
	}
	return LK_OK;
}

/* What a PCR begins with: PCR 0 with the TPM's locality at startup. */
static int start(const struct lk_boot_diff_input *in, unsigned int pcr, struct lk_pcr_replay *r,
		 struct lk_err *err)
{
	struct lk_bytes log = in->view.logs.firmware;
	struct lk_event_log at;
	struct lk_event event;
	int rc;

	lk_pcr_replay_init(r, in->view.explained.pcrs.values.sel.bank);
	if (pcr != 0)
		return LK_OK;
	rc = lk_event_log_open(log.data, log.len, &at, err);
	while (rc == LK_OK) {
		rc = lk_event_log_next(&at, &event, err);
		if (rc == LK_OK && event.type == LK_EV_NO_ACTION)
			rc = lk_event_replay(&event, r, in->view.hash, err);
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

/* False when there are no hashes left, or one failed. */
static bool extend(struct lk_boot_diff_input *in, size_t i, unsigned int pcr,
		   struct lk_pcr_replay *r)
{
	const struct lk_digest *digest = &in->events.digest[i];

	if (!in->hashes)
		return false;
	in->hashes--;
	return lk_pcr_replay_extend(r, pcr, (struct lk_bytes){ digest->data, digest->len },
				    in->view.hash);
}

static bool gives(const struct lk_pcr_replay *r, const struct lk_pcr_values *wanted,
		  unsigned int pcr)
{
	return !lk_pcr_differing(&r->values, wanted, 1u << pcr);
}

/* Does the log from @r on, events before @from left out, give the value? */
static bool rest_gives(struct lk_boot_diff_input *in, struct lk_pcr_replay r, size_t from,
		       const struct lk_pcr_values *wanted, unsigned int pcr)
{
	while (from < in->events.n && extend(in, from, pcr, &r))
		from++;
	return from == in->events.n && gives(&r, wanted, pcr);
}

/* Would the log give the signed value without some events in a row? Then these
 * are new, whatever the boot was that was signed for. */
static void try_without(struct lk_boot_diff_input *in, struct lk_pcr_replay *r,
			const struct lk_pcr_values *wanted, struct lk_boot_diff *diff)
{
	size_t n = in->events.n;
	size_t last = n <= RUNS_MAX ? n : 0;

	for (size_t i = 0; i < n; i++) {
		size_t end = n;

		if (!gives(r, wanted, diff->pcr))
			for (end = i + 1; end < last; end++)
				if (rest_gives(in, *r, end, wanted, diff->pcr))
					break;
		if (end < last || gives(r, wanted, diff->pcr)) {
			diff->told = LK_TOLD_EVENT;
			diff->by_value = true;
			set_new(&in->events.event[i], end - i, diff);
			return;
		}
		if (!extend(in, i, diff->pcr, r))
			return;
	}
}

static int find_by_value(struct lk_boot_diff_input *in, const struct lk_pcr_values *wanted,
			 struct lk_boot_diff *diff, struct lk_err *err)
{
	struct lk_pcr_replay r;

	diff->told = in->remembered && in->reference.pcr[diff->pcr].present ? LK_TOLD_OTHER_BOOT
									    : LK_TOLD_NOTHING;
	LK_TRY(start(in, diff->pcr, &r, err));
	try_without(in, &r, wanted, diff);
	return LK_OK;
}

/* boot_aggregate covers these, so that it can't be as signed either. Where all of them are
 * that are signed, it is one that isn't: most often a second machine's partition table. */
static void follow_signed(const struct lk_boot_diff_input *in, const struct lk_pcr_values *wanted,
			  struct lk_boot_diff *diff)
{
	const struct lk_pcr_values *log = &in->view.explained.pcrs.values;
	uint32_t below = (1u << LK_IMA_BOOT_PCRS) - 1u;

	if (diff->pcr != LK_PCR_IMA || in->view.explained.aggregate != LK_AGGREGATE_RIGHT)
		return;
	diff->follows = lk_pcr_differing(log, wanted, wanted->sel.mask & below);
	diff->by_value = true;
	if (diff->follows) {
		diff->told = LK_TOLD_AGGREGATE;
	} else if (diff->told == LK_TOLD_NOTHING) {
		diff->told = LK_TOLD_BELOW;
		diff->follows = below & ~wanted->sel.mask;
		diff->n = in->events.n;
	} else {
		diff->by_value = false;
	}
}

static bool is_unexplained(const struct lk_explanation *x, unsigned int pcr)
{
	return x->what[pcr] == LK_UNEXPLAINED || x->what[pcr] == LK_UNEXPLAINED_NO_EVENT;
}

int lk_boot_diff_find(struct lk_boot_diff_input *in, const struct lk_pcr_values *signed_values,
		      unsigned int pcr, struct lk_boot_diff *ret, struct lk_err *err)
{
	const struct lk_explanation *x = &in->view.explained;
	const struct lk_reference_pcr *p = &in->reference.pcr[pcr];
	struct lk_boot_diff diff = { .pcr = pcr, .told = LK_TOLD_UNEXPLAINED };

	if (is_unexplained(x, pcr)) {
		if (gives(&x->pcrs, signed_values, pcr))
			diff.told = LK_TOLD_BESIDE;
		*ret = diff;
		return LK_OK;
	}
	LK_TRY(lk_pcr_events_read(&in->view, pcr, &in->events, err));
	if (in->remembered && p->present &&
	    !memcmp(p->value, signed_values->value[pcr], LK_REFERENCE_DIGEST)) {
		compare(in, pcr, &diff);
		if (diff.told == LK_TOLD_EVENT && diff.change == LK_CHANGE_OTHER &&
		    diff.kind == LK_KIND_AGGREGATE)
			LK_TRY(find_followed(in, &diff, err));
	} else {
		LK_TRY(find_by_value(in, signed_values, &diff, err));
		if (diff.told != LK_TOLD_EVENT)
			follow_signed(in, signed_values, &diff);
	}
	*ret = diff;
	return LK_OK;
}
