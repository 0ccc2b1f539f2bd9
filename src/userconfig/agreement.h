/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns records of what was agreed that who writes the state directory can't forge. */
#ifndef LK_USERCONFIG_AGREEMENT_H
#define LK_USERCONFIG_AGREEMENT_H

#include "core/config/agreed.h"
#include "core/config/blob.h"
#include "sys/os/secret.h"
#include "userconfig.h"

/** What records are authenticated with: a key that the TPM's configuration key
 * gives, and the device that it is. */
struct lk_agreement_key {
	struct lk_secret secret;
	uint8_t device[LK_BLOB_ID_SIZE];
};
#define LK_AGREEMENT_KEY_NONE ((struct lk_agreement_key){ .secret = LK_SECRET_NONE })
#define LK_OWNED_AGREEMENT_KEY                                                                     \
	__attribute__((cleanup(lk_agreement_key_done))) struct lk_agreement_key
static inline void lk_agreement_key_done(struct lk_agreement_key *key)
{
	lk_secret_done(&key->secret);
}

/** Return: LK_OK, LK_E_OBJECT, LK_E_NO_TPM, LK_E_SYSTEM. */
int lk_agreement_key(struct lk_tpm *tpm, struct lk_agreement_key *ret, struct lk_err *err);

/** @name: a file in the state directory, which is replaced. */
int lk_agreement_write(const struct lk_uc *uc, const struct lk_agreement_key *key,
		       const struct lk_agreed *agreed, const char *name, struct lk_err *err);

/**
 * lk_agreement_read - the record of a generation, sorted
 *
 * Return: LK_OK; LK_E_POLICY where there is none, it isn't this device's own, or
 * it is another generation's; LK_E_IO; LK_E_SYSTEM.
 */
int lk_agreement_read(const struct lk_uc *uc, const struct lk_agreement_key *key, uint64_t sequence,
		      struct lk_agreed *ret, struct lk_err *err);

#define LK_AGREEMENT_NAME "agreed"
/** Files of one record: originals may be as many again, and have had others before them. */
#define LK_AGREEMENT_FILES_MAX(uc) (4 * (uc)->settings.max_files)

#endif
