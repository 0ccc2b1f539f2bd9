/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the TPM (ESAPI) for who attests: the attestation key is read and signs, nothing is made or changed. */
#ifndef LK_SYS_TPM_TPM_ATTEST_H
#define LK_SYS_TPM_TPM_ATTEST_H

#include "core/attest/attest.h"
#include "core/attest/attest_key.h"
#include "core/base/rc.h"
#include "core/policy/pcr.h"
#include "sys/tpm/tpm.h"
#include "sys/tpm/tpm_places.h"

/** The attestation key, as it lies at LK_HANDLE_AK. */
struct lk_tpm_ak {
	uint8_t public[LK_TPMT_PUBLIC_MAX]; /* TPMT_PUBLIC */
	size_t public_len;
	struct lk_attest_key key; /* the same, checked */
};

/**
 * lk_tpm_ak_read - the key, if it is one that install makes
 *
 * Return: LK_OK; LK_E_OBJECT where there is none, or something else is there; or another
 * error.
 */
int lk_tpm_ak_read(struct lk_tpm *tpm, struct lk_tpm_ak *ret, struct lk_err *err);

/** Whether it is there; false also where the TPM doesn't answer. */
bool lk_tpm_has_ak(struct lk_tpm *tpm);

/** What it has signed: TPMS_ATTEST and TPMT_SIGNATURE. */
struct lk_tpm_attested {
	uint8_t attest[LK_ATTEST_MAX];
	size_t attest_len;
	uint8_t signature[LK_TPMT_SIGNATURE_MAX];
	size_t signature_len;
};
/** TPM2_Quote; @nonce: at most LK_ATTEST_EXTRA_MAX bytes, and what the TPM takes. */
int lk_tpm_quote(struct lk_tpm *tpm, struct lk_bytes nonce, const struct lk_pcr_selection *sel,
		 struct lk_tpm_attested *ret, struct lk_err *err);
/** An NV index, whole, which its empty authorization reads. */
struct lk_nv_whole {
	uint32_t index;
	uint16_t size;
};
/** TPM2_NV_Certify. */
int lk_tpm_certify_nv(struct lk_tpm *tpm, struct lk_bytes nonce, const struct lk_nv_whole *nv,
		      struct lk_tpm_attested *ret, struct lk_err *err);
/** The same of a counter. */
int lk_tpm_certify_counter(struct lk_tpm *tpm, struct lk_bytes nonce, uint32_t index,
			   struct lk_tpm_attested *ret, struct lk_err *err);
/** TPM2_Certify of an object at a persistent handle, whose authorization is empty. */
int lk_tpm_certify(struct lk_tpm *tpm, struct lk_bytes nonce, uint32_t handle,
		   struct lk_tpm_attested *ret, struct lk_err *err);

#endif
