/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns endorsement certificates (TCG EK Credential Profile): whose they are, what they say, and who vouches for them. */
#ifndef LK_SYS_CRYPTO_CRYPTO_EK_H
#define LK_SYS_CRYPTO_CRYPTO_EK_H

#include "core/attest/ek.h"
#include "core/base/bytes.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"

#define LK_EK_CHAIN_MAX 8u /* certificates between it and one of the CA file */

/** As a TPM holds them, or a record, or a message. */
struct lk_ek_certificate {
	struct lk_bytes der;   /* BER is read too: vendors aren't strict */
	struct lk_bytes chain; /* DER certificates, one after the other; len 0: none */
};

/** What the certificate says of the TPM: "id:49465800", "SLB9670", "id:0001". */
#define LK_EK_NAME_MAX 64u
struct lk_ek_names {
	char manufacturer[LK_EK_NAME_MAX];
	char model[LK_EK_NAME_MAX];
	char version[LK_EK_NAME_MAX];
};

/** Authorities of TPM makers. */
struct lk_ek_ca;
/** PEM certificates that are all trusted, roots or not. LK_E_INPUT where there is none in the file. */
int lk_ek_ca_open(const char *path, struct lk_ek_ca **ret, struct lk_err *err);
void lk_ek_ca_free(struct lk_ek_ca *ca);
static inline void lk_ek_ca_freep(struct lk_ek_ca **p)
{
	lk_ek_ca_free(*p);
}
#define LK_OWNED_EK_CA __attribute__((cleanup(lk_ek_ca_freep))) struct lk_ek_ca *

/**
 * lk_ek_certificate_check - is it that key's, and does a TPM's maker vouch for it?
 * @spki: the key that it must be for, DER
 * @ca: NULL: form and key alone are looked at
 * @ret: may be NULL
 *
 * The TCG's names in the subject alternative name, which is critical where there is no subject;
 * the usages that an endorsement key has; a path of at most LK_EK_CHAIN_MAX to @ca. Revocation
 * isn't looked at.
 *
 * Return: LK_OK; LK_E_INPUT (CERTIFICATE) when it can't be parsed or is too long; LK_E_POLICY
 * (CERTIFICATE_KEY, _NAMES, _USAGE, _PATH); LK_E_SYSTEM.
 */
int lk_ek_certificate_check(const struct lk_ek_certificate *certificate, struct lk_bytes spki,
			    struct lk_ek_ca *ca, struct lk_ek_names *ret, struct lk_err *err);

/** Length of the certificate that @data begins with, of which an NV index may have padding behind
 * it; 0 when malformed. */
size_t lk_ek_certificate_length(struct lk_bytes data);
/** DER of the certificates of a PEM text, one after the other. False where it is none, or too long. */
bool lk_ek_certificates_from_pem(const char *pem, uint8_t *out, size_t cap, size_t *ret_len);

#endif
