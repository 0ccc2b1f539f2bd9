/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns taking a volume off a device: its header and keyslots overwritten, and a mark that it may be made anew. */
#ifndef LK_SYS_LUKS_WIPE_H
#define LK_SYS_LUKS_WIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/rc.h"

/**
 * lk_device_check_unused - does the kernel let us have the device alone?
 *
 * A volume that is mapped, a file system that is mounted, swap that is on hold it.
 * Of a plain file nobody can tell.
 *
 * Return: LK_OK, LK_E_REFUSED, LK_E_NO_DEVICE.
 */
int lk_device_check_unused(const char *device, struct lk_err *err);

/** Whether lk_device_wipe() has got as far as its mark. What can't be read has none. */
bool lk_device_is_reset(const char *device);

/**
 * lk_device_wipe - overwrite header and keyslots; then the mark is all that is left
 *
 * Keyslots first, then the second copy, then the first: cut at any point, what is there is
 * the header as it was, or the mark, and a second run finishes. What lies behind is discarded
 * where the device can; its data is lost in any case, since the key to it is.
 *
 * Return: LK_OK, LK_E_REFUSED (in use), LK_E_NO_DEVICE, LK_E_IO, LK_E_SYSTEM.
 */
int lk_device_wipe(const char *device, struct lk_err *err);

#endif
