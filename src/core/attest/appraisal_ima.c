/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the part of the kernel's log: the shortest beginning of it that gives the quoted value. */
#include <string.h>

#include "core/attest/appraising.h"

/* One way through the log. */
struct walk {
	struct lk_pcr_replay r;
	enum lk_ima_extend how;
	bool reached;
	size_t used;
	unsigned int entries;
	unsigned int violations;
	bool prefix[LK_REFERENCE_POLICIES_MAX];
	enum lk_aggregate aggregate;
};

static size_t n_policies(const struct lk_reference *ref)
{
	return ref->n_policies < LK_REFERENCE_POLICIES_MAX ? ref->n_policies
							   : LK_REFERENCE_POLICIES_MAX;
}

static void look_for_policies(const struct lk_appraising *a, struct walk *w)
{
	const struct lk_reference *ref = a->in->reference;

	for (size_t i = 0; i < n_policies(ref); i++)
		if (ref->policy[i].pcrs.sel.bank == w->r.values.sel.bank &&
		    !lk_pcr_differing(&ref->policy[i].pcrs, &w->r.values, 1u << LK_PCR_IMA))
			w->prefix[i] = true;
}

static int check_aggregate(const struct lk_appraising *a, const struct lk_ima_entry *entry,
			   struct walk *w, struct lk_err *err)
{
	const uint32_t below = (1u << LK_IMA_BOOT_PCRS) - 1u;
	const unsigned int spans[] = { LK_IMA_BOOT_PCRS, LK_IMA_BOOT_PCRS_OLD };
	const struct lk_pcr_values *values = a->in->values;
	struct lk_digest want;

	if (entry->number != 1 || !lk_ima_is_boot_aggregate(entry) ||
	    (values->sel.mask & below) != below)
		return LK_OK;
	w->aggregate = LK_AGGREGATE_OTHER_BANK;
	if (lk_alg_from_name(entry->alg) != values->sel.bank)
		return LK_OK;
	w->aggregate = LK_AGGREGATE_WRONG;
	for (unsigned int i = 0; i < 2; i++) {
		if (!lk_ima_boot_aggregate(values, spans[i], a->in->hash, &want))
			return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
		if (lk_bytes_same(entry->digest, (struct lk_bytes){ want.data, want.len })) {
			w->aggregate = LK_AGGREGATE_RIGHT;
			break;
		}
	}
	return LK_OK;
}

/* Entries until the value is the quoted one. Those of other PCRs aren't the kernel's
 * default, and are passed over. */
static int walk_log(const struct lk_appraising *a, struct walk *w, struct lk_err *err)
{
	struct lk_bytes log = a->in->ima;
	bool from_start = a->in->ima_from == 0;
	struct lk_ima_entry entry;
	struct lk_ima_log at;
	int rc = lk_ima_log_open(log.data, log.len, &at, err);

	look_for_policies(a, w);
	w->reached = !lk_pcr_differing(&w->r.values, a->in->values, 1u << LK_PCR_IMA);
	while (rc == LK_OK && !w->reached) {
		struct lk_digest digest;

		rc = lk_ima_log_next(&at, &entry, err);
		if (rc != LK_OK)
			break;
		if (from_start)
			LK_TRY(check_aggregate(a, &entry, w, err));
		w->violations += entry.violation;
		w->entries = entry.number;
		w->used = log.len - at.rest.left;
		if (entry.pcr != LK_PCR_IMA)
			continue;
		if (!lk_ima_entry_digest(&entry, w->r.values.sel.bank, w->how, a->in->hash,
					 &digest) ||
		    !lk_pcr_replay_extend(&w->r, LK_PCR_IMA,
					  (struct lk_bytes){ digest.data, digest.len },
					  a->in->hash))
			return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
		look_for_policies(a, w);
		w->reached = !lk_pcr_differing(&w->r.values, a->in->values, 1u << LK_PCR_IMA);
	}
	return rc == LK_E_SYSTEM ? rc : LK_OK;
}

static void start(const struct lk_appraising *a, bool from_state, enum lk_ima_extend how,
		  struct walk *w)
{
	const struct lk_attest_state *before = a->in->before;

	*w = (struct walk){ .how = how };
	lk_pcr_replay_init(&w->r, a->in->values->sel.bank);
	if (from_state)
		memcpy(w->r.values.value[LK_PCR_IMA], before->ima_value, LK_DIGEST_MAX);
}

/* Where to begin, and which way of extending: whichever gives the value. */
static int find_walk(const struct lk_appraising *a, struct walk *w, bool *ret_kexec,
		     struct lk_err *err)
{
	const struct lk_attest_state *before = a->in->before;
	bool same_boot = a->in->change == LK_BOOT_SAME || a->in->change == LK_BOOT_RESUMED;
	bool go_on = same_boot && before->ima_bytes && a->in->ima_from == before->ima_bytes;

