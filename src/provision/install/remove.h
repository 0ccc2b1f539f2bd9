/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns taking an installation out of the TPM, for the commands that do. */
#ifndef LK_PROVISION_INSTALL_REMOVE_H
#define LK_PROVISION_INSTALL_REMOVE_H

#include "common.h"

/** Is there nothing of others at the places of an installation? LK_OK or LK_E_REFUSED. */
int lk_installation_check(struct lk_tpm *tpm, struct lk_err *err);
/** What of it is there goes; nothing there is LK_OK. Nothing of others does. */
int lk_installation_remove(struct lk_tpm *tpm, struct lk_err *err);

#endif
