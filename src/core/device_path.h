/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an EFI device path (UEFI 2.10, chapter 10) leads to, in words. */
#ifndef LK_CORE_DEVICE_PATH_H
#define LK_CORE_DEVICE_PATH_H

#include "core/text_out.h"

/** File, partition, firmware volume or vendor's thing; buses are left out. */
void lk_device_path_text(struct lk_bytes path, struct lk_text_out *out);

#endif
