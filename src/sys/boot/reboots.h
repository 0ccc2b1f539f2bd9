/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the count of reboots that refused boots have ended in, in an EFI variable. */
#ifndef LK_SYS_BOOT_REBOOTS_H
#define LK_SYS_BOOT_REBOOTS_H

#include "core/base/paths.h"
#include "core/base/paths.h"
#include "core/base/rc.h"

/** One after the other, without a boot that opened its volumes in between. */
#define LK_REBOOTS_MAX 5u
#define LK_REBOOTS_VAR "LatchkeyReboots-ecb6c9cd-d58f-421c-a3fc-45d6ba577180"

/*
 * Nobody vouches for the count: who can change it has a device that halts, or one
 * that he could reboot as well by its power switch.
 */

/** Shows the variables where nobody has yet; that it can't be done shows when they are used. */
void lk_reboots_mount(void);

/**
 * lk_reboots_count - one more; to be called before the reboot
 * @dir: LK_EFIVARS_DIR
 * @ret: how many there were with this one
 *
 * Return: LK_OK; LK_E_REFUSED when there were LK_REBOOTS_MAX already; LK_E_IO where
 * it can't be counted, and so would never end: no UEFI, or a variable that isn't kept.
 */
int lk_reboots_count(const char *dir, unsigned int *ret, struct lk_err *err);

/** There are none any more. */
void lk_reboots_forget(const char *dir);

#endif
