/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns enrolment: the messages by which a TPM proves that its attestation key and its endorsement key are both its own. */
#ifndef LK_CORE_ATTEST_ENROL_H
#define LK_CORE_ATTEST_ENROL_H

#include "core/attest/ek.h"
#include "core/attest/nonce.h"

#define LK_ATTEST_PATH_ENROL "/v1/enrol"

/* The secret of a credential is one that the server needn't remember: 8 bytes of time, and the
 * first 24 of HMAC-SHA-256 over a tag, these, and both keys' Names. It fits any TPM. */
#define LK_CREDENTIAL_SECRET_SIZE 32u
#define LK_CREDENTIAL_BLOB_MAX	  (2u + LK_DIGEST_MAX + 2u + LK_CREDENTIAL_SECRET_SIZE)
#define LK_CREDENTIAL_LIFE_MS	  120000u /* making an RSA key takes some TPMs that long */

/** What TPM2_ActivateCredential takes: contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. */
struct lk_credential {
	uint8_t blob[LK_CREDENTIAL_BLOB_MAX];
	size_t blob_len;
	uint8_t secret[LK_EK_MODULUS_MAX];
	size_t secret_len;
};

#define LK_ENROL_TEXT_MAX 81920u /* of a request whole */

/** POST /v1/enrol; what has len 0 isn't there. */
struct lk_enrol_request {
	struct lk_bytes ek; /* TPMT_PUBLIC */
	struct lk_bytes ak;
	struct lk_bytes certificate; /* DER */
	struct lk_bytes chain;	     /* DER certificates, one after the other */
	struct lk_bytes activated;   /* the second time: what the credential held */
};
/** As lk_attest_request_read(). */
int lk_enrol_request_read(uint8_t *text, size_t len, struct lk_enrol_request *ret,
			  struct lk_err *err);
/** Return: the length without a NUL, or 0 where @cap is too small. */
size_t lk_enrol_request_write(const struct lk_enrol_request *request, char *out, size_t cap);

/** Its answers. The first time @credential; the second time @state. */
#define LK_ENROL_ANSWER_MAX 2048u
struct lk_enrol_answer {
	bool has_credential;
	struct lk_credential credential;
	char state[32]; /* "enrolled", or "held" */
};
size_t lk_enrol_answer_write(const struct lk_enrol_answer *answer, char *out, size_t cap);
int lk_enrol_answer_read(uint8_t *text, size_t len, struct lk_enrol_answer *ret,
			 struct lk_err *err);

/** Both keys, by their computed Names. */
struct lk_enrol_keys {
	const struct lk_name *ek;
	const struct lk_name *ak;
};
/** Return: LK_OK or LK_E_SYSTEM. */
int lk_enrol_secret_make(const struct lk_nonce_maker *maker, uint64_t now_ms,
			 const struct lk_enrol_keys *keys,
			 uint8_t ret[static LK_CREDENTIAL_SECRET_SIZE], struct lk_err *err);
/** Return: LK_OK; LK_E_POLICY (CREDENTIAL, CREDENTIAL_OLD); LK_E_SYSTEM. */
int lk_enrol_secret_check(const struct lk_nonce_maker *maker, uint64_t now_ms,
			  const struct lk_enrol_keys *keys, struct lk_bytes secret,
			  struct lk_err *err);

#endif
