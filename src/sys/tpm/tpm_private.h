/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the TPM adapter's own files share: the ESAPI context, sessions, error mapping. */
#ifndef LK_SYS_TPM_TPM_PRIVATE_H
#define LK_SYS_TPM_TPM_PRIVATE_H

#include <stdbool.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>

#include "sys/tpm/tpm.h"
#include "sys/tpm/tpm_places.h"

ESYS_CONTEXT *lk_tpm_esys(struct lk_tpm *tpm);

/**
 * lk_tpm_error - an ESAPI result as ours: "<step>: <meaning>"
 *
 * Lockout, PCRs changed, no answer from the device and "no such handle" get
 * their own codes; a full TPM is one that can't be used, LK_E_NO_TPM; anything
 * else is LK_E_SYSTEM.
 */
int lk_tpm_error(TSS2_RC rc, const char *step, struct lk_err *err);

/** Whether a TPM's response code says that it has no room: for objects, or for sessions. */
bool lk_tpm_rc_is_full(TSS2_RC rc);
bool lk_tpm_rc_is_full_of_sessions(TSS2_RC rc);

/** The response code without layer and parameter, session or handle number. */
TSS2_RC lk_tpm_rc_base(TSS2_RC rc);

/**
 * lk_tpm_capability - TPM2_GetCapability, for every part of the adapter
 * @ret: of the capability asked for, with at most as many entries; Esys_Free
 *
 * What a TPM answers is unmarshalled by the capability that it says. Read as
 * another member of the union, a count would be an attacker's bytes.
 *
 * Return: LK_OK; LK_E_NO_TPM where it answers something else; as lk_tpm_error.
 */
struct lk_tpm_question {
	TPM2_CAP capability; /* of handles, TPM properties or commands */
	UINT32 first;
	UINT32 count;
	const char *step; /* for the message */
};
int lk_tpm_capability(struct lk_tpm *tpm, const struct lk_tpm_question *ask,
		      TPMS_CAPABILITY_DATA **ret, struct lk_err *err);

/** A transient object or session that is flushed at the end of its scope. */
struct lk_tpm_handle {
	struct lk_tpm *tpm;
	ESYS_TR tr;
};
#define LK_TPM_HANDLE_NONE(t) ((struct lk_tpm_handle){ (t), ESYS_TR_NONE })
void lk_tpm_handle_flush(struct lk_tpm_handle *h);
#define LK_OWNED_TPM_HANDLE __attribute__((cleanup(lk_tpm_handle_flush))) struct lk_tpm_handle

/**
 * lk_tpm_session - a session salted with @root, AES-128-CFB parameter
 * encryption both ways
 * @type: TPM2_SE_HMAC, TPM2_SE_POLICY or TPM2_SE_TRIAL
 */
int lk_tpm_session(struct lk_tpm *tpm, ESYS_TR root, TPM2_SE type, enum lk_alg hash,
		   struct lk_tpm_handle *ret, struct lk_err *err);

/** What the calls of tpm_config.h share over one connection, where they do. */
struct lk_tpm_shared {
	bool wanted;
	ESYS_TR root;
	ESYS_TR session;
};
struct lk_tpm_shared *lk_tpm_shared(struct lk_tpm *tpm);

/** Whose root key it has to be, and what says so. */
struct lk_tpm_pin {
	struct lk_name name; /* len 0: any */
	char from[256];
};
struct lk_tpm_pin *lk_tpm_pin(struct lk_tpm *tpm);
/** The storage root key's ESYS handle; another than the pinned one is LK_E_OBJECT. */
int lk_tpm_root_load(struct lk_tpm *tpm, ESYS_TR *ret, struct lk_err *err);

/** lk_tpm_pcr_read in an audit session, or in none (ESYS_TR_NONE). */
int lk_tpm_pcr_read_in(struct lk_tpm *tpm, ESYS_TR session, const struct lk_pcr_selection *sel,
		       struct lk_pcr_values *ret, struct lk_err *err);

/** The session that is kept, or ESYS_TR_NONE. */
ESYS_TR *lk_tpm_proven(struct lk_tpm *tpm);
void lk_tpm_proven_flush(struct lk_tpm *tpm);

/**
 * lk_tpm_object_load - the ESYS handle of a persistent object
 *
 * From the serialized form where there is one, else from the TPM. A pinned
 * Name that differs is LK_E_OBJECT.
 */
int lk_tpm_object_load(struct lk_tpm *tpm, const struct lk_tpm_object *obj, ESYS_TR *ret,
		       struct lk_err *err);

/** The configuration key's attributes, in either of its forms. */
#define LK_CONFIG_KEY_SEALED                                                                       \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA |                       \
	 TPMA_OBJECT_USERWITHAUTH)
/* Decrypting is all that a device has to do with it. */
#define LK_CONFIG_KEY_CIPHER (LK_CONFIG_KEY_SEALED | TPMA_OBJECT_DECRYPT)

/** Frees memory that ESAPI handed out, wiped first. */
void lk_tpm_wipe_free(void *p, size_t len);

#endif
