/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns how a run ends: a machine whose volume stays closed halts or reboots, as its policy file says. */
#ifndef LK_UNSEAL_ENDING_H
#define LK_UNSEAL_ENDING_H

#include "unseal/unseal.h"

/** Seconds for each question, a PIN's or a recovery key's; 0 for no limit: the kernel
 * command line's, or the policy file's. */
unsigned int lk_ending_prompt_seconds(const struct lk_policy_file *pf);

/**
 * lk_ending_act - halts or reboots where one of the closed volumes wants it
 *
 * To be called last. A halt goes before a reboot. A reboot is counted (reboots.h), and
 * where it can't be, or there were too many, it is a halt.
 */
void lk_ending_act(const struct lk_policy_file *pf, const struct lk_target *targets, size_t n);

/**
 * lk_ending_opened - the reboots of before count no more
 *
 * So it is where a volume that could have wanted a reboot is open and no closed one wants
 * it. A closed one that wants none, the other slot's root, keeps no count alive: else a good
 * boot of one slot would leave the next update fewer reboots.
 */
void lk_ending_opened(const struct lk_policy_file *pf, const struct lk_target *targets, size_t n);

/**
 * lk_ending_crashed - ends the boot after a run that has died, or left the latch open
 *
 * Which volumes are open isn't known, and the TPM may be open: so every volume of the policy
 * file counts as closed, and the boot never goes on. It halts where none wants a reboot, where
 * that can't be counted, and where @policy can't be read.
 *
 * Return: only where the machine did neither, which the caller has to see to.
 */
void lk_ending_crashed(const char *policy);

#endif
