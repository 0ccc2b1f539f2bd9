/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns TPM2_MakeCredential in software: a secret that one TPM alone gives back, and only if it has the key that is named. */
#ifndef LK_SYS_CRYPTO_CRYPTO_CREDENTIAL_H
#define LK_SYS_CRYPTO_CRYPTO_CREDENTIAL_H

#include "core/attest/ek.h"
#include "core/attest/enrol.h"

/**
 * lk_credential_make - (TPM 2.0 Part 1, 24; Part 3, 12.6)
 * @ek: whom it is encrypted to
 * @object: the Name of the key that has to be in the same TPM
 * @secret: at most LK_CREDENTIAL_SECRET_SIZE bytes
 *
 * Return: LK_OK; LK_E_POLICY (EK) for a point that isn't on its curve; LK_E_SYSTEM.
 */
int lk_credential_make(const struct lk_ek_key *ek, const struct lk_name *object,
		       struct lk_bytes secret, struct lk_credential *ret, struct lk_err *err);

#endif
