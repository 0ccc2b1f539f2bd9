/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the verdict: firmware, boot, latch and floors, and what all parts come to. */
#include "core/attest/appraisal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/attest/appraising.h"
#include "core/attest/measured.h"
#include "core/base/text.h"

#define FIRMWARE_PCRS 0xffu /* that nobody but firmware and boot loaders extends */

const char *lk_verdict_word(enum lk_verdict verdict)
{
	static const char *const words[] = { "trusted", "unknown", "untrusted" };

	return words[verdict];
}

const char *lk_part_word(enum lk_part part)
{
	static const char *const words[] = { "firmware", "boot", "kernel", "latch", "floors" };

	return words[part];
}

static size_t n_policies(const struct lk_reference *ref)
{
	return ref->n_policies < LK_REFERENCE_POLICIES_MAX ? ref->n_policies
							   : LK_REFERENCE_POLICIES_MAX;
}

static bool quoted(const struct lk_appraising *a, unsigned int pcr)
{
	return pcr < LK_PCR_COUNT && (a->in->values->sel.mask >> pcr & 1);
}

/* Firmware's log. */

static void judge_firmware_pcr(struct lk_appraising *a, const struct lk_explanation *e,
			       unsigned int pcr)
{
	switch (e->what[pcr]) {
	case LK_UNEXPLAINED_ALTERED:
		lk_appraisal_reason(
			a, LK_PART_FIRMWARE, LK_VERDICT_UNTRUSTED, pcr,
			"PCR %u (%s): event %u of the firmware's log isn't what was measured: the log was changed",
			pcr, lk_pcr_meaning(pcr), e->altered[pcr]);
		break;
	case LK_UNEXPLAINED:
	case LK_UNEXPLAINED_INCOMPLETE:
		lk_appraisal_reason(
			a, LK_PART_FIRMWARE, LK_VERDICT_UNTRUSTED, pcr,
			"PCR %u (%s): the firmware's log doesn't give the quoted value: it was changed, or is another boot's",
			pcr, lk_pcr_meaning(pcr));
		break;
	case LK_UNEXPLAINED_NO_EVENT:
		lk_appraisal_reason(
			a, LK_PART_FIRMWARE, LK_VERDICT_UNTRUSTED, pcr,
			"PCR %u (%s): it was extended, and the firmware's log has no event of it",
			pcr, lk_pcr_meaning(pcr));
		break;
	default:
		break;
	}
}

static int appraise_firmware(struct lk_appraising *a, struct lk_err *err)
{
	const struct lk_logs logs = { .firmware = a->in->firmware };
	struct lk_explanation *e = &a->diff.view.explained;
	size_t before = a->ret->n;

	if (!(a->in->values->sel.mask & FIRMWARE_PCRS))
		return LK_OK;
	if (!a->in->firmware.len) {
		lk_appraisal_reason(
			a, LK_PART_FIRMWARE, LK_VERDICT_UNKNOWN, LK_PCR_NONE,
			"the device sent no firmware log: the values can't be explained");
		return LK_OK;
	}
	LK_TRY(lk_log_explain_partly(&logs, a->in->values, a->in->hash, e, err));
	for (unsigned int pcr = 0; pcr < 8; pcr++)
		if (quoted(a, pcr))
			judge_firmware_pcr(a, e, pcr);
	if (a->ret->n == before)
		lk_appraisal_reason(a, LK_PART_FIRMWARE, LK_VERDICT_TRUSTED, LK_PCR_NONE,
				    "the firmware's log gives the quoted values");
	return LK_OK;
}

/* The boot, against signed policies or learned values. */

/* PCRs of a policy that aren't as it has them. */
static uint32_t differing(const struct lk_appraising *a, size_t i)
{
	const struct lk_reference *ref = a->in->reference;
	const struct lk_signed_policy *p = &ref->policy[i];
	uint32_t mask = p->pcrs.sel.mask;
	uint32_t differ;

	if (p->pcrs.sel.bank != a->in->values->sel.bank)
		return mask ? mask : 1;
	if (ref->latch < LK_PCR_COUNT)
		mask &= ~(1u << ref->latch);
	differ = lk_pcr_differing(&p->pcrs, a->in->values, mask);
	if (a->prefix[i] ||
	    (a->ret->state.policy.len && lk_digest_equal(&a->ret->state.policy, &p->digest)))
		differ &= ~(1u << LK_PCR_IMA);
	return differ;
}

