/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whose storage root key a volume's session may be with: the policy file's word, or the owner's signature in the token. */
#include "sys/os/log.h"
#include "unseal/unseal.h"
#include "volume/signed.h"

static int is_missing(const struct lk_target *t, const struct lk_policy_file *pf, const char *why,
		      struct lk_err *err)
{
	const char *who =
		pf->root_signed ? "the policy file wants the TPM's root key signed"
				: "nobody is asked for a PIN before it is known whose TPM takes it";

	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"%s, and %s: sign it at the desk (latchkey policy sign-root-key) and add it to volume %s (latchkey-provision policy add)",
		who, why, t->vol->name);
}

int lk_target_root_key(struct lk_target *t, const struct lk_policy_file *pf, struct lk_err *err)
{
	struct lk_err why = { 0 };
	int rc = LK_E_OBJECT;

	t->root_name = pf->root_name;
	if (t->root_name.len)
		return LK_OK;
	/* The token is the attacker's to change: it is believed by its signature alone. */
	if (t->token.root_key.signature_len)
		rc = lk_signed_root_key_verify(&t->token.root_key, pf, &why);
	if (rc == LK_OK) {
		t->root_name = t->token.root_key.root;
		return LK_OK;
	}
	if (rc == LK_E_SYSTEM)
		return lk_err_set(err, rc, 0, "%s", why.msg);
	if (pf->root_signed || t->vol->pin)
		return is_missing(t, pf,
				  why.msg[0] ? why.msg : "its LUKS2 token has no signed root key",
				  err);
	/* It might as well not be there: who can change it can take it away. */
	if (why.msg[0])
		lk_log(LK_LOG_WARNING, "%s: its signed root key is passed over: %s", t->vol->name,
		       why.msg);
	return LK_OK;
}
