/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the word about PCRs that prove nothing, since nobody has measured into them. */
#include "core/policy/unextended.h"
#include "sys/os/log.h"
#include "unseal/unseal.h"

/* The TPM has compared the signed values with its own: they are as good as read. */
static const struct lk_pcr_values *known_values(const struct lk_target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (targets[i].used)
			return &targets[i].used->pcrs;
		if (targets[i].seen.sel.mask)
			return &targets[i].seen;
	}
	return NULL;
}

void lk_unextended_say(const struct lk_policy_file *pf, const struct lk_target *targets, size_t n)
{
	const struct lk_pcr_values *values = known_values(targets, n);
	uint32_t latch = pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;
	char pcrs[LK_PCR_MASK_TEXT];
	uint32_t mask;

	if (!values)
		return;
	mask = lk_pcrs_unextended(values, lk_pcrs_of_every_boot(pf->pcrs.mask & ~latch));
	if (!mask)
		return;
	lk_pcr_mask_format(mask, pcrs);
	lk_log(LK_LOG_WARNING,
	       "PCR %s of bank %s: nobody has extended it in this boot, so it says nothing about what was booted%s%s",
	       pcrs, lk_alg_name(values->sel.bank),
	       mask & 1u << LK_PCR_IMA
		       ? "; in PCR 10 that is a kernel without IMA, or one whose TPM driver is a module: see latchkey-initramfs(7)"
		       : "",
	       mask & 1u << LK_PCR_KERNEL_IMAGE
		       ? "; in PCR 11 that is a boot without a unified kernel image"
		       : "");
}
