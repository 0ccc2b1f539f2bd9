/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns trying the authorizations that install is given, each once, before anything is written. */
#include "install/install.h"

static bool has_use_for_lockout(const struct lk_install *in)
{
	return in->info.lockout_auth_set && in->lockout.len && !in->has_parameters;
}

/** For this connection; nothing is sent. */
static int use_auths(struct lk_install *in, struct lk_err *err)
{
	if (in->info.owner_auth_set && in->owner.len)
		LK_TRY(lk_tpm_use_auth(in->tpm, LK_HIERARCHY_OWNER, &in->owner, err));
	if (in->info.endorsement_auth_set && in->endorsement.len)
		LK_TRY(lk_tpm_use_auth(in->tpm, LK_HIERARCHY_ENDORSEMENT, &in->endorsement, err));
	if (has_use_for_lockout(in))
		LK_TRY(lk_tpm_use_auth(in->tpm, LK_HIERARCHY_LOCKOUT, &in->lockout, err));
	return LK_OK;
}

int lk_install_check_auth(struct lk_install *in, enum lk_hierarchy which, enum lk_opt option,
			  struct lk_err *err)
{
	int rc = lk_tpm_check_auth(in->tpm, which, err);

	if (rc == LK_E_POLICY || rc == LK_E_LOCKED)
		lk_err_prefix(err, "--%s %s", lk_option_name(option), in->opts->value[option]);
	return rc;
}

int lk_install_check_owner_auths(struct lk_install *in, struct lk_err *err)
{
	LK_TRY(use_auths(in, err));
	if (in->info.owner_auth_set && in->owner.len)
		LK_TRY(lk_install_check_auth(in, LK_HIERARCHY_OWNER, LK_OPT_OWNER_AUTH, err));
	if (in->info.endorsement_auth_set && in->endorsement.len)
		LK_TRY(lk_install_check_auth(in, LK_HIERARCHY_ENDORSEMENT, LK_OPT_ENDORSEMENT_AUTH,
					     err));
	return LK_OK;
}

int lk_install_check_lockout_auth(struct lk_install *in, struct lk_err *err)
{
	if (!has_use_for_lockout(in))
		return LK_OK;
	return lk_install_check_auth(in, LK_HIERARCHY_LOCKOUT, LK_OPT_LOCKOUT_AUTH, err);
}
