/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the form in which signed policies are brought to a device, latchkey-policy-bundle(5). */
#ifndef LK_CORE_POLICY_POLICY_BUNDLE_H
#define LK_CORE_POLICY_POLICY_BUNDLE_H

#include "core/base/bytes.h"
#include "core/policy/signed_policy.h"

/*
 * One line, and then the signed policies, each as one line of JSON:
 *
 *	latchkey-policy-bundle 1 <policies, 4 digits> <bytes that follow, 7 digits> <their SHA-256>
 *
 * The line has the same length in every bundle, so that a device knows after one
 * short read how much else there is to be read, and whether what lies there was
 * written to its end. What follows on the medium is nobody's: a partition is longer.
 */
#define LK_POLICY_BUNDLE_WORD	 "latchkey-policy-bundle"
#define LK_POLICY_BUNDLE_HEAD	 (sizeof(LK_POLICY_BUNDLE_WORD " 1 0000 0000000 \n") - 1 + 64)
#define LK_POLICY_BUNDLE_MAX	 (1024u * 1024u) /* bytes, with the first line */
#define LK_POLICY_BUNDLE_COUNT	 1024u
#define LK_POLICY_BUNDLE_PREVIEW 2048u /* bytes from which a file system is known */

/** What the first line says. */
struct lk_policy_bundle {
	size_t n;   /* signed policies, 1 to LK_POLICY_BUNDLE_COUNT */
	size_t len; /* bytes that follow the line */
	struct lk_digest sha256;
};

/** Whether it says that it is one, of whichever version. */
bool lk_policy_bundle_is(struct lk_bytes start);

/**
 * lk_policy_bundle_head - reads the first line
 * @start: the first bytes of the medium; LK_POLICY_BUNDLE_PREVIEW of them, where it
 *	has so many, for a message that names what is there instead
 *
 * Return: LK_OK, or LK_E_INPUT with what is there. @ret untouched on failure.
 */
int lk_policy_bundle_head(struct lk_bytes start, struct lk_policy_bundle *ret, struct lk_err *err);

/**
 * lk_policy_bundle_check - is what follows the line whole?
 * @body: what could be read of the @bundle->len bytes
 *
 * Return: LK_OK, LK_E_INPUT for too little, another digest, another number of
 * lines, or a line that is no signed policy's by its length; LK_E_SYSTEM.
 */
int lk_policy_bundle_check(const struct lk_policy_bundle *bundle, struct lk_bytes body,
			   lk_hash_fn hash, struct lk_err *err);

/**
 * lk_policy_bundle_next - the text of the next signed policy
 * @body: checked; what is left afterwards
 * @ret: without the line end; to be parsed as a document
 *
 * Return: false when there is none any more.
 */
bool lk_policy_bundle_next(struct lk_bytes *body, struct lk_bytes *ret);

/**
 * lk_policy_bundle_write - a whole bundle
 * @list: @n signed policies, in the order in which they are written
 * @out: room for LK_POLICY_BUNDLE_MAX bytes; its content isn't defined on failure
 *
 * Return: LK_OK; LK_E_INPUT for none, more than LK_POLICY_BUNDLE_COUNT or more bytes
 * than are allowed; LK_E_SYSTEM when hashing failed.
 */
int lk_policy_bundle_write(const struct lk_signed_policy *const *list, size_t n, lk_hash_fn hash,
			   uint8_t out[static LK_POLICY_BUNDLE_MAX], size_t *ret_len,
			   struct lk_err *err);

#endif
