/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns replaying logs with changes. */
#include "core/predict/log_predict.h"

#include <string.h>

#include "core/predict/log_whole.h"

static int hash_failed(struct lk_err *err)
{
	return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
}

static enum lk_alg bank_of(unsigned int i)
{
	return i ? LK_ALG_SHA384 : LK_ALG_SHA256;
}

static int extend(struct lk_pcr_replay *r, uint32_t pcr, const struct lk_digest *digest,
		  lk_hash_fn hash, struct lk_err *err)
{
	const struct lk_bytes bytes = { digest->data, digest->len };

	return lk_pcr_replay_extend(r, pcr, bytes, hash) ? LK_OK : hash_failed(err);
}

static int replay_event(const struct lk_prediction_input *in, const struct lk_event *event,
			unsigned int bank, struct lk_pcr_replay *r, struct lk_err *err)
{
	const struct lk_plan_change *change = lk_log_plan_find(in->plan, event->number);

	if (!change)
		return lk_event_replay(event, r, in->hash, err);
	if (change->removed)
		return LK_OK;
	return extend(r, event->pcr, &change->digest[bank], in->hash, err);
}

/* What is new behind that event; 0: after them all. */
static int replay_new(const struct lk_prediction_input *in, unsigned int after, unsigned int bank,
		      struct lk_pcr_replay *r, struct lk_err *err)
{
	const struct lk_log_plan *plan = in->plan;

	for (size_t i = 0; i < plan->n; i++)
		if (!plan->changes[i].event && plan->changes[i].after == after)
			LK_TRY(extend(r, plan->changes[i].pcr, &plan->changes[i].digest[bank],
				      in->hash, err));
	return LK_OK;
}

static int replay_firmware(const struct lk_prediction_input *in, unsigned int bank,
			   struct lk_pcr_replay *r, struct lk_err *err)
{
	const struct lk_log_plan *plan = in->plan;
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc == LK_OK)
			rc = replay_event(in, &event, bank, r, err);
		if (rc == LK_OK)
			rc = replay_new(in, event.number, bank, r, err);
	}
	return rc == LK_LOG_END ? replay_new(in, 0, bank, r, err) : rc;
}

/* The firmware's own PCRs as another log has them. */
static int take_new_firmware(const struct lk_prediction_input *in, struct lk_pcr_replay *r,
			     struct lk_err *err)
{
	struct lk_pcr_replay other;

	if (!in->new_firmware.data)
		return LK_OK;
	lk_pcr_replay_init(&other, r->values.sel.bank);
	LK_TRY(lk_event_log_replay(in->new_firmware, &other, in->hash, err));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (LK_FIRMWARE_PCRS & 1u << i)
			memcpy(r->values.value[i], other.values.value[i], LK_DIGEST_MAX);
	return LK_OK;
}

/* All of one prediction, on its way. */
struct state {
	const struct lk_prediction_input *in;
	struct lk_explanation now[LK_PLAN_BANKS];
	struct lk_pcr_replay then[LK_PLAN_BANKS];
	uint32_t have; /* banks with values, by index */
};

static int explain_now(struct state *s, unsigned int bank, struct lk_err *err)
{
	const struct lk_pcr_values *values = s->in->values[bank];
	char pcrs[LK_PCR_MASK_TEXT];
	uint32_t wrong;

	LK_TRY(lk_log_explain(&s->in->logs, values, s->in->hash, &s->now[bank], err));
	wrong = lk_explanation_contradicted(&s->now[bank]);
	if (!wrong)
		return LK_OK;
	lk_pcr_mask_format(wrong, pcrs);
	return lk_err_set(
		err, LK_E_POLICY, 0,
		"the log doesn't explain what PCR %s of bank %s holds now, so what is made of it would be wrong: see latchkey log show",
		pcrs, lk_alg_name(values->sel.bank));
}

/* Where the TPM has no bank of that hash the kernel writes zeros. */
static bool is_empty(const struct lk_ima_entry *entry)
{
	for (size_t i = 0; i < entry->digest.len; i++)
		if (entry->digest.data[i])
			return false;
	return true;
}

