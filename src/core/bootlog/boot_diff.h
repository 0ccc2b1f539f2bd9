/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which event makes a PCR another than a signed policy has it. */
#ifndef LK_CORE_BOOTLOG_BOOT_DIFF_H
#define LK_CORE_BOOTLOG_BOOT_DIFF_H

#include "core/bootlog/boot_reference.h"

/** What can be told of a PCR whose value isn't the signed one. */
enum lk_told {
	LK_TOLD_EVENT,
	LK_TOLD_AGGREGATE,   /* follows from PCRs 0 to 9 */
	LK_TOLD_BELOW,	     /* follows from one of these that isn't signed by itself */
	LK_TOLD_BESIDE,	     /* the log is as signed: extended without a log */
	LK_TOLD_UNEXPLAINED, /* the logs don't give the value */
	LK_TOLD_SAME,	     /* its events are those of the last good boot */
	LK_TOLD_OTHER_BOOT,  /* what is remembered is another policy's boot */
	LK_TOLD_NOTHING,     /* nothing is remembered of this PCR */
};

struct lk_boot_diff {
	unsigned int pcr;
	enum lk_told told;
	/* By the signed values alone: no boot of this policy is remembered. */
	bool by_value;
	/* Of LK_TOLD_EVENT. */
	enum lk_change change;
	uint8_t kind;
	size_t n;	     /* new or missing in a row */
	unsigned int before; /* signatures, of one that changed */
	unsigned int event;  /* its number in its log; 0: missing */
	bool ima;
	/* Of LK_TOLD_AGGREGATE; by value: at least these. Of LK_TOLD_BELOW: one of these, or
	 * what IMA has measured besides, where n is more than 1. */
	uint32_t follows;
};

/** One comparison. Large: on the heap. */
struct lk_boot_diff_input {
	struct lk_boot_view view; /* explained by the TPM's values */
	struct lk_boot_reference reference;
	bool remembered;	     /* there is one */
	unsigned int hashes;	     /* left for trying what the log would give */
	struct lk_pcr_events events; /* scratch */
};
/** Hashes that all comparisons of a run may cost; some 0.2 s. */
#define LK_BOOT_DIFF_HASHES 100000u

/**
 * lk_boot_diff_find - why a PCR isn't as signed
 * @signed_values: of the signed policy
 * @pcr: one of these that differs; the logs are whole and well-formed
 *
 * Return: LK_OK, whatever can be told; LK_E_INPUT or LK_E_SYSTEM.
 */
int lk_boot_diff_find(struct lk_boot_diff_input *in, const struct lk_pcr_values *signed_values,
		      unsigned int pcr, struct lk_boot_diff *ret, struct lk_err *err);

/** The same of a PCR that boot_aggregate follows from, policy's or not. */
int lk_boot_diff_below(struct lk_boot_diff_input *in, unsigned int pcr, struct lk_boot_diff *ret,
		       struct lk_err *err);

/** In words, without the PCR: "another boot image, sha256 ...". */
void lk_boot_diff_text(const struct lk_boot_view *view, const struct lk_boot_diff *diff,
		       struct lk_text_out *ret);

#endif
