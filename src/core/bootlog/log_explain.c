/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns comparing replayed logs with PCR values. */
#include "core/bootlog/log_explain.h"

#include <string.h>

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

static int check_aggregate(const struct lk_ima_entry *entry, struct lk_explanation *e,
			   lk_hash_fn hash, struct lk_err *err)
{
	const unsigned int spans[] = { LK_IMA_BOOT_PCRS, LK_IMA_BOOT_PCRS_OLD };
	enum lk_alg bank = e->pcrs.values.sel.bank;
	struct lk_digest want;

	e->aggregate = LK_AGGREGATE_OTHER_BANK;
	if (lk_alg_from_name(entry->alg) != bank)
		return LK_OK;
	e->aggregate = LK_AGGREGATE_WRONG;
	for (unsigned int i = 0; i < 2; i++) {
		if (!lk_ima_boot_aggregate(&e->pcrs.values, spans[i], hash, &want))
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
static int replay_ima(struct lk_bytes log, const struct lk_pcr_values *values,
		      struct lk_explanation *e, lk_hash_fn hash, struct lk_err *err)
{
	struct lk_ima_log at;
	struct lk_ima_entry entry;
	int rc = lk_ima_log_open(log.data, log.len, &at, err);

	while (rc == LK_OK) {
		rc = lk_ima_log_next(&at, &entry, err);
		if (rc != LK_OK)
			break;
		if (entry.number == 1 && lk_ima_is_boot_aggregate(&entry))
			LK_TRY(check_aggregate(&entry, e, hash, err));
		LK_TRY(extend_entry(&entry, e, hash, err));
		e->ima_pcrs |= 1u << entry.pcr;
		e->n_entries = entry.number;
		if (same(&e->pcrs.values, values, entry.pcr))
			e->beginning = entry.number;
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

/* The kernel doesn't say how it has extended: whichever gives the value. */
static int replay_either(struct lk_bytes log, const struct lk_pcr_values *values,
			 struct lk_explanation *e, lk_hash_fn hash, struct lk_err *err)
{
	struct lk_explanation padded = *e;

	LK_TRY(replay_ima(log, values, e, hash, err));
	if (e->beginning)
		return LK_OK;
	padded.how = LK_IMA_PADDED_SHA1;
	LK_TRY(replay_ima(log, values, &padded, hash, err));
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

static enum lk_explained judge(const struct lk_pcr_values *values, const struct lk_explanation *e,
			       unsigned int pcr)
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
	return any ? LK_UNEXPLAINED : LK_UNEXPLAINED_NO_EVENT;
}

int lk_log_explain(const struct lk_logs *logs, const struct lk_pcr_values *values, lk_hash_fn hash,
		   struct lk_explanation *ret, struct lk_err *err)
{
	struct lk_explanation e = { .how = LK_IMA_OWN_HASH };

	lk_pcr_replay_init(&e.pcrs, values->sel.bank);
	LK_TRY(lk_event_log_replay(logs->firmware, &e.pcrs, hash, err));
	LK_TRY(try_phases(values, &e, hash, err));
	if (logs->ima.data)
		LK_TRY(replay_either(logs->ima, values, &e, hash, err));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		e.what[i] = judge(values, &e, i);
	*ret = e;
	return LK_OK;
}

uint32_t lk_explanation_contradicted(const struct lk_explanation *e)
{
	uint32_t mask = 0;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (e->what[i] == LK_UNEXPLAINED)
			mask |= 1u << i;
	return mask;
}
