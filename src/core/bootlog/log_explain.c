/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns comparing replayed logs with PCR values. */
#include "core/bootlog/log_explain.h"

#include <string.h>

#include "core/bootlog/event_vouch.h"

/* What goes with each step. */
struct job {
	const struct lk_logs *logs;
	const struct lk_pcr_values *values;
	lk_hash_fn hash;
	bool partly; /* as far as a log can be read */
	/* What PCR 0 begins with where no StartupLocality event says it. */
	uint8_t locality;
};

/* An H-CRTM sequence starts at locality 4 (PFP 10.4.5.3). */
#define HCRTM_LOCALITY 4u

const char *lk_boot_phase(unsigned int i)
{
	static const char *const phases[] = { "enter-initrd", "leave-initrd", "sysinit",
					      "ready",	      "shutdown",     "final" };

	return i < sizeof(phases) / sizeof(phases[0]) ? phases[i] : NULL;
}

static int hash_failed(struct lk_err *err)
{
	return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
}

static bool same(const struct lk_pcr_values *a, const struct lk_pcr_values *b, unsigned int pcr)
{
	return lk_pcr_differing(a, b, 1u << pcr) == 0;
}

/* PCRs that boot_aggregate is over: the firmware log's, or without it the TPM's. */
static const struct lk_pcr_values *aggregated(const struct job *job, const struct lk_explanation *e)
{
	const uint32_t below = (1u << LK_IMA_BOOT_PCRS) - 1u;

	if (job->logs->firmware.data)
		return &e->pcrs.values;
	return (job->values->sel.mask & below) == below ? job->values : NULL;
}

static int check_aggregate(const struct job *job, const struct lk_ima_entry *entry,
			   struct lk_explanation *e, struct lk_err *err)
{
	const struct lk_pcr_values *pcrs = aggregated(job, e);
	const unsigned int spans[] = { LK_IMA_BOOT_PCRS, LK_IMA_BOOT_PCRS_OLD };
	enum lk_alg bank = e->pcrs.values.sel.bank;
	struct lk_digest want;

	if (!pcrs)
		return LK_OK;
	e->aggregate = LK_AGGREGATE_OTHER_BANK;
	if (lk_alg_from_name(entry->alg) != bank)
		return LK_OK;
	e->aggregate = LK_AGGREGATE_WRONG;
	for (unsigned int i = 0; i < 2; i++) {
		if (!lk_ima_boot_aggregate(pcrs, spans[i], job->hash, &want))
			return hash_failed(err);
		if (entry->digest.len == want.len &&
		    !memcmp(entry->digest.data, want.data, want.len)) {
			e->aggregate = i ? LK_AGGREGATE_RIGHT_OLD : LK_AGGREGATE_RIGHT;
			break;
		}
	}
	return LK_OK;
}

static int extend_entry(const struct lk_ima_entry *entry, struct lk_explanation *e, lk_hash_fn hash,
			struct lk_err *err)
{
	struct lk_digest digest;

	if (!lk_ima_entry_digest(entry, e->pcrs.values.sel.bank, e->how, hash, &digest) ||
	    !lk_pcr_replay_extend(&e->pcrs, entry->pcr,
				  (struct lk_bytes){ digest.data, digest.len }, hash))
		return hash_failed(err);
	return LK_OK;
}

/* The IMA log on top of what the firmware's has come to. @e is where that is,
 * with how to go on. */
static int replay_ima(const struct job *job, struct lk_explanation *e, struct lk_err *err)
{
	struct lk_bytes log = job->logs->ima;
	struct lk_ima_log at;
	struct lk_ima_entry entry;
	int rc = lk_ima_log_open(log.data, log.len, &at, err);

	while (rc == LK_OK) {
		rc = lk_ima_log_next(&at, &entry, err);
		if (rc != LK_OK)
			break;
		if (entry.number == 1 && lk_ima_is_boot_aggregate(&entry))
			LK_TRY(check_aggregate(job, &entry, e, err));
		LK_TRY(extend_entry(&entry, e, job->hash, err));
		/* In that form it is the log that says what was extended. */
		if (e->how == LK_IMA_PADDED_SHA1 && !e->altered_entry[entry.pcr] &&
		    !lk_ima_entry_is_whole(&entry, job->hash))
			e->altered_entry[entry.pcr] = entry.number;
		e->ima_pcrs |= 1u << entry.pcr;
		e->n_entries = entry.number;
		if (same(&e->pcrs.values, job->values, entry.pcr))
			e->beginning = entry.number;
	}
	return rc == LK_LOG_END || (job->partly && rc == LK_E_INPUT) ? LK_OK : rc;
}

