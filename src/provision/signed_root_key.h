/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what provisioning does with signed root keys: checking one, and whether a volume has the one that it wants. */
#ifndef LK_PROVISION_SIGNED_ROOT_KEY_H
#define LK_PROVISION_SIGNED_ROOT_KEY_H

#include "common.h"

/** Early boot asks for no PIN before it is known whose TPM takes it: LK_E_INPUT where
 * the policy file says neither that nor that it comes signed. */
int lk_pin_check_root_key(const struct lk_policy_file *pf, const struct lk_volume *vol,
			  struct lk_err *err);

/**
 * lk_volume_root_key - would early boot take this TPM for the volume's?
 * @ret_words: what there is to say of it
 *
 * Return: LK_OK; LK_E_OBJECT where it would refuse; or another error.
 */
int lk_volume_root_key(struct lk_tpm *tpm, const struct lk_policy_file *pf,
		       const struct lk_volume *vol, const struct lk_token *token,
		       const char **ret_words, struct lk_err *err);

#endif
