/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns telling PCRs that nobody has extended from those that were. */
#include "core/policy/unextended.h"

#define LOCALITY_MAX  4u
#define FIRST_DYNAMIC 17u
#define LAST_DYNAMIC  22u

static bool is_filled(const uint8_t *value, size_t size, uint8_t with)
{
	for (size_t i = 0; i < size; i++)
		if (value[i] != with)
			return false;
	return true;
}

static bool is_dynamic(unsigned int pcr)
{
	return pcr >= FIRST_DYNAMIC && pcr <= LAST_DYNAMIC;
}

static bool is_unextended(const struct lk_pcr_values *values, unsigned int pcr)
{
	const uint8_t *value = values->value[pcr];
	size_t size = lk_alg_size(values->sel.bank);

	if (is_dynamic(pcr) && is_filled(value, size, 0xff))
		return true;
	if (pcr == 0)
		return is_filled(value, size - 1, 0) && value[size - 1] <= LOCALITY_MAX;
	return is_filled(value, size, 0);
}

uint32_t lk_pcrs_unextended(const struct lk_pcr_values *values, uint32_t mask)
{
	uint32_t found = 0;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (values->sel.mask & mask & 1u << i && is_unextended(values, i))
			found |= 1u << i;
	return found;
}

/* What a TPM's PCRs never hold: no reset gives it, and no hash. */
static uint32_t find_impossible(const struct lk_pcr_values *values, uint32_t mask)
{
	size_t size = lk_alg_size(values->sel.bank);
	uint32_t found = 0;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (values->sel.mask & mask & 1u << i && !is_dynamic(i) &&
		    is_filled(values->value[i], size, 0xff))
			found |= 1u << i;
	return found;
}

int lk_unextended_check(const struct lk_pcr_values *values, uint32_t mask, uint32_t consent,
			struct lk_err *err)
{
	uint32_t without = lk_pcrs_unextended(values, lk_pcrs_of_every_boot(mask)) & ~consent;
	uint32_t impossible = find_impossible(values, mask);
	char pcrs[LK_PCR_MASK_TEXT];

	if (impossible) {
		lk_pcr_mask_format(impossible, pcrs);
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"PCR %s of bank %s: all ones, which a TPM's PCR never holds there", pcrs,
			lk_alg_name(values->sel.bank));
	}
	if (!without)
		return LK_OK;
	lk_pcr_mask_format(without, pcrs);
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"PCR %s of bank %s: nobody has extended it, so any boot that doesn't extend it either would open the volume (does the firmware, or IMA for PCR 10 and systemd-stub for PCR 11, measure into this bank at all?); --unextended %s says that this is meant",
		pcrs, lk_alg_name(values->sel.bank), pcrs);
}

int lk_unextended_consent(const struct lk_pcr_values *values, uint32_t mask, uint32_t consent,
			  struct lk_err *err)
{
	uint32_t extended = consent & mask & ~lk_pcrs_unextended(values, mask);
	char pcrs[LK_PCR_MASK_TEXT];

	if (consent & ~mask) {
		lk_pcr_mask_format(consent & ~mask, pcrs);
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--unextended: PCR %s isn't one that the policy file selects",
				  pcrs);
	}
	if (!extended)
		return LK_OK;
	lk_pcr_mask_format(extended, pcrs);
	return lk_err_set(
		err, LK_E_USAGE, 0,
		"--unextended: PCR %s of bank %s was extended (or isn't among the values), and needs no consent",
		pcrs, lk_alg_name(values->sel.bank));
}
