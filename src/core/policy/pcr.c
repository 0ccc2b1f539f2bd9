/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns PCR selections and what each PCR stands for. */
#include "core/policy/pcr.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What is known of each PCR, in one place. */
struct row {
	const char *meaning;
	/* Holds what is one machine's own, though it boots the same image: "WHAT MOVES WHICH PCR"
	 * in latchkey-policy(5), as booted. */
	bool own;
	/* Somebody extends it in each boot that counts on it, or it proves nothing. */
	bool extended;
};

/* TCG PC Client Platform Firmware Profile 1.06, 3.3.4, which has a separator in each of 0 to 7; UAPI
 * group's Linux TPM PCR Registry for 8 to 15; a dynamic launch begins with 17 to 22. */
static const struct row rows[LK_PCR_COUNT] = {
	[0] = { .meaning = "firmware code", .extended = true },
	[1] = { .meaning = "firmware settings", .own = true, .extended = true },
	[2] = { .meaning = "option ROMs and drivers of plug-in cards", .extended = true },
	[3] = { .meaning = "settings of plug-in cards", .extended = true },
	[4] = { .meaning = "boot loader or boot image", .extended = true },
	[5] = { .meaning = "boot loader settings and partition table",
		.own = true,
		.extended = true },
	[6] = { .meaning = "vendor-specific platform state", .extended = true },
	[7] = { .meaning = "Secure Boot state and certificates", .extended = true },
	[8] = { .meaning = "boot loader commands" },
	[9] = { .meaning = "files read by the boot loader, kernel and initrd" },
	/* By boot_aggregate it follows 0 to 9. */
	[10] = { .meaning = "IMA log: the whole boot chain (boot_aggregate) and measured files",
		 .own = true,
		 .extended = true },
	/* Only systemd-stub does: another boot has zeros, and so would any. */
	[11] = { .meaning = "unified kernel image", .extended = true },
	[12] = { .meaning = "kernel command line and credentials" },
	[13] = { .meaning = "system extensions" },
	[14] = { .meaning = "shim's certificates (MOK)" },
	[15] = { .meaning = "the latch: all zeros until it is closed" },
	[16] = { .meaning = "debug" },
	[17] = { .extended = true },
	[18] = { .extended = true },
	[19] = { .extended = true },
	[20] = { .extended = true },
	[21] = { .extended = true },
	[22] = { .extended = true },
	[23] = { .meaning = "application support" },
};

const char *lk_pcr_meaning(unsigned int pcr)
{
	if (pcr < LK_PCR_COUNT && rows[pcr].meaning)
		return rows[pcr].meaning;
	return "no standard use";
}

uint32_t lk_pcrs_of_one_machine(uint32_t mask)
{
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (!rows[i].own)
			mask &= ~(1u << i);
	return mask;
}

uint32_t lk_pcrs_of_every_boot(uint32_t mask)
{
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (!rows[i].extended)
			mask &= ~(1u << i);
	return mask;
}

void lk_pcr_shared_text(uint32_t mask, char out[static LK_PCR_SHARED_TEXT])
{
	uint32_t own = lk_pcrs_of_one_machine(mask);
	char pcrs[LK_PCR_MASK_TEXT];

	lk_pcr_mask_format(own, pcrs);
	if (own)
		(void)snprintf(
			out, LK_PCR_SHARED_TEXT,
			"each machine's own, by PCR %s, unless disks and boot options are alike",
			pcrs);
	else
		(void)snprintf(out, LK_PCR_SHARED_TEXT,
			       "machines of one model and firmware can share them");
}

int lk_pcr_mask_parse(const char *text, uint32_t *ret_mask, struct lk_err *err)
{
	uint32_t mask = 0;
	const char *p = text;

	for (;;) {
		unsigned int pcr = 0;
		unsigned int digits = 0;

		for (; *p >= '0' && *p <= '9' && digits < 3; p++, digits++)
			pcr = pcr * 10 + (unsigned int)(*p - '0');
		if (digits == 0 || pcr >= LK_PCR_COUNT)
			return lk_err_set(
				err, LK_E_INPUT, 0,
				"PCRs \"%.80s\": write numbers from 0 to 23 with commas between, as in 0,7,10",
				text);
		if (mask & 1u << pcr)
			return lk_err_set(err, LK_E_INPUT, 0, "PCRs \"%.80s\": %u is named twice",
					  text, pcr);
		mask |= 1u << pcr;
		if (*p == '\0')
			break;
		if (*p++ != ',')
			return lk_err_set(err, LK_E_INPUT, 0,
					  "PCRs \"%.80s\": only commas between the numbers", text);
	}
	*ret_mask = mask;
	return LK_OK;
}

void lk_pcr_mask_format(uint32_t mask, char out[static LK_PCR_MASK_TEXT])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (mask & 1u << i)
			n += (size_t)snprintf(out + n, LK_PCR_MASK_TEXT - n, "%s%u", n ? "," : "",
					      i);
}

void lk_pcr_selection_marshal(const struct lk_pcr_selection *sel, struct lk_writer *w)
{
	lk_write_be32(w, 1);
	lk_write_be16(w, (uint16_t)sel->bank);
	lk_write_u8(w, 3);
	for (unsigned int i = 0; i < 3; i++)
		lk_write_u8(w, (uint8_t)(sel->mask >> (8 * i)));
}

uint32_t lk_pcr_differing(const struct lk_pcr_values *a, const struct lk_pcr_values *b,
			  uint32_t mask)
{
	size_t size = lk_alg_size(a->sel.bank);
	uint32_t differing = 0;

	if (a->sel.bank != b->sel.bank)
		return mask;
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		uint32_t bit = 1u << i;

		if (!(mask & bit))
			continue;
		if (!(a->sel.mask & b->sel.mask & bit) ||
		    memcmp(a->value[i], b->value[i], size) != 0)
			differing |= bit;
	}
	return differing;
}
