/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the question whether a kept configuration is still what was signed and agreed. */
#ifndef LK_USERCONFIG_VERIFY_H
#define LK_USERCONFIG_VERIFY_H

#include "agreement.h"

struct lk_verification {
	bool all;	    /* go on after a difference, and log each */
	bool with_volatile; /* those in memory, too */
	unsigned int wrong; /* differences that were found */
};

/**
 * lk_verify - compare a generation with its signed blob and its record
 * @v: how; without "all" the first difference is the error
 * @ret_key: for records that are written after; or NULL
 *
 * The blob: signature, target, and a sequence that isn't above the floor. The
 * record: that this device made it for this very blob. Each file: content,
 * size, mode and owner; none is missing, and none is there that neither the
 * blob brought nor was kept from before. Nothing is changed.
 *
 * Return: LK_OK; LK_E_POLICY for a difference; what lk_admit_stored returns.
 */
int lk_verify(const struct lk_uc *uc, uint64_t sequence, struct lk_verification *v,
	      struct lk_agreement_key *ret_key, struct lk_err *err);

#endif
