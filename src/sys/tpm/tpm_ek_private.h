/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making the endorsement key, for who attests and who provisions. */
#ifndef LK_SYS_TPM_TPM_EK_PRIVATE_H
#define LK_SYS_TPM_TPM_EK_PRIVATE_H

#include "sys/tpm/tpm_ek.h"
#include "sys/tpm/tpm_private.h"

/** What authorizes the endorsement hierarchy: a session, or ESYS_TR_PASSWORD. */
struct lk_ek_making {
	struct lk_tpm *tpm;
	const struct lk_ek_kind *kind;
	ESYS_TR session;
};
/**
 * lk_ek_make - the key, transient
 * @area, @ret_len: its TPMT_PUBLIC
 */
int lk_ek_make(const struct lk_ek_making *making, struct lk_tpm_handle *ret,
	       uint8_t area[static LK_EK_AREA_MAX], size_t *ret_len, struct lk_err *err);

#endif