/* boot_aggregate over the PCRs to come. */
static int make_aggregate(const struct state *s, const struct lk_ima_entry *entry,
			  struct lk_digest *ret, struct lk_err *err)
{
	enum lk_alg alg = lk_alg_from_name(entry->alg);
	unsigned int bank = alg == LK_ALG_SHA384;
	bool old;

	if (alg == LK_ALG_NONE || !(s->have & 1u << bank))
		return lk_log_plan_refuse(
			err, "boot_aggregate (PCR 10) is of a bank whose PCR values aren't here");
	old = s->now[bank].aggregate == LK_AGGREGATE_RIGHT_OLD;
	if (!old && s->now[bank].aggregate != LK_AGGREGATE_RIGHT)
		return lk_log_plan_refuse(
			err, "boot_aggregate (PCR 10) isn't what the firmware's log comes to");
	if (!lk_ima_boot_aggregate(&s->then[bank].values,
				   old ? LK_IMA_BOOT_PCRS_OLD : LK_IMA_BOOT_PCRS, s->in->hash, ret))
		return hash_failed(err);
	return LK_OK;
}

/* Of what is extended as SHA-1 with zeros the bank's digest says nothing of the data. */
static int check_entry(const struct state *s, const struct lk_ima_entry *entry, unsigned int bank,
		       struct lk_err *err)
{
	uint8_t sum[LK_IMA_SHA1_SIZE];

	if (s->now[bank].how == LK_IMA_OWN_HASH)
		return LK_OK;
	if (!s->in->sha1(&entry->data, 1, sum))
		return hash_failed(err);
	if (!memcmp(sum, entry->template_sha1.data, sizeof(sum)))
		return LK_OK;
	return lk_log_plan_refuse(
		err, "boot_aggregate (PCR 10) isn't what its digest in the kernel's log is of");
}

/* The entry's template data with another digest in it, as it is extended. */
static int extend_aggregate(struct state *s, const struct lk_ima_entry *entry, unsigned int bank,
			    struct lk_err *err)
{
	struct lk_pcr_replay *r = &s->then[bank];
	struct lk_digest digest = { .len = 0 };
	struct lk_digest sum = { .len = (uint16_t)lk_alg_size(bank_of(bank)) };
	size_t before = (size_t)(entry->digest.data - entry->data.data);
	struct lk_bytes parts[3];
	bool done;

	LK_TRY(check_entry(s, entry, bank, err));
	LK_TRY(make_aggregate(s, entry, &digest, err));
	parts[0] = (struct lk_bytes){ entry->data.data, before };
	parts[1] = (struct lk_bytes){ digest.data, digest.len };
	parts[2] = (struct lk_bytes){ entry->digest.data + digest.len,
				      entry->data.len - before - digest.len };
	if (s->now[bank].how == LK_IMA_OWN_HASH)
		done = s->in->hash(bank_of(bank), parts, 3, &sum);
	else
		done = s->in->sha1(parts, 3, sum.data);
	if (!done)
		return hash_failed(err);
	return extend(r, entry->pcr, &sum, s->in->hash, err);
}

static int extend_entry(struct state *s, const struct lk_ima_entry *entry, unsigned int bank,
			struct lk_err *err)
{
	bool first = entry->number == 1 && lk_ima_is_boot_aggregate(entry);
	struct lk_digest digest;

	if (first && !is_empty(entry))
		return extend_aggregate(s, entry, bank, err);
	if (!first && s->in->plan->boot_files && !s->in->ima_unchanged)
		return lk_log_plan_refuse(
			err,
			"IMA has measured files (PCR 10), and which of them the change concerns isn't known; --ima-unchanged says that none");
	if (!lk_ima_entry_digest(entry, bank_of(bank), s->now[bank].how, s->in->hash, &digest))
		return hash_failed(err);
	return extend(&s->then[bank], entry->pcr, &digest, s->in->hash, err);
}

/* What extends a PCR unknown to the logs now will do so again. */
static uint32_t known(const struct lk_explanation *e)
{
	uint32_t mask = 0;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (e->what[i] == LK_EXPLAINED || e->what[i] == LK_EXPLAINED_UNTOUCHED ||
		    e->what[i] == LK_EXPLAINED_WITH_PHASES ||
		    e->what[i] == LK_EXPLAINED_BY_BEGINNING)
			mask |= 1u << i;
	return mask;
}

