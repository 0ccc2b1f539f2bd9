/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns signed root keys: the owner's word, by the policy key, on which TPM one device has. */
#ifndef LK_CORE_POLICY_SIGNED_ROOT_KEY_H
#define LK_CORE_POLICY_SIGNED_ROOT_KEY_H

#include "core/base/doc.h"
#include "core/policy/device_file.h"
#include "core/policy/policy_file.h"

#define LK_SIGNED_ROOT_KEY_TEXT 1024u /* bytes that one takes in either form, at most */

struct lk_signed_root_key {
	struct lk_name root;	       /* Name of the storage root key */
	uint8_t id[LK_DEVICE_ID_SIZE]; /* SHA-256 of @root */
	uint8_t policy_ref[LK_POLICY_REF_MAX];
	size_t policy_ref_len;
	struct lk_name key;		     /* Name of the policy key */
	uint8_t signature[2 * LK_COORD_MAX]; /* r || s */
	size_t signature_len;		     /* 0: not signed yet */
};

/** Return: LK_OK, or LK_E_INPUT with the place. @ret untouched on failure. */
int lk_signed_root_key_from_doc(const struct lk_doc *doc, struct lk_signed_root_key *ret,
				struct lk_err *err);

/** Everything but the signature, for the policy file's key and policyRef. */
int lk_signed_root_key_prepare(const struct lk_policy_file *pf, const struct lk_device_file *device,
			       lk_hash_fn hash, struct lk_signed_root_key *ret, struct lk_err *err);

/**
 * lk_signed_root_key_check - does it belong to this policy file?
 *
 * Key and policyRef are those of @pf, and the device-id is that of the Name. The
 * signature is not looked at: see lk_signed_root_key_tbs and lk_crypto_verify.
 *
 * Return: LK_OK, LK_E_POLICY naming the field, or LK_E_SYSTEM.
 */
LK_MUST_CHECK int lk_signed_root_key_check(const struct lk_signed_root_key *sr,
					   const struct lk_policy_file *pf, lk_hash_fn hash,
					   struct lk_err *err);

/**
 * lk_signed_root_key_tbs - what is signed: the hash, by the policy key's, of the
 * bytes that latchkey-policy(5) lists
 *
 * They begin with a tag of their own and are longer than what a signed policy is
 * signed over, so that neither signature serves for the other.
 */
LK_MUST_CHECK int lk_signed_root_key_tbs(const struct lk_signed_root_key *sr, lk_hash_fn hash,
					 struct lk_digest *ret);

/** As YAML (a file of its own) or one JSON object. Return: the length without the NUL. */
size_t lk_signed_root_key_write(const struct lk_signed_root_key *sr, bool json,
				char out[static LK_SIGNED_ROOT_KEY_TEXT]);

#endif
