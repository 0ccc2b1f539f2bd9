/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whether a signed policy that is deployed covers a boot that hasn't happened. */
#ifndef LK_CORE_PREDICT_COVERAGE_H
#define LK_CORE_PREDICT_COVERAGE_H

#include "core/predict/log_predict.h"
#include "core/policy/signed_policy.h"

enum lk_answer { LK_ANSWER_YES, LK_ANSWER_NO, LK_ANSWER_UNKNOWN };
/** "yes", "no", "unknown" */
const char *lk_answer_name(enum lk_answer answer);
/** Of several that all have to be yes: no before unknown before yes. */
enum lk_answer lk_answer_both(enum lk_answer a, enum lk_answer b);

/** A signed policy whose digest and signature were checked. */
struct lk_deployed {
	const struct lk_signed_policy *policy;
	bool under_floor; /* the TPM refuses it */
};
#define LK_DEPLOYED_MAX 256u

struct lk_coverage_input {
	/** With the plan; each and data are this module's. */
	struct lk_prediction_input predict;
	struct lk_pcr_selection pcrs; /* of the policy file, without its latch */
	const struct lk_deployed *deployed;
	size_t n; /* at most LK_DEPLOYED_MAX */
	/** The policy that opened the volume in this boot; NULL: none did. */
	const struct lk_digest *booted;
};

struct lk_coverage {
	enum lk_answer answer;
	/** The one that covers it, or that differs in the fewest PCRs; NULL: none. */
	const struct lk_deployed *policy;
	uint32_t differing;   /* PCRs of that policy; 0: it fits but for the floor */
	uint32_t changed;     /* PCRs of the selection's bank that change */
	bool follows;	      /* PCR 10 is another because of PCRs 0 to 9 */
	bool at_known_moment; /* how much IMA had measured when it was opened */
	unsigned int entries; /* of its log, then */
	/** The values to come, with as much of IMA's log as there is to be; a mask
	 * of 0: not known. PCR 11 as it is before boot phases. */
	struct lk_pcr_values then;
	struct lk_err why; /* of LK_ANSWER_UNKNOWN */
};

/** @then is what will be, and not only if IMA measures what it did. */
static inline bool lk_coverage_is_certain(const struct lk_coverage *c)
{
	return c->then.sel.mask && c->why.rc != LK_E_REFUSED;
}

/**
 * lk_coverage_find - predict, and look for a policy with these values
 *
 * What IMA measures before the volume is opened is told by the policy that
 * opened it in this boot; where there is none, a policy that fits at any point
 * of IMA's log covers. What systemd measures of boot phases (PCR 11) is as the
 * policy has it, if that can be.
 *
 * Return: LK_OK, whatever the answer; LK_E_INPUT for a malformed log and
 * LK_E_POLICY where it doesn't explain the values, LK_E_SYSTEM.
 */
int lk_coverage_find(const struct lk_coverage_input *in, struct lk_coverage *ret,
		     struct lk_err *err);

#endif
