/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns comparing predictions with deployed policies. */
#include "core/predict/coverage.h"

#include <string.h>

/* Before a volume is opened: enter-initrd, and later ones where a volume isn't
 * the root. */
#define PHASES_MAX 4u
#define AGGREGATED 0x3ffu

const char *lk_answer_name(enum lk_answer answer)
{
	static const char *const names[] = { "yes", "no", "unknown" };

	return names[answer];
}

enum lk_answer lk_answer_both(enum lk_answer a, enum lk_answer b)
{
	if (a == LK_ANSWER_NO || b == LK_ANSWER_NO)
		return LK_ANSWER_NO;
	return a == LK_ANSWER_UNKNOWN ? a : b;
}

/* One replay, held against all policies on its way. */
struct run {
	const struct lk_coverage_input *in;
	unsigned int only; /* entries of IMA's log that count; 0: any */
	bool began;
	bool failed;
	struct lk_pcr_values last;		  /* at the last that counts */
	unsigned int n_seen;			  /* of those */
	struct lk_pcr_values first;		  /* at the first call */
	uint8_t phase[PHASES_MAX][LK_DIGEST_MAX]; /* PCR 11 after each */
	/* What came of it. */
	uint32_t least[LK_DEPLOYED_MAX];       /* PCRs that differ, the fewest */
	unsigned int fits_at[LK_DEPLOYED_MAX]; /* entries; only where least is 0 */
	bool ima_fits[LK_DEPLOYED_MAX];	       /* at any number of them */
};

static void make_phases(struct run *r, const struct lk_pcr_values *then)
{
	lk_hash_fn hash = r->in->predict.hash;
	struct lk_pcr_replay at = { .values = *then };

	for (unsigned int i = 0; i < PHASES_MAX; i++) {
		const char *word = lk_boot_phase(i);
		struct lk_bytes text = { (const uint8_t *)word, strlen(word) };
		struct lk_digest digest;

		if (!hash(then->sel.bank, &text, 1, &digest) ||
		    !lk_pcr_replay_extend(&at, LK_PCR_KERNEL_IMAGE,
					  (struct lk_bytes){ digest.data, digest.len }, hash)) {
			r->failed = true;
			return;
		}
		memcpy(r->phase[i], at.values.value[LK_PCR_KERNEL_IMAGE], LK_DIGEST_MAX);
	}
}

static bool is_a_phase(const struct run *r, const struct lk_pcr_values *policy)
{
	size_t size = lk_alg_size(policy->sel.bank);

	for (unsigned int i = 0; i < PHASES_MAX; i++)
		if (!memcmp(r->phase[i], policy->value[LK_PCR_KERNEL_IMAGE], size))
			return true;
	return false;
}

static uint32_t differing(const struct run *r, const struct lk_pcr_values *policy,
			  const struct lk_pcr_values *then)
{
	uint32_t mask = lk_pcr_differing(policy, then, r->in->pcrs.mask);

	if (mask & 1u << LK_PCR_KERNEL_IMAGE && then->sel.mask & 1u << LK_PCR_KERNEL_IMAGE &&
	    is_a_phase(r, policy))
		mask &= ~(1u << LK_PCR_KERNEL_IMAGE);
	return mask;
}

static void each(void *data, const struct lk_pcr_values *then, unsigned int entries)
{
	struct run *r = data;

	if (then->sel.bank != r->in->pcrs.bank)
		return;
	if (!r->began) {
		r->began = true;
		r->first = *then;
		make_phases(r, then);
	}
	if (r->only && entries != r->only)
		return;
	r->last = *then;
	r->n_seen++;
	for (size_t i = 0; i < r->in->n; i++) {
		uint32_t mask = differing(r, &r->in->deployed[i].policy->pcrs, then);

		if (!(mask & 1u << LK_PCR_IMA))
			r->ima_fits[i] = true;
		if (__builtin_popcount(mask) >= __builtin_popcount(r->least[i]))
			continue;
		r->least[i] = mask;
		r->fits_at[i] = entries;
	}
}

static int replay(struct run *r, const struct lk_log_plan *plan, bool ima_unchanged,
		  struct lk_err *err)
{
	struct lk_pcr_values then[LK_PLAN_BANKS];
	struct lk_prediction_input in = r->in->predict;
	int rc;

	in.plan = plan;
	in.ima_unchanged = ima_unchanged;
	in.ima_entries = r->only;
	in.each = each;
	in.data = r;
	for (size_t i = 0; i < r->in->n; i++)
		r->least[i] = UINT32_MAX;
	rc = lk_log_predict(&in, then, err);
	if (r->failed)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return rc;
}

/* This boot, as it was: when the volume was opened, by which policy. */
static int replay_now(const struct lk_coverage_input *in, struct run *now,
		      unsigned int *ret_entries, struct lk_err *err)
{
	struct lk_coverage_input as_is = *in;
	struct lk_log_plan none;

	lk_log_plan_init(&none, in->predict.logs.firmware, in->predict.hash);
	as_is.predict.new_firmware = (struct lk_bytes){ NULL, 0 };
	now->in = &as_is;
	LK_TRY(replay(now, &none, true, err));
	now->in = in;
	*ret_entries = 0;
	for (size_t i = 0; in->booted && i < in->n; i++)
		if (lk_digest_equal(&in->deployed[i].policy->digest, in->booted) &&
		    now->least[i] == 0)
			*ret_entries = now->fits_at[i];
	return LK_OK;
}

