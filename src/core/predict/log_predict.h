/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the PCRs of a boot that hasn't happened: the log replayed with what a change makes of it. */
#ifndef LK_CORE_PREDICT_LOG_PREDICT_H
#define LK_CORE_PREDICT_LOG_PREDICT_H

#include "core/bootlog/log_explain.h"
#include "core/predict/log_plan.h"

/** What firmware measures of itself alone: 0 to 3, and 6. */
#define LK_FIRMWARE_PCRS 0x4fu

/** SHA-1 of parts, for kernels that extend it into other banks. */
typedef bool (*lk_sha1_fn)(const struct lk_bytes *parts, size_t n_parts,
			   uint8_t ret[static LK_IMA_SHA1_SIZE]);

struct lk_prediction_input {
	struct lk_logs logs;
	const struct lk_log_plan *plan;
	struct lk_bytes new_firmware;			   /* data NULL: the firmware stays */
	const struct lk_pcr_values *values[LK_PLAN_BANKS]; /* now */
	bool ima_unchanged;	  /* all of its log but boot_aggregate stays */
	unsigned int ima_entries; /* of its log, at most; 0: all of it */
	/** Told the values after each entry of the kernel's log, for each bank;
	 * once, with 0, where there is none. May be NULL. */
	void (*each)(void *data, const struct lk_pcr_values *then, unsigned int entries);
	void *data;
	lk_hash_fn hash;
	lk_sha1_fn sha1;
};

/**
 * lk_log_predict - both banks' PCRs, as far as these can be known
 * @ret: a mask of 0 for a bank without values now; PCRs that something else
 *       extends than these logs know are left out
 *
 * PCR 11 is as it is before systemd measures its phases.
 *
 * Return: LK_OK; LK_E_POLICY when the logs don't explain the values, LK_E_REFUSED
 * when PCR 10 can't be told, LK_E_INPUT, LK_E_SYSTEM.
 */
int lk_log_predict(const struct lk_prediction_input *in,
		   struct lk_pcr_values ret[static LK_PLAN_BANKS], struct lk_err *err);

#endif
