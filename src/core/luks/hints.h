/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an unlock remembers for the next one, to ask the TPM less. Nothing in it is trusted: a lie costs the long way. */
#ifndef LK_CORE_LUKS_HINTS_H
#define LK_CORE_LUKS_HINTS_H

#include "core/base/paths.h"
#include "core/base/alg.h"
#include "core/bootlog/boot_reference.h"
#include "core/base/doc.h"

#define LK_HINT_HANDLE_MAX 1024u
#define LK_TICKET_MAX	   64u /* the largest hash of a TPM's proofs */

struct lk_hints {
	uint8_t root_key[LK_HINT_HANDLE_MAX]; /* serialized ESYS handles */
	size_t root_key_len;
	uint8_t sealed[LK_HINT_HANDLE_MAX];
	size_t sealed_len;
	/** The signed policy that fitted, and the digest of the TPM's ticket that
	 * its signature verifies (TPMT_TK_VERIFIED, owner hierarchy); len 0: none. */
	struct lk_digest policy;
	uint8_t ticket[LK_TICKET_MAX];
	size_t ticket_len;
	/** Events of the last good boot, for words (boot_reference.h), not looked
	 * into here; len 0: none. An unlock neither uses nor leaves it. */
	uint8_t events[LK_REFERENCE_MAX];
	size_t events_len;
};

/** From "root-key", "sealed" and "remembered"; a malformed one is left out. */
void lk_hints_from_doc(const struct lk_doc *map, struct lk_hints *ret);

/**
 * lk_hints_write - the same as members of a JSON object, without its braces
 * @out: LK_HINTS_JSON_MAX bytes; NUL-terminated
 *
 * Return: the length.
 */
#define LK_HINTS_JSON_MAX (4 * LK_HINT_HANDLE_MAX + 2 * LK_REFERENCE_MAX + 512)
size_t lk_hints_write(const struct lk_hints *hints, char out[static LK_HINTS_JSON_MAX]);

/**
 * lk_hints_update - takes over what @learned has
 * Return: whether anything is another now.
 */
bool lk_hints_update(struct lk_hints *hints, const struct lk_hints *learned);

/**
 * lk_hints_set_events - takes over what is remembered of this boot's events
 * Return: whether it is another now.
 */
bool lk_hints_set_events(struct lk_hints *hints, struct lk_bytes events);

/** In LK_LEARNED_DIR early boot leaves one file a volume for the running system. Beside
 * it lies, where the signed policy that opened the volume isn't in its token, the policy
 * itself, as NAME and this ending. No volume's other file is called so. */
#define LK_LEARNED_POLICY ".signed"
#define LK_LEARNED_MAX	  (LK_HINTS_JSON_MAX + 64)
size_t lk_learned_write(const struct lk_hints *hints, char out[static LK_LEARNED_MAX]);
/** @ret untouched on failure. */
int lk_learned_from_doc(const struct lk_doc *doc, struct lk_hints *ret, struct lk_err *err);

#endif
