/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what provisioning does with signed root keys: checking one, and whether a volume has the one that it wants. */
#include "signed_root_key.h"

#include "sys/tpm/tpm_config.h"

int lk_pin_check_root_key(const struct lk_policy_file *pf, const struct lk_volume *vol,
			  struct lk_err *err)
{
	if (!vol->pin || pf->root_name.len || pf->root_signed)
		return LK_OK;
	return lk_err_set(
		err, LK_E_INPUT, 0,
		"volume %s: with a PIN the policy file has to say whose TPM takes it, for somebody on the bus could guess the PIN else: root-key: signed, or a map with its name (see latchkey-policy(5)); nothing was changed",
		vol->name);
}

int lk_volume_root_key(struct lk_tpm *tpm, const struct lk_policy_file *pf,
		       const struct lk_volume *vol, const struct lk_token *token,
		       const char **ret_words, struct lk_err *err)
{
	const struct lk_signed_root_key *sr = &token->root_key;
	struct lk_err why = { 0 };
	struct lk_name name;

	LK_TRY(lk_tpm_root_name(tpm, &name, err));
	if (pf->root_name.len && !lk_name_equal(&pf->root_name, &name))
		return lk_err_set(err, LK_E_OBJECT, 0,
				  "the policy file pins another TPM's root key than this one's");
	*ret_words = "pinned by the policy file";
	if (pf->root_name.len)
		return LK_OK;
	if (sr->signature_len && lk_signed_root_key_verify(sr, pf, &why) == LK_OK) {
		*ret_words = "signed for this TPM";
		if (lk_name_equal(&sr->root, &name))
			return LK_OK;
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"its root key is signed for another TPM: add the one for this device (policy add)");
	}
	*ret_words =
		"not pinned: somebody on the TPM's bus could read the passphrase at boot; see root-key in latchkey-policy(5)";
	if (!pf->root_signed && !vol->pin)
		return LK_OK;
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"its root key has to be signed, and %s: sign it at the desk (latchkey policy sign-root-key) and add it (policy add)",
		sr->signature_len ? why.msg : "its token has none");
}
