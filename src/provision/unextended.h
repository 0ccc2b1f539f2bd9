/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what provisioning makes of PCRs that nobody has extended: --unextended, and the words where it lacks. */
#ifndef LK_PROVISION_UNEXTENDED_H
#define LK_PROVISION_UNEXTENDED_H

#include "core/policy/policy_file.h"
#include "core/policy/signed_policy.h"
#include "options.h"
#include "sys/tpm/tpm.h"

/** PCRs that --unextended names; 0 where it isn't given. */
int lk_unextended_option(const struct lk_options *opts, uint32_t *ret, struct lk_err *err);

/**
 * lk_unextended_admit - may these values open a volume of @pf?
 * @consent: beside --unextended
 *
 * Return: LK_OK; LK_E_REFUSED for a PCR that nobody has extended, where neither
 * names it; LK_E_USAGE where --unextended names one that it can't be of.
 */
int lk_unextended_admit(const struct lk_options *opts, const struct lk_policy_file *pf,
			const struct lk_pcr_values *values, uint32_t consent, struct lk_err *err);

/**
 * lk_unextended_survey - are the TPM's PCRs worth being sealed to?
 *
 * With --policy those of that file have to be extended, as lk_unextended_admit
 * has it. Without, a warning tells of those that a policy file has by default. And
 * it is said whether machines can share signed policies over them.
 */
int lk_unextended_survey(struct lk_tpm *tpm, const struct lk_options *opts, struct lk_err *err);

#endif
