/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a LUKS2 header's JSON must say before any of it is used. */
#ifndef LK_CORE_LUKS_LUKS_HEADER_H
#define LK_CORE_LUKS_LUKS_HEADER_H

#include "core/base/doc.h"
#include "core/policy/policy_file.h"

/* Costs that an attacker may not exceed, of all keyslots and the digest together: about
 * a minute on a slow machine. cryptsetup's own benchmark aims at two seconds. */
#define LK_KDF_ITERATIONS_MAX 50000000u
#define LK_KDF_MEMORY_MAX_KIB (1u * 1024u * 1024u)
#define LK_KDF_CPUS_MAX	      16u		    /* libargon2 makes a thread of each */
#define LK_KDF_WORK_MAX_KIB   (32u * 1024u * 1024u) /* memory times passes */

/** Sizes that JSON and the binary header must agree with. */
struct lk_luks_areas {
	uint64_t header_size; /* of one of the two header copies, bytes */
	uint64_t end;	      /* of both copies and the keyslots behind them */
	uint64_t copied;      /* bytes of it that we hold */
};

/** Bytes of the volume key, the integrity key with it. */
size_t lk_volume_key_size(const struct lk_volume_format *format);

/** config.keyslots_size in bytes; LK_E_HEADER when it isn't there. */
int lk_luks_header_keyslots_size(const struct lk_doc *json, uint64_t *ret, struct lk_err *err);

/**
 * lk_luks_header_areas_end - where the last keyslot's area ends, in bytes
 *
 * Return: LK_OK, LK_E_HEADER when a keyslot doesn't say where its area is.
 */
int lk_luks_header_areas_end(const struct lk_doc *json, uint64_t *ret, struct lk_err *err);

/**
 * lk_luks_header_costs_check - is what trying all keyslots and digests costs bounded?
 *
 * For who changes a header that the policy file need not describe: what isn't a cost
 * isn't looked at.
 *
 * Return: LK_OK, or LK_E_HEADER naming the keyslot.
 */
int lk_luks_header_costs_check(const struct lk_doc *json, struct lk_err *err);

/**
 * lk_luks_header_check - is this header what the policy file says?
 *
 * One crypt segment with the cipher, sector size and integrity of @vol, no IV
 * tweak, over all of the device behind the header, and no flags; no requirement; no flag that @vol's options don't have; keyslots of
 * type luks2 with a volume key of the right size, an area inside the header
 * and a bounded KDF; digests of type pbkdf2 with bounded iterations.
 *
 * Return: LK_OK, or LK_E_HEADER naming the field.
 */
int lk_luks_header_check(const struct lk_doc *json, const struct lk_volume *vol,
			 const struct lk_luks_areas *areas, struct lk_err *err);

#endif
