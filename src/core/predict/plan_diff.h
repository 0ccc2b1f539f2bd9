/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns why two machines that boot the same image will have another value in a PCR. */
#ifndef LK_CORE_PREDICT_PLAN_DIFF_H
#define LK_CORE_PREDICT_PLAN_DIFF_H

#include "core/base/text_out.h"
#include "core/predict/log_plan.h"

/** The first event of a PCR in which one boot to come isn't as the other. */
struct lk_plan_diff {
	unsigned int event;	 /* its number in the first log; 0: none, or missing there */
	bool found;		 /* an event tells it */
	struct lk_text_out text; /* "another partition table ..."; fit for a terminal */
};

/**
 * lk_plan_diff_find - of what the first will measure and the other won't, or otherwise
 * @bank: whose digests count
 *
 * Both plans are made; their logs are whole. Return: LK_OK, LK_E_INPUT or LK_E_SYSTEM.
 */
int lk_plan_diff_find(struct lk_log_plan *plan, struct lk_log_plan *other, unsigned int pcr,
		      enum lk_alg bank, struct lk_plan_diff *ret, struct lk_err *err);

/** The same of two of the kernel's logs: the first entry that differs. */
int lk_ima_diff_find(struct lk_bytes log, struct lk_bytes other, lk_hash_fn hash,
		     struct lk_plan_diff *ret, struct lk_err *err);

#endif
