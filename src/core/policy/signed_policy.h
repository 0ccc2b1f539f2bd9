/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns signed policies: their model, YAML and JSON forms, and what is checked in software. */
#ifndef LK_CORE_POLICY_SIGNED_POLICY_H
#define LK_CORE_POLICY_SIGNED_POLICY_H

#include "core/base/doc.h"
#include "core/policy/pcr.h"
#include "core/policy/policy_file.h"
#include "core/policy/policy_key.h"

/** The keys of the document, as LK_POLICY_KEYS. */
/* clang-format off: a table */
#define LK_SIGNED_KEYS(X)                                                                          \
	X(LK_SIGNED_KEY_FORMAT, "latchkey-signed-policy")                                          \
	X(LK_SIGNED_KEY_LABEL, "label")                                                            \
	X(LK_SIGNED_KEY_VERSION, "version")                                                        \
	X(LK_SIGNED_KEY_REF, "policy-ref")                                                         \
	X(LK_SIGNED_KEY_BANK, "bank")                                                              \
	X(LK_SIGNED_KEY_PCRS, "pcrs")                                                              \
	X(LK_SIGNED_KEY_UNEXTENDED, "unextended")                                                  \
	X(LK_SIGNED_KEY_FLOOR, "version-floor")                                                    \
	X(LK_SIGNED_KEY_DIGEST, "digest")                                                          \
	X(LK_SIGNED_KEY_KEY, "key")                                                                \
	X(LK_SIGNED_KEY_SIGNATURE, "signature")
/* clang-format on */
enum lk_signed_key { LK_SIGNED_KEYS(LK_KEY_NUMBER) LK_SIGNED_KEY_COUNT };

#define LK_LABEL_MAX	 128u
#define LK_SIGNATURE_MAX (2u * LK_COORD_MAX)

struct lk_signed_policy {
	char label[LK_LABEL_MAX + 1]; /* may be empty */
	uint32_t version;	      /* 0 exactly when there is no floor */
	uint32_t version_floor;	      /* NV index, or 0 */
	uint8_t policy_ref[LK_POLICY_REF_MAX];
	size_t policy_ref_len;
	struct lk_pcr_values pcrs;
	uint32_t unextended;	 /* PCRs that who signed knows to be as a reset leaves them */
	struct lk_digest digest; /* approved policy */
	struct lk_name key;	 /* Name of the policy key */
	uint8_t signature[LK_SIGNATURE_MAX]; /* r || s */
	size_t signature_len;		     /* 0: not signed yet */
};

int lk_signed_policy_from_doc(const struct lk_doc *doc, struct lk_signed_policy *ret,
			      struct lk_err *err);

/** LK_E_USAGE unless there is a version exactly where @pf has a floor; 0: none was given. */
int lk_signed_policy_expect_version(const struct lk_policy_file *pf, uint32_t version,
				    struct lk_err *err);

/**
 * lk_signed_policy_prepare - everything but the signature
 * @values: may hold more PCRs than @pf selects; one missing is LK_E_INPUT.
 *	The latch PCR's value is taken as all zeros, whatever @values says:
 *	that is what it is when the disk is opened.
 * @version: at least 1 when @pf has a floor; must be 0 when it has none
 *
 * Whether somebody has extended the PCRs is for lk_signed_policy_check_extended.
 */
int lk_signed_policy_prepare(const struct lk_policy_file *pf, const struct lk_pcr_values *values,
			     uint32_t version, const char *label, lk_hash_fn hash,
			     struct lk_signed_policy *ret, struct lk_err *err);

/**
 * lk_signed_policy_check - does it belong to this policy file?
 *
 * Selection, floor, policyRef and key are those of @pf, and the digest is
 * that of its own PCR values. The signature is not looked at: see
 * lk_crypto_verify and TPM2_VerifySignature.
 *
 * Return: LK_OK, LK_E_POLICY naming the field, or LK_E_SYSTEM.
 */
LK_MUST_CHECK int lk_signed_policy_check(const struct lk_signed_policy *sp,
					 const struct lk_policy_file *pf, lk_hash_fn hash,
					 struct lk_err *err);

/**
 * lk_signed_policy_check_extended - does it stand for something that was measured?
 * @consent: PCRs that may be as a reset leaves them, besides those that @sp names
 *
 * Return: as lk_unextended_check; of the PCRs of @pf without its latch.
 */
LK_MUST_CHECK int lk_signed_policy_check_extended(const struct lk_signed_policy *sp,
						  const struct lk_policy_file *pf, uint32_t consent,
						  struct lk_err *err);

/** aHash of @sp under the name algorithm of its key: what is signed. */
LK_MUST_CHECK int lk_signed_policy_tbs(const struct lk_signed_policy *sp, lk_hash_fn hash,
				       struct lk_digest *ret);

/**
 * lk_signed_policy_write - as YAML (a file of its own) or one JSON object
 * @out: NUL-terminated on success
 *
 * Return: LK_OK, or LK_E_SYSTEM when @cap is too small (8 KiB is enough).
 */
#define LK_SIGNED_POLICY_TEXT_MAX 8192u
int lk_signed_policy_write(const struct lk_signed_policy *sp, bool json, char *out, size_t cap);

#endif
