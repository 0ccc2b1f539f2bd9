/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tpm2-tss FAPI: a standard key store, so that stock tools find a standard setup. */
#ifndef LK_SYS_TPM_FAPI_H
#define LK_SYS_TPM_FAPI_H

#include <stdbool.h>

#include "core/base/rc.h"

/** Where the key store is, and how the TPM is reached. */
struct lk_fapi_place {
	const char *dir; /* own key store; NULL: the system's standard one */
	const char *tcti;
	bool no_sha256; /* the SHA-256 bank isn't active, the SHA-384 one is */
	bool verbose;	/* FAPI's own messages on standard error */
};

/**
 * lk_fapi_provision - make the key store, and the storage root key with it
 *
 * The hierarchies must still have the empty auth. What an interrupted run has
 * left is removed and made again; a key store that is complete is left alone.
 * A storage root key that is at 0x81000001 already is kept, of whatever kind.
 * No other connection to the TPM may be open.
 *
 * Return: LK_OK, LK_E_NO_TPM (also where the TPM is full), LK_E_IO or LK_E_SYSTEM.
 */
int lk_fapi_provision(const struct lk_fapi_place *place, struct lk_err *err);

/** Whether there is one, finished or not. */
bool lk_fapi_has_key_store(const struct lk_fapi_place *place);

/**
 * lk_fapi_expect_auth - note that a hierarchy has an authorization
 * @hierarchy: "HS" or "LOCKOUT"
 *
 * From then on FAPI asks for it. To be noted before the TPM gets it: asked
 * while there is none yet, the empty answer is right, while the other way
 * round a power cut leaves a key store that can't be used. Where there is no
 * key store it is LK_OK, and nothing is made.
 */
int lk_fapi_expect_auth(const struct lk_fapi_place *place, const char *hierarchy,
			struct lk_err *err);

#endif
