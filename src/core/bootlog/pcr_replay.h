/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what PCRs become when digests are extended into them, one after the other. */
#ifndef LK_CORE_BOOTLOG_PCR_REPLAY_H
#define LK_CORE_BOOTLOG_PCR_REPLAY_H

#include "core/base/alg.h"
#include "core/policy/pcr.h"

/** All PCRs of one bank, with those that were extended or reset told apart. */
struct lk_pcr_replay {
	struct lk_pcr_values values; /* sel.mask: all 24 */
	uint32_t extended;
};

/** As after a TPM reset: zeros, and ones in the PCRs of dynamic roots of trust
 * (PC Client Platform TPM Profile 1.05, 4.6.2). */
void lk_pcr_replay_init(struct lk_pcr_replay *r, enum lk_alg bank);

/**
 * lk_pcr_replay_extend - PCR = H(PCR || digest)
 * @pcr: below LK_PCR_COUNT
 * @digest: of the bank's size
 *
 * Return: false when the hash failed; nothing has changed then.
 */
bool lk_pcr_replay_extend(struct lk_pcr_replay *r, unsigned int pcr, struct lk_bytes digest,
			  lk_hash_fn hash);

#endif
