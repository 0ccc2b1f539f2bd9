/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whether the firmware's and the kernel's log account for what a TPM's PCRs hold. */
#ifndef LK_CORE_BOOTLOG_LOG_EXPLAIN_H
#define LK_CORE_BOOTLOG_LOG_EXPLAIN_H

#include "core/bootlog/event_log.h"
#include "core/bootlog/ima_log.h"

/** Both logs of one boot. */
struct lk_logs {
	struct lk_bytes firmware;
	struct lk_bytes ima; /* data NULL: not at hand */
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

/** PCRs that a log has events of, and whose value it doesn't give. */
uint32_t lk_explanation_contradicted(const struct lk_explanation *e);

#endif