static void show(const struct state *s, unsigned int bank, unsigned int entries)
{
	struct lk_pcr_values values = s->then[bank].values;

	if (!s->in->each)
		return;
	values.sel.bank = bank_of(bank);
	values.sel.mask = known(&s->now[bank]);
	s->in->each(s->in->data, &values, entries);
}

/* As far as the log explains the value of now: later entries came after it. */
static int replay_ima(struct state *s, unsigned int bank, struct lk_err *err)
{
	struct lk_bytes bytes = s->in->logs.ima;
	struct lk_ima_log log;
	struct lk_ima_entry entry = { .number = 0 };
	unsigned int wanted = s->now[bank].beginning;
	int rc = LK_OK;

	if (s->in->ima_entries && s->in->ima_entries < wanted)
		wanted = s->in->ima_entries;
	if (!s->now[bank].beginning) {
		show(s, bank, 0);
		return LK_OK;
	}
	if (s->in->plan->tells_ima && !s->in->ima_unchanged)
		return lk_log_plan_refuse(
			err,
			"the command line tells IMA what to measure (PCR 10); --ima-unchanged says that the one before did the same");
	LK_TRY(lk_ima_log_open(bytes.data, bytes.len, &log, err));
	while (rc == LK_OK && entry.number < wanted) {
		rc = lk_ima_log_next(&log, &entry, err);
		if (rc == LK_OK)
			rc = extend_entry(s, &entry, bank, err);
		if (rc == LK_OK)
			show(s, bank, entry.number);
	}
	return rc;
}

static int check_banks(const struct lk_prediction_input *in, struct lk_err *err)
{
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		if (!in->values[i]->sel.mask)
			continue;
		LK_TRY(lk_log_check_bank(in->logs.firmware, "the log", bank_of(i), err));
		if (in->new_firmware.data)
			LK_TRY(lk_log_check_bank(in->new_firmware, "the new firmware's log",
						 bank_of(i), err));
	}
	return LK_OK;
}

static int check_whole(const struct lk_prediction_input *in, struct lk_err *err)
{
	LK_TRY(lk_log_check_whole(in->logs.firmware, "the log", in->hash, err));
	if (!in->new_firmware.data)
		return LK_OK;
	LK_TRY(lk_log_check_whole(in->new_firmware, "the new firmware's log", in->hash, err));
	for (size_t i = 0; i < in->plan->n; i++)
		if (LK_FIRMWARE_PCRS & 1u << in->plan->changes[i].pcr)
			return lk_log_plan_refuse(
				err,
				"a setting that is measured with the firmware's own (PCR 0 to 3, or 6) changes as well as the firmware, whose log can't have it");
	return lk_log_check_options(in->logs.firmware, in->new_firmware, err);
}

int lk_log_predict(const struct lk_prediction_input *in,
		   struct lk_pcr_values ret[static LK_PLAN_BANKS], struct lk_err *err)
{
	struct state s = { .in = in };
	int rc = LK_OK;

	LK_TRY(check_banks(in, err));
	if (in->plan->needs_uki)
		return lk_log_plan_refuse(
			err,
			"without Secure Boot the unified kernel image has its kernel measured too (PCR 4): name the image with --uki");
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		if (!in->values[i]->sel.mask)
			continue;
		s.have |= 1u << i;
		LK_TRY(explain_now(&s, i, err));
		lk_pcr_replay_init(&s.then[i], bank_of(i));
		LK_TRY(replay_firmware(in, i, &s.then[i], err));
		LK_TRY(take_new_firmware(in, &s.then[i], err));
	}
	LK_TRY(check_whole(in, err));
	/* Both are shown, whatever the first comes to. */
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		int one = s.have & 1u << i ? replay_ima(&s, i, rc == LK_OK ? err : NULL) : LK_OK;

		rc = rc == LK_OK ? one : rc;
	}
	if (rc != LK_OK)
		return rc;
	for (unsigned int i = 0; i < LK_PLAN_BANKS; i++) {
		ret[i] = s.then[i].values;
		ret[i].sel.bank = bank_of(i);
		ret[i].sel.mask = s.have & 1u << i ? known(&s.now[i]) : 0;
	}
	return LK_OK;
}
