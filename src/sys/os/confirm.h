/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the answer that something may be destroyed. */
#ifndef LK_SYS_OS_CONFIRM_H
#define LK_SYS_OS_CONFIRM_H

#include "core/base/rc.h"

/**
 * lk_confirm_typed - somebody has typed @word, or given it on the command line
 * @yes: what --yes says; NULL: a terminal is asked
 *
 * Return: LK_OK or LK_E_REFUSED.
 */
int lk_confirm_typed(const char *yes, const char *word, struct lk_err *err);

#endif
