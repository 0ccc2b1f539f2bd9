/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns OpenSSL for provisioning: PEM. */
#ifndef LK_SYS_CRYPTO_CRYPTO_ADMIN_H
#define LK_SYS_CRYPTO_CRYPTO_ADMIN_H

#include "core/base/bytes.h"
#include "core/base/rc.h"
#include "sys/os/fs.h"

/** PEM text under @label ("PUBLIC KEY", "CERTIFICATE"). */
int lk_crypto_pem(const char *label, struct lk_bytes der, struct lk_buf *ret, struct lk_err *err);

#endif