/* The kernel doesn't say how it has extended: whichever gives the value. */
static int replay_either(const struct job *job, struct lk_explanation *e, struct lk_err *err)
{
	struct lk_explanation padded = *e;

	LK_TRY(replay_ima(job, e, err));
	if (e->beginning)
		return LK_OK;
	padded.how = LK_IMA_PADDED_SHA1;
	LK_TRY(replay_ima(job, &padded, err));
	if (padded.beginning)
		*e = padded;
	return LK_OK;
}

/* systemd measures each phase's word, and its own log has it. */
static int try_phases(const struct lk_pcr_values *values, struct lk_explanation *e, lk_hash_fn hash,
		      struct lk_err *err)
{
	struct lk_pcr_replay r = e->pcrs;
	const char *phase;

	for (unsigned int i = 0; (phase = lk_boot_phase(i)); i++) {
		struct lk_bytes word = { (const uint8_t *)phase, strlen(phase) };
		struct lk_digest digest;

		if (!hash(r.values.sel.bank, &word, 1, &digest) ||
		    !lk_pcr_replay_extend(&r, LK_PCR_KERNEL_IMAGE,
					  (struct lk_bytes){ digest.data, digest.len }, hash))
			return hash_failed(err);
		if (same(&r.values, values, LK_PCR_KERNEL_IMAGE)) {
			e->phases = i + 1;
			break;
		}
	}
	return LK_OK;
}

/* Whether an event whose data are altered is among those that give the value. */
static bool is_altered(const struct lk_explanation *e, unsigned int pcr)
{
	unsigned int entry = e->altered_entry[pcr];

	return e->altered[pcr] || (entry && (!e->beginning || entry <= e->beginning));
}

static enum lk_explained judge_value(const struct lk_pcr_values *values,
				     const struct lk_explanation *e, unsigned int pcr)
{
	uint32_t bit = 1u << pcr;
	bool any = e->pcrs.extended & bit;

	if (!(values->sel.mask & bit))
		return LK_UNEXPLAINED_NO_VALUE;
	if (same(&e->pcrs.values, values, pcr))
		return any ? LK_EXPLAINED : LK_EXPLAINED_UNTOUCHED;
	if (pcr == LK_PCR_KERNEL_IMAGE && e->phases)
		return LK_EXPLAINED_WITH_PHASES;
	if (e->ima_pcrs & bit && e->beginning)
		return LK_EXPLAINED_BY_BEGINNING;
	if (e->missing[pcr])
		return LK_UNEXPLAINED_INCOMPLETE;
	return any ? LK_UNEXPLAINED : LK_UNEXPLAINED_NO_EVENT;
}

static enum lk_explained judge_pcr(const struct lk_pcr_values *values,
				   const struct lk_explanation *e, unsigned int pcr)
{
	enum lk_explained what = judge_value(values, e, pcr);
	bool explained = what == LK_EXPLAINED || what == LK_EXPLAINED_WITH_PHASES ||
			 what == LK_EXPLAINED_BY_BEGINNING;

	return explained && is_altered(e, pcr) ? LK_UNEXPLAINED_ALTERED : what;
}

/* Firmware that leaves out a bank's digest has not extended that bank, or the
 * digest was taken away: the value tells. */
static int take_event(const struct job *job, const struct lk_event *event, struct lk_explanation *e,
		      struct lk_err *err)
{
	enum lk_alg bank = e->pcrs.values.sel.bank;
	bool extended = event->type != LK_EV_NO_ACTION;

