/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns why an attestation is refused: one row for each reason, for answers, logs and tests. */
#ifndef LK_CORE_ATTEST_REFUSAL_H
#define LK_CORE_ATTEST_REFUSAL_H

#include "core/base/rc.h"

/* What the functions of core/attest put into struct lk_err's code. The word stands in
 * answers and never changes its meaning; latchkey-attest-protocol(7) has the same table. */
/* clang-format off: a table */
#define LK_REFUSALS(X)                                                                             \
	X(LK_REFUSAL_NONE, "none")                                                                 \
	X(LK_REFUSAL_MESSAGE, "bad-message") /* JSON, a field, its type or size */                 \
	X(LK_REFUSAL_ATTEST, "bad-attest")   /* TPMS_ATTEST is cut, too long or malformed */       \
	X(LK_REFUSAL_MAGIC, "wrong-magic")   /* not made by a TPM */                               \
	X(LK_REFUSAL_TYPE, "wrong-type")     /* another structure than the one asked for */        \
	X(LK_REFUSAL_SIGNATURE_FORM, "bad-signature-form")                                         \
	X(LK_REFUSAL_SCHEME, "wrong-scheme") /* no ECDSA with SHA-256 */                           \
	X(LK_REFUSAL_SIGNATURE, "wrong-signature")                                                 \
	X(LK_REFUSAL_SIGNER, "wrong-signer") /* another key, or another hierarchy */               \
	X(LK_REFUSAL_NONCE_FORM, "bad-nonce")                                                      \
	X(LK_REFUSAL_NONCE_FOREIGN, "foreign-nonce") /* this server never gave it out */           \
	X(LK_REFUSAL_NONCE_OLD, "old-nonce")                                                       \
	X(LK_REFUSAL_NONCE_OTHER, "other-nonce") /* the quote is over another one */               \
	X(LK_REFUSAL_SELECTION, "wrong-selection")                                                 \
	X(LK_REFUSAL_BANK, "wrong-bank")                                                           \
	X(LK_REFUSAL_DIGEST_SIZE, "wrong-digest-size")                                             \
	X(LK_REFUSAL_VALUES, "wrong-values")	     /* aren't what was quoted */                  \
	X(LK_REFUSAL_CLOCK, "clock-not-risen")	     /* used before, or older than the last */     \
	X(LK_REFUSAL_KEY_FORM, "bad-key")	     /* TPMT_PUBLIC is malformed */                \
	X(LK_REFUSAL_KEY_SCHEME, "wrong-key-scheme") /* no ECDSA P-256 with SHA-256 */             \
	X(LK_REFUSAL_KEY_RESTRICTED, "key-not-restricted")                                         \
	X(LK_REFUSAL_KEY_FIXED_TPM, "key-not-fixed-tpm")                                           \
	X(LK_REFUSAL_KEY_FIXED_PARENT, "key-not-fixed-parent")                                     \
	X(LK_REFUSAL_KEY_ORIGIN, "key-not-made-by-tpm")                                            \
	X(LK_REFUSAL_KEY_SIGN_ONLY, "key-not-sign-only")                                           \
	X(LK_REFUSAL_KEY_AUTH, "key-not-user-with-auth")                                           \
	X(LK_REFUSAL_KEY_ATTRIBUTES, "key-other-attributes")                                       \
	X(LK_REFUSAL_NAME, "wrong-name")	/* a Name that isn't that of its public area */    \
	X(LK_REFUSAL_FLOOR, "wrong-floor")	/* certifies another NV index, or not whole */     \
	X(LK_REFUSAL_EK, "bad-endorsement-key") /* its public area: form, kind or attributes */    \
	X(LK_REFUSAL_CERTIFICATE, "bad-certificate")	   /* can't be read, or is too long */     \
	X(LK_REFUSAL_CERTIFICATE_KEY, "wrong-certificate") /* another key's */                     \
	X(LK_REFUSAL_CERTIFICATE_NAMES, "certificate-without-names")                               \
	X(LK_REFUSAL_CERTIFICATE_USAGE, "wrong-certificate-usage")                                 \
	X(LK_REFUSAL_CERTIFICATE_PATH, "certificate-without-path") /* leads to no authority */     \
	X(LK_REFUSAL_CREDENTIAL, "wrong-credential")		   /* not what it held */          \
	X(LK_REFUSAL_CREDENTIAL_OLD, "old-credential")                                             \
	X(LK_REFUSAL_RECORD, "wrong-record") /* certifies another object than the record names */
/* clang-format on */
#define LK_REFUSAL_ENUM(id, word) id,
enum lk_refusal { LK_REFUSALS(LK_REFUSAL_ENUM) LK_REFUSAL_COUNT };

/** "wrong-magic"; of another number that of LK_REFUSAL_NONE. Never NULL. */
const char *lk_refusal_word(uint32_t refusal);

#endif
