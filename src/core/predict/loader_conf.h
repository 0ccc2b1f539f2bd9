/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what systemd-boot's loader.conf says about the entry that is started. */
#ifndef LK_CORE_PREDICT_LOADER_CONF_H
#define LK_CORE_PREDICT_LOADER_CONF_H

#include "core/base/bytes.h"
#include "core/base/rc.h"

/**
 * lk_loader_conf_read - the pattern that its "default" is
 * @ret: in @text; data NULL when it says none
 *
 * Return: LK_OK; LK_E_REFUSED for a setting that isn't known to leave the
 * choice alone.
 */
int lk_loader_conf_read(struct lk_bytes text, struct lk_bytes *ret, struct lk_err *err);

#endif
