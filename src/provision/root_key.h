/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns opening the TPM that the device file, policy file or record say it has to be. */
#ifndef LK_PROVISION_ROOT_KEY_H
#define LK_PROVISION_ROOT_KEY_H

#include "common.h"
#include "sys/format/device.h"

/**
 * lk_tpm_pin_ours - holds an open connection to the root key that it has to be
 * @pf: may be NULL
 * @ret_known: whether anything says which; where not, nothing is pinned
 *
 * Return: LK_OK; LK_E_OBJECT where the TPM has another one; or another error.
 */
int lk_tpm_pin_ours(struct lk_tpm *tpm, const struct lk_options *opts,
		    const struct lk_policy_file *pf, bool *ret_known, struct lk_err *err);
/** Opens the TPM of --tpm, for who acts on what it answers; LK_E_OBJECT too where
 * nothing says whose it has to be. */
int lk_tpm_open_ours(const struct lk_options *opts, const struct lk_policy_file *pf,
		     struct lk_tpm **ret, struct lk_err *err);

/**
 * lk_tpm_open_known - the same for who sends it an authorization or takes things away
 *
 * Where nothing says whose it has to be, a warning does. A TPM without the root key that
 * is expected is another one's, or was cleared.
 */
int lk_tpm_open_known(const struct lk_options *opts, struct lk_tpm **ret, struct lk_err *err);

/** Writes the device file of what install has found; that it can't is a warning. */
void lk_device_file_install(struct lk_tpm *tpm, const struct lk_options *opts,
			    const struct lk_policy_key *key);

#endif