static unsigned int count(uint32_t mask)
{
	unsigned int n = 0;

	for (; mask; mask &= mask - 1)
		n++;
	return n;
}

/* The one that covers this boot, or else the one that differs least; the newest of equals. */
static size_t nearest(const struct lk_appraising *a, uint32_t *ret_differ)
{
	const struct lk_reference *ref = a->in->reference;
	size_t best = 0;
	unsigned int least = UINT32_MAX;

	for (size_t i = 0; i < n_policies(ref); i++) {
		uint32_t differ = differing(a, i);
		unsigned int n =
			count(differ) + (lk_appraise_above_floor(a, &ref->policy[i]) ? 0 : 100);

		if (n > least || (n == least && ref->policy[i].version < ref->policy[best].version))
			continue;
		least = n;
		best = i;
		*ret_differ = differ;
	}
	return best;
}

struct told {
	struct lk_text_out words;
	uint32_t follows; /* PCRs below, where the value follows from theirs */
};

/* Which event it is, where the last good boot is remembered or the log itself tells. */
static int tell_difference(struct lk_appraising *a, const struct lk_pcr_values *signed_values,
			   unsigned int pcr, struct told *ret, struct lk_err *err)
{
	struct lk_boot_diff diff;
	int rc;

	lk_text_out_init(&ret->words);
	ret->follows = 0;
	if (!a->have_logs)
		return LK_OK;
	rc = lk_boot_diff_find(&a->diff, signed_values, pcr, &diff, err);
	if (rc == LK_E_INPUT)
		return LK_OK;
	LK_TRY(rc);
	lk_boot_diff_text(&a->diff.view, &diff, &ret->words);
	if (diff.told == LK_TOLD_AGGREGATE)
		ret->follows = diff.follows;
	return LK_OK;
}

static int tell_policy(struct lk_appraising *a, const struct lk_pcr_values *signed_values,
		       uint32_t differ, const char *than, struct lk_err *err)
{
	for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++) {
		struct told told;

		if (!(differ >> pcr & 1))
			continue;
		if (!quoted(a, pcr)) {
			lk_appraisal_reason(
				a, LK_PART_BOOT, LK_VERDICT_UNKNOWN, pcr,
				"PCR %u (%s): it is in %s, and wasn't quoted: add it to the verifier's PCRs",
				pcr, lk_pcr_meaning(pcr), than);
			continue;
		}
		LK_TRY(tell_difference(a, signed_values, pcr, &told, err));
		lk_appraisal_reason(a, LK_PART_BOOT, LK_VERDICT_UNTRUSTED, pcr,
				    "PCR %u (%s) isn't that of %s%s%s", pcr, lk_pcr_meaning(pcr),
				    than, told.words.len ? ": " : "", told.words.text);
		LK_TRY(lk_appraise_below(a, told.follows & ~differ, err));
	}
	return LK_OK;
}

static int judge_policy(struct lk_appraising *a, struct lk_err *err)
{
	const struct lk_reference *ref = a->in->reference;
	uint32_t differ = 0;
	const struct lk_signed_policy *p = &ref->policy[nearest(a, &differ)];
	char label[LK_TEXT_SHOWN_MAX + 4];
	char than[64];

	if (differ) {
		snprintf(than, sizeof(than), "signed policy version %" PRIu32, p->version);
		return tell_policy(a, &p->pcrs, differ, than, err);
	}
	if (!lk_appraise_above_floor(a, p)) {
		lk_appraisal_reason(a, LK_PART_BOOT, LK_VERDICT_UNTRUSTED, LK_PCR_NONE,
				    "the boot is that of signed policy version %" PRIu32
				    ", which is retired: the device's floor is %" PRIu64,
				    p->version, lk_appraise_floor(a, LK_FLOOR_VERSION));
		return LK_OK;
	}
	a->ret->policy = p;
	a->ret->state.policy = p->digest;
	lk_appraisal_reason(a, LK_PART_BOOT, LK_VERDICT_TRUSTED, LK_PCR_NONE,
			    "signed policy version %" PRIu32 "%s%s covers this boot", p->version,
			    p->label[0] ? ", " : "",
			    p->label[0] ? lk_text_show(p->label, label) : "");
	return LK_OK;
}