	if (job->partly && extended && !lk_event_digest(event, bank).len) {
		e->missing[event->pcr]++;
		e->first_missing = e->first_missing ? e->first_missing : event->number;
		return LK_OK;
	}
	/* A startup locality that comes too late: unsaid_locality() has seen it. */
	if (job->partly && !extended && e->pcrs.extended & 1u)
		return LK_OK;
	LK_TRY(lk_event_replay(event, &e->pcrs, job->hash, err));
	if (extended && !e->altered[event->pcr] &&
	    lk_event_vouched(event, bank, job->hash) == LK_VOUCHED_ALTERED)
		e->altered[event->pcr] = event->number;
	return LK_OK;
}

static int replay_firmware(const struct job *job, struct lk_explanation *e, struct lk_err *err)
{
	struct lk_bytes log = job->logs->firmware;
	struct lk_event_log at;
	struct lk_event event;
	int rc = job->partly ? lk_event_log_open_any(log.data, log.len, &at, err)
			     : lk_event_log_open(log.data, log.len, &at, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&at, &event, err);
		if (rc == LK_OK)
			rc = take_event(job, &event, e, err);
	}
	return rc == LK_LOG_END || (job->partly && rc == LK_E_INPUT) ? LK_OK : rc;
}

static int explain_from(const struct job *job, struct lk_explanation *ret, struct lk_err *err)
{
	struct lk_explanation e = { .how = LK_IMA_OWN_HASH };
	enum lk_alg bank = job->values->sel.bank;

	lk_pcr_replay_init(&e.pcrs, bank);
	e.pcrs.values.value[0][lk_alg_size(bank) - 1] = job->locality;
	if (job->logs->firmware.data)
		LK_TRY(replay_firmware(job, &e, err));
	LK_TRY(try_phases(job->values, &e, job->hash, err));
	if (job->logs->ima.data)
		LK_TRY(replay_either(job, &e, err));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		e.what[i] = judge_pcr(job->values, &e, i);
	*ret = e;
	return LK_OK;
}

/* What PCR 0 begins with where no event says it before the first that extends
 * it: hardware that measured first did so at locality 4, and a startup locality
 * holds, wherever in the log it stands. */
static uint8_t unsaid_locality(const struct job *job)
{
	struct lk_bytes log = job->logs->firmware;
	struct lk_event_log at;
	struct lk_event event;
	bool extended = false;
	uint8_t locality;

	if (!log.data || lk_event_log_open_any(log.data, log.len, &at, NULL) != LK_OK)
		return 0;
	while (lk_event_log_next(&at, &event, NULL) == LK_OK) {
		if (lk_event_startup_locality(&event, &locality))
			return extended ? locality : 0;
		if (event.pcr != 0 || event.type == LK_EV_NO_ACTION || extended)
			continue;
		if (event.type == LK_EV_EFI_HCRTM_EVENT)
			return HCRTM_LOCALITY;
		extended = true;
	}
	return 0;
}

static int explain(const struct job *job, struct lk_explanation *ret, struct lk_err *err)
{
	struct job started = *job;
	struct lk_explanation e, other;

	/* What predicts and compares boots replays logs by itself, from what they say. */
	started.locality = job->partly ? unsaid_locality(job) : 0;
	LK_TRY(explain_from(&started, &e, err));
	/* Firmware may log what its TPM didn't do. */
	if (started.locality && e.what[0] == LK_UNEXPLAINED) {
		LK_TRY(explain_from(job, &other, err));
		if (other.what[0] != LK_UNEXPLAINED)
			e = other;
	}
	*ret = e;
	return LK_OK;
}

int lk_log_explain(const struct lk_logs *logs, const struct lk_pcr_values *values, lk_hash_fn hash,
		   struct lk_explanation *ret, struct lk_err *err)
{
	const struct job job = { logs, values, hash, false, 0 };

	return explain(&job, ret, err);
}

int lk_log_explain_partly(const struct lk_logs *logs, const struct lk_pcr_values *values,
			  lk_hash_fn hash, struct lk_explanation *ret, struct lk_err *err)
{
	const struct job job = { logs, values, hash, true, 0 };

	return explain(&job, ret, err);
}

uint32_t lk_explanation_contradicted(const struct lk_explanation *e)
{
	uint32_t mask = 0;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (e->what[i] == LK_UNEXPLAINED || e->what[i] == LK_UNEXPLAINED_ALTERED ||
		    e->what[i] == LK_UNEXPLAINED_INCOMPLETE)
			mask |= 1u << i;
	return mask;
}
