/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns libblkid: what a device or file holds that somebody might miss. */
#ifndef LK_SYS_LUKS_BLKID_H
#define LK_SYS_LUKS_BLKID_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/rc.h"

/**
 * lk_blkid_probe - look for file systems, RAIDs, encryption, partition tables
 * @ret_found: text such as "ext4", empty when nothing is recognized
 *
 * Return: LK_OK, LK_E_NO_DEVICE or LK_E_IO.
 */
#define LK_BLKID_TEXT 64u
int lk_blkid_probe(const char *device, char ret_found[static LK_BLKID_TEXT], struct lk_err *err);

/**
 * lk_device_is_blank - does it look as if nothing was ever written to it?
 *
 * Its beginning, its end and places in between are all zeros or, as erased
 * flash is, all ones. Not looked at is where keyslots lie: making a volume
 * begins with random data there, and may be cut short.
 *
 * Return: LK_OK, LK_E_NO_DEVICE or LK_E_IO.
 */
int lk_device_is_blank(const char *device, bool *ret, struct lk_err *err);

#endif