static int appraise_boot(struct lk_appraising *a, struct lk_err *err)
{
	const struct lk_reference *ref = a->in->reference;

	if (ref->equals && ref->equals->sel.bank == a->in->values->sel.bank) {
		uint32_t mask = ref->equals->sel.mask;
		uint32_t differ = lk_pcr_differing(ref->equals, a->in->values, mask);

		if (!differ) {
			lk_appraisal_reason(a, LK_PART_BOOT, LK_VERDICT_TRUSTED, LK_PCR_NONE,
					    "the values are those that were learned");
			return LK_OK;
		}
		if (!n_policies(ref))
			return tell_policy(a, ref->equals, differ, "what was learned", err);
	}
	if (n_policies(ref))
		return judge_policy(a, err);
	lk_appraisal_reason(
		a, LK_PART_BOOT, LK_VERDICT_UNKNOWN, LK_PCR_NONE,
		"nothing is known to compare this boot with: add the owner's signed policies, or let the verifier learn it");
	return LK_OK;
}

/* The latch. */

static int appraise_latch(struct lk_appraising *a, struct lk_err *err)
{
	static const uint8_t zeros[LK_DIGEST_MAX];
	unsigned int latch = a->in->reference->latch;
	struct lk_pcr_replay r;
	bool latched = false;
	int rc;

	if (latch >= LK_PCR_COUNT)
		return LK_OK;
	if (!quoted(a, latch)) {
		lk_appraisal_reason(
			a, LK_PART_LATCH, LK_VERDICT_UNKNOWN, latch,
			"PCR %u: it is the latch, and wasn't quoted: whether it is closed isn't known",
			latch);
		return LK_OK;
	}
	if (!memcmp(a->in->values->value[latch], zeros, lk_alg_size(a->in->values->sel.bank))) {
		lk_appraisal_reason(
			a, LK_PART_LATCH, LK_VERDICT_UNTRUSTED, latch,
			"PCR %u: the latch is open: this boot's TPM would unseal the volume for anyone, and no unlock has closed it",
			latch);
		return LK_OK;
	}
	if (!a->in->measured.len) {
		lk_appraisal_reason(
			a, LK_PART_LATCH, LK_VERDICT_UNKNOWN, latch,
			"PCR %u: the latch is closed, and the device sent no log of what closed it",
			latch);
		return LK_OK;
	}
	lk_pcr_replay_init(&r, a->in->values->sel.bank);
	rc = lk_measured_replay(a->in->measured, latch, &r, a->in->hash, &latched, err);
	if (rc == LK_E_SYSTEM)
		return rc;
	if (rc != LK_OK || lk_pcr_differing(&r.values, a->in->values, 1u << latch))
		lk_appraisal_reason(
			a, LK_PART_LATCH, LK_VERDICT_UNTRUSTED, latch,
			"PCR %u: the log of what user space has measured doesn't give the latch's value",
			latch);
	else if (!latched)
		lk_appraisal_reason(
			a, LK_PART_LATCH, LK_VERDICT_UNTRUSTED, latch,
			"PCR %u: something else than latchkey-unseal extended the latch first",
			latch);
	else
		lk_appraisal_reason(a, LK_PART_LATCH, LK_VERDICT_TRUSTED, latch,
				    "PCR %u: closed by latchkey-unseal", latch);
	return LK_OK;
}

/* What all parts begin with, and what is left for the next time. */

static void begin_state(struct lk_appraising *a)
{
	const struct lk_appraisal_input *in = a->in;
	struct lk_attest_state *s = &a->ret->state;

	if (in->change == LK_BOOT_SAME || in->change == LK_BOOT_RESUMED)
		*s = *in->before;
	else
		/* Those of before are held against what this boot proves, or leaves out. */
		memcpy(s->floor, in->reference->min_floor, sizeof(s->floor));
	/* Until the owner brings the record of what it is now: a lower floor isn't believed for
	 * the device's own word. */
	if (in->change == LK_BOOT_CLEARED || in->before->cleared)
		s->cleared = true;
	s->values = *in->values;
	lk_attest_state_accept(s, in->quote, in->nonce_ms);
	for (size_t i = 0; i < LK_FLOOR_COUNT; i++) {
		if (!in->has_floor[i])
			continue;
		s->has_floor[i] = true;
		s->floor[i] = in->floor[i];
	}
}

