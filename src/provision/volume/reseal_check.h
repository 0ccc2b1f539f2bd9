/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what reseal refuses before it changes anything. */
#ifndef LK_PROVISION_VOLUME_RESEAL_CHECK_H
#define LK_PROVISION_VOLUME_RESEAL_CHECK_H

#include "common.h"

/**
 * lk_reseal_check - may @target be sealed anew for its policy file?
 * @replace_object: what is at the handle may be lost
 *
 * Return: LK_OK; LK_E_REFUSED where signed policies of another selection have the
 * same key and policyRef and aren't under the floor, or where the handle is of an
 * object that @h has no token for, or the TPM has no room.
 */
int lk_reseal_check(struct lk_tpm *tpm, struct lk_volume_header *h, const struct lk_target *target,
		    bool replace_object, struct lk_err *err);

#endif
