/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns --target: a device by its ID. */
#ifndef LK_HOST_CONFIG_TARGET_H
#define LK_HOST_CONFIG_TARGET_H

#include "core/config/blob.h"

/** 64 hexadecimal digits, not all zero. Return: LK_OK or LK_E_USAGE. */
int lk_target_read(const char *text, uint8_t ret[static LK_BLOB_ID_SIZE], struct lk_err *err);
/** LK_OK, or LK_E_POLICY: it is for another device. */
int lk_target_check(const struct lk_blob_header *header,
		    const uint8_t target[static LK_BLOB_ID_SIZE], struct lk_err *err);

#endif
