/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libcryptsetup for what early boot does: a checked header copy, keys, mapping. */
#ifndef LK_SYS_LUKS_LUKS_H
#define LK_SYS_LUKS_LUKS_H

#include <stdbool.h>

#include "core/base/alg.h"
#include "core/base/bytes.h"
#include "core/policy/policy_file.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"
#include "sys/os/secret.h"

/** An opened LUKS2 header: a private copy in memory, never the disk's. */
struct lk_luks;
void lk_luks_free(struct lk_luks *luks);
static inline void lk_luks_freep(struct lk_luks **p)
{
	lk_luks_free(*p);
}
#define LK_OWNED_LUKS __attribute__((cleanup(lk_luks_freep))) struct lk_luks *

/**
 * lk_luks_open - copy the header to memory and check it
 * @device: path of a block device or a plain file
 * @vol: what the header must look like; uuid pin included
 *
 * Refused (LK_E_HEADER): not LUKS2, another cipher, key size, sector size,
 * integrity or UUID than @vol says, a null cipher, more or fewer than one
 * segment, any requirement (reencryption among them), areas out of bounds, a
 * key derivation dearer than core/luks/luks_header.h allows.
 *
 * Return: LK_OK, LK_E_NO_DEVICE, LK_E_HEADER, LK_E_IO or LK_E_SYSTEM.
 */
LK_MUST_CHECK int lk_luks_open(const char *device, const struct lk_volume *vol,
			       struct lk_luks **ret, struct lk_err *err);

/** UUID of the header copy; valid as long as @luks. */
const char *lk_luks_uuid(const struct lk_luks *luks);

/** JSON of token @n of type "latchkey", from 0; LK_E_HEADER past the last. */
int lk_luks_token(const struct lk_luks *luks, unsigned int n, struct lk_buf *ret,
		  struct lk_err *err);

/**
 * lk_luks_volume_key - unlock a keyslot
 * @keyslot: number, or -1 for any
 *
 * Return: LK_OK, LK_E_VOLUME when the passphrase opens nothing, LK_E_IO.
 */
LK_MUST_CHECK int lk_luks_volume_key(const struct lk_luks *luks, int keyslot,
				     struct lk_bytes passphrase, struct lk_secret *ret,
				     struct lk_err *err);

/** HMAC-SHA-256 keyed by the volume key over "latchkey:volume-identity". */
#define LK_VOLUME_IDENTITY_SIZE 32u
LK_MUST_CHECK int lk_luks_identity(const struct lk_secret *volume_key,
				   uint8_t ret[static LK_VOLUME_IDENTITY_SIZE], struct lk_err *err);

/** Maps /dev/mapper/<vol->name>. Return: LK_OK, LK_E_IO. */
LK_MUST_CHECK int lk_luks_map(struct lk_luks *luks, const struct lk_volume *vol,
			      const struct lk_secret *volume_key, struct lk_err *err);
/** Whether /dev/mapper/@name is there already, as a LUKS2 volume. */
bool lk_luks_is_mapped(const char *name);
int lk_luks_unmap(const char *name, struct lk_err *err);

#endif
