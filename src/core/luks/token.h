/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the LUKS2 token of type "latchkey": its model and JSON. Nothing in it is trusted. */
#ifndef LK_CORE_LUKS_TOKEN_H
#define LK_CORE_LUKS_TOKEN_H

#include "core/base/doc.h"
#include "core/luks/hints.h"
#include "core/policy/signed_root_key.h"
#include "core/policy/signed_policy.h"

#define LK_TOKEN_TYPE	      "latchkey"
#define LK_TOKEN_POLICIES_MAX 128u

struct lk_token {
	int keyslot;	 /* the sealed passphrase's */
	uint32_t handle; /* of the sealed object, for people; not used */
	struct lk_hints hints;
	struct lk_signed_root_key root_key; /* signature_len 0: none that can be read */
	size_t n_policies;
	struct lk_signed_policy *policies; /* malloc'd array */
};

void lk_token_done(struct lk_token *token);
#define LK_OWNED_TOKEN __attribute__((cleanup(lk_token_done))) struct lk_token
#define LK_TOKEN_NONE  ((struct lk_token){ .keyslot = -1 })

/**
 * lk_token_spare_handle - where a volume's new object lies while the old one gives way
 * @handle: the volume's, of the range that policy files may name
 *
 * Two objects can't be at one handle. So that a power cut never leaves a volume without one, reseal
 * first puts the new object here; latchkey-unseal looks here when there is none at @handle. It
 * follows from @handle alone: were it read from the disk, one volume could be given another's.
 */
static inline uint32_t lk_token_spare_handle(uint32_t handle)
{
	return handle + 0x1000;
}

/** @ret untouched on failure. */
int lk_token_from_doc(const struct lk_doc *doc, struct lk_token *ret, struct lk_err *err);
/** NUL-terminated JSON, malloc'd; NULL when memory is short. */
char *lk_token_to_json(const struct lk_token *token);

#endif
