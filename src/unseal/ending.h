/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns how a run ends: a machine whose volume stays closed halts or reboots, as its policy file says. */
#ifndef LK_UNSEAL_ENDING_H
#define LK_UNSEAL_ENDING_H

#include "unseal/unseal.h"

/** Seconds for each question of a prompt, 0 for no limit: the kernel command line's, or
 * the policy file's. */
unsigned int lk_ending_prompt_seconds(const struct lk_policy_file *pf);

/**
 * lk_ending_act - halts or reboots where one of the closed volumes wants it
 *
 * To be called last. A halt goes before a reboot. A reboot is counted (reboots.h), and
 * where it can't be, or there were too many, it is a halt.
 */
void lk_ending_act(const struct lk_policy_file *pf, const struct lk_target *targets, size_t n);

/** Everything is open: the reboots of before count no more. */
void lk_ending_opened(const struct lk_policy_file *pf);

#endif
