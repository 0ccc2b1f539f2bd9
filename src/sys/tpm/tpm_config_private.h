/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the files of the configuration's TPM adapter share: one object, and the session that it is used in. */
#ifndef LK_SYS_TPM_TPM_CONFIG_PRIVATE_H
#define LK_SYS_TPM_TPM_CONFIG_PRIVATE_H

#include "sys/tpm/tpm_config.h"
#include "sys/tpm/tpm_private.h"

/**
 * An object and an HMAC session salted with the storage root key. What the TPM
 * says of the object's public area is proven by the first command of the
 * session, which is authorized over the object's Name.
 */
struct lk_config_use {
	struct lk_tpm *tpm;
	ESYS_CONTEXT *esys;
	ESYS_TR root;
	ESYS_TR object;
	uint32_t handle;
	struct lk_tpm_handle session;
	bool shared; /* root and session are the connection's */
};
void lk_config_end(struct lk_config_use *u);
#define LK_OWNED_CONFIG_USE __attribute__((cleanup(lk_config_end))) struct lk_config_use
#define LK_CONFIG_USE_NONE(t)                                                                      \
	((struct lk_config_use){ (t), NULL, ESYS_TR_NONE, ESYS_TR_NONE, 0, LK_TPM_HANDLE_NONE(t),  \
				 false })

/** @what: the object in words, for who has to put it there */
int lk_config_begin(struct lk_tpm *tpm, uint32_t handle, const char *what,
		    struct lk_config_use *ret, struct lk_err *err);

/**
 * lk_config_arm - what the session does in the next command
 * @want: TPMA_SESSION_DECRYPT for the command's first parameter,
 *	TPMA_SESSION_ENCRYPT for the response's, where they have one that can be
 *	encrypted; TPMA_SESSION_CONTINUESESSION, else that command ends it
 */
int lk_config_arm(struct lk_config_use *u, TPMA_SESSION want, struct lk_err *err);
/** After a command that ended the session. */
void lk_config_disarm(struct lk_config_use *u);

/** The public area as ESAPI has read it: no further command. */
int lk_config_public(const struct lk_config_use *u, TPM2B_PUBLIC *ret, struct lk_err *err);
int lk_config_nv_public(const struct lk_config_use *u, TPM2B_NV_PUBLIC *ret, struct lk_err *err);

/** lk_tpm_error, where a refused empty authorization is LK_E_OBJECT. */
int lk_config_error(const struct lk_config_use *u, TSS2_RC trc, const char *step,
		    struct lk_err *err);

#endif
