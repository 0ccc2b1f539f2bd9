/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns PCR selections, PCR values and what each PCR stands for. */
#ifndef LK_CORE_POLICY_PCR_H
#define LK_CORE_POLICY_PCR_H

#include "core/base/alg.h"
#include "core/base/rc.h"

#define LK_PCR_COUNT 24u

/* By what is measured into them (TCG PC Client Platform Firmware Profile; shim,
 * GRUB, Linux, systemd-stub). */
#define LK_PCR_BOOT	     4u
#define LK_PCR_LOADER	     5u
#define LK_PCR_SECURE_BOOT   7u
#define LK_PCR_COMMANDS	     8u
#define LK_PCR_FILES	     9u
#define LK_PCR_IMA	     10u
#define LK_PCR_KERNEL_IMAGE  11u
#define LK_PCR_KERNEL_CONFIG 12u
#define LK_PCR_EXTENSIONS    13u
#define LK_PCR_SHIM	     14u

/** PCRs of one bank; bit N of the mask is PCR N. */
struct lk_pcr_selection {
	enum lk_alg bank;
	uint32_t mask;
};

/** Values of the PCRs in sel.mask; the others are undefined. */
struct lk_pcr_values {
	struct lk_pcr_selection sel;
	uint8_t value[LK_PCR_COUNT][LK_DIGEST_MAX];
};

/** What a PCR stands for, in words that a person can act on. Never NULL. */
const char *lk_pcr_meaning(unsigned int pcr);

/**
 * Those of @mask that hold what is one machine's own, though it boots the same image: boot
 * options and firmware settings (1), the boot disk's GPT (5), and by boot_aggregate both (10).
 */
uint32_t lk_pcrs_of_one_machine(uint32_t mask);
/**
 * Those of @mask that somebody extends in every boot that counts on them, or they prove
 * nothing: firmware 0 to 7, IMA 10 (boot_aggregate), systemd-stub 11, a dynamic launch 17 to 22.
 */
uint32_t lk_pcrs_of_every_boot(uint32_t mask);
/** What a fleet of one model and firmware can share, as a list: firmware, image, Secure Boot. */
#define LK_PCRS_OF_A_FLEET "0,4,7,11"
/** Whether machines can share policies over @mask (without the latch), in one clause. */
#define LK_PCR_SHARED_TEXT 160u
void lk_pcr_shared_text(uint32_t mask, char out[static LK_PCR_SHARED_TEXT]);

/** "0,7,10": decimal, each below 24, no repeats, at least one. */
int lk_pcr_mask_parse(const char *text, uint32_t *ret_mask, struct lk_err *err);
/** Writes "0,7,10" into @out; at most 62 characters and a NUL. */
#define LK_PCR_MASK_TEXT 64u
void lk_pcr_mask_format(uint32_t mask, char out[static LK_PCR_MASK_TEXT]);

/** TPML_PCR_SELECTION of one bank (Part 2, 10.9.7): 10 bytes. */
void lk_pcr_selection_marshal(const struct lk_pcr_selection *sel, struct lk_writer *w);

/** PCRs of @sel whose values differ; a PCR missing in either differs. */
uint32_t lk_pcr_differing(const struct lk_pcr_values *a, const struct lk_pcr_values *b,
			  uint32_t mask);

#endif
