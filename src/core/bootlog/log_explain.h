/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whether the firmware's and the kernel's log account for what a TPM's PCRs hold. */
#ifndef LK_CORE_BOOTLOG_LOG_EXPLAIN_H
#define LK_CORE_BOOTLOG_LOG_EXPLAIN_H

#include "core/bootlog/event_log.h"
#include "core/bootlog/ima_log.h"

/** Both logs of one boot. */
struct lk_logs {
	struct lk_bytes firmware; /* data NULL: not at hand */
	struct lk_bytes ima;	  /* data NULL: not at hand */
};

enum lk_explained {
	LK_EXPLAINED,
	LK_EXPLAINED_UNTOUCHED, /* no event, and the value of a reset */
	/* All events, and then systemd's boot phases (systemd-pcrphase(8)). */
	LK_EXPLAINED_WITH_PHASES,
	/* The log's beginning gives the value: the rest came after it was read. */
	LK_EXPLAINED_BY_BEGINNING,
	LK_UNEXPLAINED_NO_EVENT, /* extended by what writes no log that is here */
	LK_UNEXPLAINED,
	LK_UNEXPLAINED_NO_VALUE, /* the TPM's value isn't known */
	/* The digests give the value, and data of theirs aren't what they are of. */
	LK_UNEXPLAINED_ALTERED,
	/* Another value, and events of this PCR have no digest of this bank. */
	LK_UNEXPLAINED_INCOMPLETE,
};

enum lk_aggregate {
	LK_AGGREGATE_NONE, /* no IMA log, or none in it */
	LK_AGGREGATE_RIGHT,
	LK_AGGREGATE_RIGHT_OLD, /* over PCRs 0 to 7: before Linux 5.8 */
	LK_AGGREGATE_WRONG,
	LK_AGGREGATE_OTHER_BANK,
};

struct lk_explanation {
	struct lk_pcr_replay pcrs; /* at the ends of the logs */
	enum lk_explained what[LK_PCR_COUNT];
	uint32_t ima_pcrs; /* that the IMA log extends */
	enum lk_ima_extend how;
	unsigned int n_entries; /* of the IMA log */
	unsigned int beginning; /* entries that give its PCR's value */
	unsigned int phases;	/* of systemd, after the log */
	enum lk_aggregate aggregate;
	/* Of each PCR the first event whose data are altered (LK_VOUCHED_ALTERED in
	 * this bank), of the firmware's log or of IMA's; 0: none. */
	unsigned int altered[LK_PCR_COUNT];
	unsigned int altered_entry[LK_PCR_COUNT];
	/* Events without a digest of this bank: how many of each PCR, and the first. */
	unsigned int missing[LK_PCR_COUNT];
	unsigned int first_missing;
};

/** "enter-initrd"; NULL past the last. */
const char *lk_boot_phase(unsigned int i);

/**
 * lk_log_explain - replay, and compare
 * @values: of the bank wanted; PCRs that it lacks are LK_UNEXPLAINED_NO_VALUE
 *
 * Return: LK_OK whatever the result is; LK_E_INPUT for a malformed log or one
 * without this bank, LK_E_SYSTEM.
 */
int lk_log_explain(const struct lk_logs *logs, const struct lk_pcr_values *values, lk_hash_fn hash,
		   struct lk_explanation *ret, struct lk_err *err);

/**
 * lk_log_explain_partly - the same of logs as far as they can be read
 *
 * Of the format before TPM 2.0 too, and of a log that ends in the middle of an
 * event or has events without this bank's digest: what can be replayed is. The
 * caller says where a log ends. (lk_log_explain refuses such logs.)
 *
 * Return: LK_OK or LK_E_SYSTEM.
 */
int lk_log_explain_partly(const struct lk_logs *logs, const struct lk_pcr_values *values,
			  lk_hash_fn hash, struct lk_explanation *ret, struct lk_err *err);

/** PCRs that a log has events of, and whose value it doesn't give, or gives with altered data. */
uint32_t lk_explanation_contradicted(const struct lk_explanation *e);

#endif
