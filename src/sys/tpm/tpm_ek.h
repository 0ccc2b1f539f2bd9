/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the endorsement key by the TCG's templates (EK Credential Profile, B), and what a TPM proves with it. */
#ifndef LK_SYS_TPM_TPM_EK_H
#define LK_SYS_TPM_TPM_EK_H

#include "core/attest/enrol.h"
#include "sys/os/fs.h"
#include "sys/os/secret.h"
#include "sys/tpm/tpm.h"

/** One of the keys that a TPM's endorsement seed gives, for which it has a certificate. */
struct lk_ek_kind {
	uint32_t certificate; /* NV index */
	const char *name;     /* "ecc-p256" and so on; of the high range with "-high" behind it */
	uint16_t bits;	      /* of RSA; 0: ECC */
	enum lk_curve curve;
	enum lk_alg alg; /* of its Name, and of its policy */
	uint16_t aes_bits;
	bool high; /* a template of the high range: usable with an empty authorization */
};
/** NV indices of what leads from the certificate to an authority, in their order. */
#define LK_NV_EK_CHAIN_FIRST 0x01c00100u
#define LK_NV_EK_CHAIN_LAST  0x01c001ffu

/**
 * lk_tpm_ek_kind - which one this TPM has a certificate of; ECC P-256 where it has none
 *
 * The low range first: a device's identity is the hash of this key.
 */
int lk_tpm_ek_kind(struct lk_tpm *tpm, const struct lk_ek_kind **ret, struct lk_err *err);

/** The key, loaded, for as long as this is there. */
struct lk_tpm_ek;
/** @auth: of the endorsement hierarchy; NULL: the empty one. */
int lk_tpm_ek_load(struct lk_tpm *tpm, const struct lk_secret *auth, struct lk_tpm_ek **ret,
		   struct lk_err *err);
void lk_tpm_ek_free(struct lk_tpm_ek *ek);
/** TPMT_PUBLIC. */
struct lk_bytes lk_tpm_ek_area(const struct lk_tpm_ek *ek);
/**
 * lk_tpm_ek_certificate - its certificate and chain, as far as anybody may read them
 * @ret, @ret_chain: empty where there is none
 */
int lk_tpm_ek_certificate(struct lk_tpm_ek *ek, struct lk_buf *ret, struct lk_buf *ret_chain,
			  struct lk_err *err);
/**
 * lk_tpm_ek_activate - TPM2_ActivateCredential for the attestation key
 *
 * Return: LK_OK; LK_E_POLICY where the credential isn't for both keys of this TPM; or
 * another error.
 */
int lk_tpm_ek_activate(struct lk_tpm_ek *ek, const struct lk_credential *credential,
		       uint8_t ret[static LK_CREDENTIAL_SECRET_SIZE], size_t *ret_len,
		       struct lk_err *err);

#endif
