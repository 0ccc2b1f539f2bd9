/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns unified kernel images: what systemd-stub measures of one, and what it hands to the kernel, which measures that. */
#ifndef LK_CORE_PREDICT_UKI_H
#define LK_CORE_PREDICT_UKI_H

#include "core/predict/pe.h"

#define LK_UKI_SECTIONS_MAX 12u
#define LK_UKI_CMDLINE_MAX  4096u /* characters, as the kernel's own bound is */

struct lk_uki {
	struct lk_pe pe;
	unsigned int stub; /* version of systemd-stub */
	/* Contents of the sections that are measured, in that order. */
	size_t n_sections;
	const char *names[LK_UKI_SECTIONS_MAX];
	struct lk_bytes contents[LK_UKI_SECTIONS_MAX];
};

/**
 * lk_uki_read - an image whose stub's ways are known
 *
 * Return: LK_OK; LK_E_INPUT when it is none; LK_E_REFUSED for a stub of another
 * version than 252 and 257, for several profiles, and for device trees that
 * the stub chooses from.
 */
int lk_uki_read(struct lk_bytes file, struct lk_uki *ret, struct lk_err *err);

/** Bytes of a section; len 0 when it isn't there or isn't measured. */
struct lk_bytes lk_uki_section(const struct lk_uki *uki, const char *name);

/** Names of sections that a stub measures, one after the other; NULL past the last. */
const char *lk_uki_section_name(size_t i);

/** The command line as the kernel gets it: UTF-16, with its NUL. */
struct lk_load_options {
	uint8_t data[2 * (LK_UKI_CMDLINE_MAX + 1)];
	size_t len;
};
/** LK_E_REFUSED for text that isn't ASCII or is too long. */
int lk_load_options_make(struct lk_bytes text, struct lk_load_options *ret, struct lk_err *err);
/** Of .cmdline, as the stub tidies it. */
int lk_uki_load_options(const struct lk_uki *uki, struct lk_load_options *ret, struct lk_err *err);

/** What the kernel gets as its initrd: .initrd, and archives by the stub. */
bool lk_uki_initrd_digest(const struct lk_uki *uki, enum lk_alg alg, lk_hash_fn hash,
			  struct lk_digest *ret);

#endif