	*ret_kexec = false;
	if (go_on) {
		start(a, true, before->how, w);
		return walk_log(a, w, err);
	}
	/* The log of a kernel that another has started, from where that one's ended. */
	if (same_boot && before->kexec) {
		start(a, true, before->how, w);
		memcpy(w->r.values.value[LK_PCR_IMA], before->ima_base, LK_DIGEST_MAX);
		LK_TRY(walk_log(a, w, err));
		if (w->reached)
			return LK_OK;
	}
	for (unsigned int how = 0; how < 2; how++) {
		start(a, false, how ? LK_IMA_PADDED_SHA1 : LK_IMA_OWN_HASH, w);
		LK_TRY(walk_log(a, w, err));
		if (w->reached)
			return LK_OK;
	}
	if (!same_boot || !before->ima_bytes || a->in->ima_from)
		return LK_OK;
	/* A kernel that another has started begins its own log on top of what was there. */
	start(a, true, before->how, w);
	LK_TRY(walk_log(a, w, err));
	*ret_kexec = w->reached && w->used;
	return LK_OK;
}

static void keep(struct lk_appraising *a, const struct walk *w, bool go_on)
{
	struct lk_attest_state *s = &a->ret->state;

	s->ima_bytes = (go_on ? a->in->before->ima_bytes : 0) + w->used;
	s->ima_entries = (go_on ? a->in->before->ima_entries : 0) + w->entries;
	s->how = w->how;
	memcpy(s->ima_value, w->r.values.value[LK_PCR_IMA], LK_DIGEST_MAX);
	a->ret->ima_used = w->used;
	a->ret->violations = w->violations;
	memcpy(a->prefix, w->prefix, sizeof(a->prefix));
	a->ima_replayed = true;
}

static void without_log(struct lk_appraising *a)
{
	const uint8_t *value = a->in->values->value[LK_PCR_IMA];
	static const uint8_t zeros[LK_DIGEST_MAX];
	size_t size = lk_alg_size(a->in->values->sel.bank);

	if (!memcmp(value, zeros, size)) {
		lk_appraisal_reason(a, LK_PART_KERNEL, LK_VERDICT_TRUSTED, LK_PCR_IMA,
				    "the kernel has measured nothing (no IMA)");
		a->ima_replayed = true;
		return;
	}
	lk_appraisal_reason(
		a, LK_PART_KERNEL,
		a->in->reference->wants_ima ? LK_VERDICT_UNKNOWN : LK_VERDICT_TRUSTED, LK_PCR_IMA,
		"the device sent no log of the kernel's (ima: off in its attest.yaml, or a kernel that hides it): what was run isn't known");
}

static int judge_kernel(struct lk_appraising *a, struct lk_err *err)
{
	bool go_on = a->in->ima_from != 0;
	struct walk w;
	bool kexec;

	if (!(a->in->values->sel.mask >> LK_PCR_IMA & 1)) {
		if (a->in->reference->wants_ima)
			lk_appraisal_reason(
				a, LK_PART_KERNEL, LK_VERDICT_UNKNOWN, LK_PCR_IMA,
				"PCR 10 wasn't quoted, and the kernel's log is required: nothing proves it");
		return LK_OK;
	}
	if (!a->in->ima.len && !go_on) {
		without_log(a);
		return LK_OK;
	}
	LK_TRY(find_walk(a, &w, &kexec, err));
	if (!w.reached) {
		lk_appraisal_reason(
			a, LK_PART_KERNEL, LK_VERDICT_UNTRUSTED, LK_PCR_IMA,
			"PCR 10: the kernel's log that was sent doesn't give the quoted value: it was changed, it is another boot's, or something extended the PCR without a log");
		return LK_OK;
	}
	if (kexec) {
		a->ret->state.kexec = true;
		memcpy(a->ret->state.ima_base, a->in->before->ima_value, LK_DIGEST_MAX);
	}
	keep(a, &w, go_on);
	if (w.aggregate == LK_AGGREGATE_WRONG) {
		lk_appraisal_reason(
			a, LK_PART_KERNEL, LK_VERDICT_UNTRUSTED, LK_PCR_IMA,
			"PCR 10: boot_aggregate, the kernel's own digest of PCRs 0 to 9, isn't that of the quoted values");
		return LK_OK;
	}
	if (a->ret->state.kexec)
		lk_appraisal_reason(
			a, LK_PART_KERNEL, LK_VERDICT_UNKNOWN, LK_PCR_IMA,
			"another kernel was started without a reset (kexec): no firmware has measured it");
	else
		lk_appraisal_reason(a, LK_PART_KERNEL, LK_VERDICT_TRUSTED, LK_PCR_IMA,
				    "the kernel's log gives PCR 10, %u entries so far",
				    a->ret->state.ima_entries);
	return LK_OK;
}

int lk_appraise_kernel(struct lk_appraising *a, struct lk_err *err)
{
	LK_TRY(judge_kernel(a, err));
	a->ret->ima_replayed =
		a->ima_replayed || a->ret->part[LK_PART_KERNEL] != LK_VERDICT_UNTRUSTED;
	return LK_OK;
}
