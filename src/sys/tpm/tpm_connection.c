/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the parts of a connection that the other files of the adapter ask for. */
#include "sys/tpm/tpm_connection_private.h"

struct lk_tpm_shared *lk_tpm_shared(struct lk_tpm *tpm)
{
	return &tpm->shared;
}

struct lk_tpm_pin *lk_tpm_pin(struct lk_tpm *tpm)
{
	return &tpm->pin;
}

ESYS_TR *lk_tpm_proven(struct lk_tpm *tpm)
{
	return &tpm->proven;
}

ESYS_CONTEXT *lk_tpm_esys(struct lk_tpm *tpm)
{
	return tpm->esys;
}
