/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the files of the provisioning TPM adapter share: one session for one command. */
#ifndef LK_SYS_TPM_TPM_ADMIN_PRIVATE_H
#define LK_SYS_TPM_TPM_ADMIN_PRIVATE_H

#include "sys/tpm/tpm_admin.h"
#include "sys/tpm/tpm_private.h"

/** The TCG's default storage root key, ECC (TPM v2.0 Provisioning Guidance, 7.5.1). */
extern const TPM2B_PUBLIC lk_admin_srk_template;

/** An HMAC session salted with the storage root key, and that key. */
struct lk_admin {
	struct lk_tpm *tpm;
	ESYS_CONTEXT *esys;
	ESYS_TR srk; /* ESYS_TR_NONE: there is none, and nothing can be made under it */
	struct lk_tpm_handle stand_in; /* in its place, for the session alone */
	struct lk_tpm_handle session;
};
void lk_admin_end(struct lk_admin *a);
#define LK_OWNED_ADMIN __attribute__((cleanup(lk_admin_end))) struct lk_admin
#define LK_ADMIN_NONE(t)                                                                           \
	((struct lk_admin){ (t), NULL, ESYS_TR_NONE, LK_TPM_HANDLE_NONE(t), LK_TPM_HANDLE_NONE(t) })

/**
 * lk_admin_begin - open the session for one command
 * @encrypt: TPMA_SESSION_DECRYPT for the command's first parameter,
 *	TPMA_SESSION_ENCRYPT for the response's; a command that has none of
 *	that shape refuses the attribute, so the caller says
 */
int lk_admin_begin(struct lk_tpm *tpm, TPMA_SESSION encrypt, struct lk_admin *ret,
		   struct lk_err *err);

/**
 * lk_admin_try_entity - authorize @entity over the session, and do nothing with it
 *
 * By TPM2_PolicySecret in a trial session. Where the entity is subject to
 * dictionary-attack protection a wrong authorization counts.
 */
TSS2_RC lk_admin_try_entity(struct lk_admin *a, ESYS_TR entity);
bool lk_admin_is_auth_refusal(TSS2_RC trc);

/** The ESYS handle of a persistent object or NV index; LK_E_OBJECT if absent.
 */
int lk_admin_handle(struct lk_tpm *tpm, uint32_t handle, ESYS_TR *ret, struct lk_err *err);

/** Whether the TPM has @handle, by TPM2_GetCapability: no error is provoked. */
int lk_admin_handle_exists(struct lk_tpm *tpm, uint32_t handle, bool *ret, struct lk_err *err);

#endif
