/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which PCR values say that nobody has measured anything, and who may sign such a one. */
#ifndef LK_CORE_POLICY_UNEXTENDED_H
#define LK_CORE_POLICY_UNEXTENDED_H

#include "core/policy/pcr.h"

/**
 * lk_pcrs_unextended - PCRs of @mask that are as a reset leaves them
 *
 * All zeros; in PCR 0 also zeros that end in the locality of TPM2_Startup, 1 to 4;
 * in 17 to 22 also all ones (PC Client Platform TPM Profile 1.05, 4.6.2). PCRs
 * that @values doesn't have are none of them.
 */
uint32_t lk_pcrs_unextended(const struct lk_pcr_values *values, uint32_t mask);

/**
 * lk_unextended_check - may these values be what opens a volume?
 * @mask: the PCRs that are selected, without the latch
 * @consent: those that may be as a reset leaves them
 *
 * Return: LK_OK; LK_E_REFUSED for one of lk_pcrs_of_every_boot() that is so without
 * @consent, and for all ones where no TPM has them.
 */
int lk_unextended_check(const struct lk_pcr_values *values, uint32_t mask, uint32_t consent,
			struct lk_err *err);

/**
 * lk_unextended_consent - is @consent of PCRs that it can be of?
 *
 * Return: LK_OK; LK_E_USAGE where one isn't in @mask, or was extended.
 */
int lk_unextended_consent(const struct lk_pcr_values *values, uint32_t mask, uint32_t consent,
			  struct lk_err *err);

#endif