/* Both logs, explained strictly: only then can events be told apart. */
static int look_at_logs(struct lk_appraising *a, struct lk_err *err)
{
	const struct lk_appraisal_input *in = a->in;
	struct lk_boot_diff_input *d = &a->diff;
	int rc;

	d->view.hash = in->hash;
	d->view.logs.firmware = in->firmware;
	if (in->ima.len && !in->ima_from)
		d->view.logs.ima = in->ima;
	if (!in->firmware.len)
		return LK_OK;
	rc = lk_log_explain(&d->view.logs, in->values, in->hash, &d->view.explained, err);
	if (rc == LK_E_SYSTEM)
		return rc;
	d->remembered = in->good.len && lk_boot_reference_parse(in->good, &d->reference);
	d->hashes = LK_BOOT_DIFF_HASHES;
	a->have_logs = rc == LK_OK;
	return LK_OK;
}

/* What a later boot is told from. */
static int remember(struct lk_appraising *a, struct lk_err *err)
{
	struct lk_writer w = lk_writer_init(a->ret->good, sizeof(a->ret->good));
	struct lk_pcr_values values;
	int rc;

	if (a->ret->verdict != LK_VERDICT_TRUSTED || !a->have_logs)
		return LK_OK;
	values = a->ret->policy ? a->ret->policy->pcrs : *a->in->values;
	if (a->in->reference->latch < LK_PCR_COUNT)
		values.sel.mask &= ~(1u << a->in->reference->latch);
	if (!a->ret->policy)
		values.sel.mask &= FIRMWARE_PCRS;
	rc = lk_boot_reference_make(&a->diff.view, &values, &w, err);
	if (rc == LK_OK)
		a->ret->good_len = w.len;
	return rc == LK_E_SYSTEM ? rc : LK_OK;
}

static int appraise(struct lk_appraising *a, struct lk_err *err)
{
	begin_state(a);
	if (a->ret->state.cleared)
		lk_appraisal_reason(
			a, LK_PART_BOOT, LK_VERDICT_UNKNOWN, LK_PCR_NONE,
			"the TPM was cleared, and its volumes and counters are new: install it again, and import its record again");
	LK_TRY(appraise_firmware(a, err));
	LK_TRY(lk_appraise_kernel(a, err));
	LK_TRY(look_at_logs(a, err));
	LK_TRY(appraise_boot(a, err));
	LK_TRY(appraise_latch(a, err));
	lk_appraise_floors(a);
	return remember(a, err);
}

int lk_appraise(const struct lk_appraisal_input *in, struct lk_appraisal *ret, struct lk_err *err)
{
	struct lk_appraising *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	memset(ret, 0, sizeof(*ret));
	a->in = in;
	a->ret = ret;
	rc = appraise(a, err);
	free(a);
	return rc;
}

int lk_appraise_is_replayed(const struct lk_appraisal_input *in, struct lk_bytes firmware,
			    bool *ret, struct lk_err *err)
{
	struct lk_appraisal_input other = *in;
	struct lk_appraising *a = calloc(1, sizeof(*a));
	struct lk_appraisal *found = calloc(1, sizeof(*found));
	int rc = LK_E_SYSTEM;

	other.firmware = firmware;
	if (a && found) {
		a->in = &other;
		a->ret = found;
		rc = appraise_firmware(a, err);
		*ret = found->part[LK_PART_FIRMWARE] == LK_VERDICT_TRUSTED;
	} else {
		(void)lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	}
	free(found);
	free(a);
	return rc;
}

struct lk_attest_next lk_attest_next_of(const struct lk_attest_state *before,
					const struct lk_attest *quote, enum lk_boot_change change)
{
	struct lk_attest_next next = { .boot = quote->reset_count };

	if (change == LK_BOOT_SAME || change == LK_BOOT_RESUMED)
		next.ima_from = before->ima_bytes;
	return next;
}
