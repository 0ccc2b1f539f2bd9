/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which folders fstab(5) says are mount points. */
#ifndef LK_CORE_CONFIG_FSTAB_H
#define LK_CORE_CONFIG_FSTAB_H

#include <stdbool.h>

#include "core/base/bytes.h"

#define LK_FSTAB_MAX	   (1024u * 1024u)
#define LK_FSTAB_POINT_MAX 512u

/**
 * lk_fstab_next - the next mount point
 * @rest: the text that is left; moved on
 * @ret: an absolute path, without doubled slashes and none at its end; never "/"
 *
 * Lines that name no folder (comments, swap, what is malformed or longer than that)
 * are passed over, as mount(8) does.
 *
 * Return: false where there is none left; @ret is untouched then.
 */
bool lk_fstab_next(struct lk_bytes *rest, char ret[static LK_FSTAB_POINT_MAX]);

#endif
