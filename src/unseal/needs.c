/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the words of what a policy file wants of the boot image that it is put into. */
#include <stdio.h>

#include "core/policy/policy_file_refused.h"
#include "unseal/unseal.h"

void lk_unseal_print_needs(const struct lk_policy_file *pf)
{
	bool integrity = false, pin = false, prompt = false, reboot = false;

	for (size_t i = 0; i < pf->n_volumes; i++) {
		const struct lk_volume *vol = &pf->volumes[i];

		integrity = integrity || vol->format.integrity != LK_INTEGRITY_NONE;
		pin = pin || vol->pin;
		prompt = prompt || vol->on_failure == LK_ON_FAILURE_PROMPT;
		reboot = reboot || lk_policy_file_ending(pf, vol) == LK_ON_FAILURE_REBOOT;
	}
	if (integrity)
		(void)puts("integrity");
	if (pf->pcrs.mask & 1u << LK_PCR_IMA)
		(void)puts("ima");
	if (pin)
		(void)puts("pin");
	if (prompt)
		(void)puts("prompt");
	if (reboot)
		(void)puts("reboot");
	if (pf->n_signed_from)
		(void)puts("signed-from");
}
