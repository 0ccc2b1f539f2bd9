/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns words for what a plan changes: those that an unlock has for it afterwards. */
#ifndef LK_CORE_PREDICT_LOG_PLAN_TEXT_H
#define LK_CORE_PREDICT_LOG_PLAN_TEXT_H

#include "core/predict/log_plan.h"
#include "core/base/text_out.h"

/** What becomes of an event. */
struct lk_plan_words {
	uint32_t pcr;
	struct lk_text_out text; /* "another boot image, sha256 ..." */
};

/**
 * lk_plan_change_text - one change
 *
 * Return: false for one that leaves its PCR as it is, and for the second and
 * later ones of a unified kernel image's sections.
 */
bool lk_plan_change_text(const struct lk_log_plan *plan, size_t change, enum lk_alg bank,
			 struct lk_plan_words *ret);

/** PCR 10 because of those: "boot_aggregate is another: it follows from ..." */
void lk_plan_follows_text(uint32_t pcrs, struct lk_text_out *ret);

#endif
