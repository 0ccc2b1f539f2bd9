/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the files of the appraisal share. */
#ifndef LK_CORE_ATTEST_APPRAISING_H
#define LK_CORE_ATTEST_APPRAISING_H

#include "core/attest/appraisal.h"
#include "core/bootlog/boot_diff.h"

/** Under way. On the heap. */
struct lk_appraising {
	const struct lk_appraisal_input *in;
	struct lk_appraisal *ret;
	struct lk_boot_diff_input diff;
	bool have_logs;	   /* @diff has been filled */
	bool ima_replayed; /* the kernel's log gives its PCR */
	/* Policies whose value of the kernel's PCR was a prefix of its log. */
	bool prefix[LK_REFERENCE_POLICIES_MAX];
};

void lk_appraisal_reason(struct lk_appraising *a, enum lk_part part, enum lk_verdict verdict,
			 unsigned int pcr, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/** The kernel's log: replayed to the quote, and the policies' values looked for on the way. */
int lk_appraise_kernel(struct lk_appraising *a, struct lk_err *err);

/** What became of PCRs that boot_aggregate follows from, which the policy itself needn't have. */
int lk_appraise_below(struct lk_appraising *a, uint32_t pcrs, struct lk_err *err);

/** The floors: proven in this boot, and not below what was known before. */
void lk_appraise_floors(struct lk_appraising *a);
/** What is known of a floor: proven in this boot, or else before it; 0: nothing. */
uint64_t lk_appraise_floor(const struct lk_appraising *a, enum lk_floor_kind which);
/** Whether a policy isn't retired. A device that leaves its floor out gains nothing by it. */
bool lk_appraise_above_floor(const struct lk_appraising *a, const struct lk_signed_policy *p);

#endif