/* One that is accepted goes before one that is under the floor. */
static void choose(const struct run *r, struct lk_coverage *ret)
{
	const struct lk_coverage_input *in = r->in;
	int best = -1;

	for (size_t i = 0; i < in->n; i++) {
		int bits = 2 * __builtin_popcount(r->least[i]) + in->deployed[i].under_floor;

		if (best >= 0 && bits >= best)
			continue;
		best = bits;
		ret->policy = &in->deployed[i];
		ret->differing = r->least[i] & in->pcrs.mask;
		ret->entries = r->fits_at[i];
	}
}

static bool covers(const struct lk_coverage *c)
{
	return c->policy && !c->differing && !c->policy->under_floor;
}

static uint32_t find_changed(const struct run *now, const struct run *then)
{
	return lk_pcr_differing(&now->first, &then->first,
				now->first.sel.mask & then->first.sel.mask);
}

/* What new files make IMA measure can't be told. A policy that was signed for
 * this boot's boot_aggregate is none for another, whatever follows on it. */
static bool could_cover(const struct run *now, const struct run *then, const struct lk_coverage *c)
{
	const struct lk_coverage_input *in = then->in;
	bool other_boot = c->changed & AGGREGATED;

	for (size_t i = 0; i < in->n; i++)
		if (!in->deployed[i].under_floor &&
		    !(then->least[i] & in->pcrs.mask & ~(1u << LK_PCR_IMA)) &&
		    !(other_boot && now->ima_fits[i]))
			return true;
	return false;
}

static int check_values(const struct lk_coverage_input *in, const struct run *r,
			struct lk_coverage *ret)
{
	uint32_t missing = in->pcrs.mask & ~r->first.sel.mask;
	char pcrs[LK_PCR_MASK_TEXT];

	if (!r->began)
		return lk_err_set(&ret->why, LK_E_UNKNOWN, 0,
				  "the PCR values of bank %s aren't here",
				  lk_alg_name(in->pcrs.bank));
	if (!missing)
		return LK_OK;
	lk_pcr_mask_format(missing, pcrs);
	return lk_err_set(&ret->why, LK_E_UNKNOWN, 0,
			  "PCR %s: something extends it that isn't in these logs%s", pcrs,
			  missing & 1u << LK_PCR_IMA && !in->predict.logs.ima.data
				  ? ", as IMA's log would be (--ima-log)"
				  : "");
}

/* The boot that was opened is the one to come, and these are its logs. */
static bool is_repeated(const struct lk_coverage_input *in, const struct run *now,
			struct lk_coverage *ret)
{
	if (!in->booted || in->predict.plan->n || in->predict.new_firmware.data)
		return false;
	for (size_t i = 0; i < in->n; i++)
		if (!in->deployed[i].under_floor && !now->least[i] &&
		    lk_digest_equal(&in->deployed[i].policy->digest, in->booted)) {
			ret->policy = &in->deployed[i];
			ret->differing = 0;
			ret->answer = LK_ANSWER_YES;
			return true;
		}
	return false;
}

/* Debian 12's kernel extends into the SHA-384 bank what it makes of SHA-1. */
static bool depends_on_kernel(const struct lk_coverage_input *in)
{
	return in->predict.plan->kernel && in->pcrs.bank == LK_ALG_SHA384 &&
	       in->pcrs.mask & 1u << LK_PCR_IMA;
}

static enum lk_answer judge_boot(const struct run *now, const struct run *then, bool refused,
				 struct lk_coverage *c)
{
	if (refused)
		return covers(c) || could_cover(now, then, c) ? LK_ANSWER_UNKNOWN : LK_ANSWER_NO;
	if (!covers(c))
		return LK_ANSWER_NO;
	if (!depends_on_kernel(then->in))
		return LK_ANSWER_YES;
	(void)lk_err_set(
		&c->why, LK_E_UNKNOWN, 0,
		"PCR 10 of bank sha384 is as signed if the new kernel has SHA-384 when it begins, or hasn't it, as the one in the log");
	return LK_ANSWER_UNKNOWN;
}

/* @ret_refused: only on the assumption that what IMA measures stays. */
static int replay_then(const struct lk_coverage_input *in, struct run *then, bool *ret_refused,
		       struct lk_err *err)
{
	unsigned int only = then->only;
	bool unchanged = in->predict.ima_unchanged || !(in->pcrs.mask & 1u << LK_PCR_IMA);
	int rc = replay(then, in->predict.plan, unchanged, err);
	struct lk_err why;

	*ret_refused = rc == LK_E_REFUSED;
	if (rc != LK_E_REFUSED || unchanged)
		return rc;
	*then = (struct run){ .in = in, .only = only };
	return replay(then, in->predict.plan, true, &why);
}

int lk_coverage_find(const struct lk_coverage_input *in, struct lk_coverage *ret,
		     struct lk_err *err)
{
	struct lk_coverage c = { .answer = LK_ANSWER_UNKNOWN };
	struct run now = { .in = in }, then = { .in = in };
	bool refused;
	int rc;

	LK_TRY(replay_now(in, &now, &then.only, err));
	c.at_known_moment = then.only != 0;
	if (check_values(in, &now, &c) != LK_OK || is_repeated(in, &now, &c)) {
		*ret = c;
		return LK_OK;
	}
	rc = replay_then(in, &then, &refused, err);
	if (refused)
		c.why = *err;
	if (rc != LK_OK && rc != LK_E_REFUSED)
		return rc;
	if (rc == LK_OK) {
		choose(&then, &c);
		if (then.n_seen == 1)
			c.then = then.last;
		c.changed = find_changed(&now, &then);
		c.answer = judge_boot(&now, &then, refused, &c);
	}
	c.follows = c.differing & 1u << LK_PCR_IMA && c.changed & AGGREGATED;
	*ret = c;
	return LK_OK;
}
