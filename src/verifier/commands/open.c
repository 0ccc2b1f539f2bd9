/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a command opens: its settings and the database. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "verifier/settings/state_dir.h"
#include "verifier/verifier.h"

int lk_vf_open(const struct lk_vf_options *o, struct lk_vf_settings *ret_settings,
	       struct lk_store **ret, struct lk_err *err)
{
	int rc;

	LK_TRY(lk_vf_settings_read(o->config, o->state, ret_settings, err));
	/* A directory that was misspelt isn't made: what is asked for would be in another one. */
	if (access(ret_settings->state, F_OK) != 0 && errno == ENOENT &&
	    (o->state || !o->makes_state))
		return lk_err_set(
			err, LK_E_INPUT, ENOENT,
			"there is no state directory %s: \"latchkey-verifier serve\" or import makes the one of the settings",
			ret_settings->state);
	LK_TRY(lk_vf_state_make(ret_settings, err));
	rc = lk_store_open(ret_settings->store, ret, err);
	if (rc == LK_E_IO && access(ret_settings->state, R_OK | W_OK | X_OK) != 0)
		return lk_err_set(
			err, LK_E_IO, (uint32_t)errno,
			"the state directory %s can't be used: %s; it is for its owner alone: run this as that user, or as root",
			ret_settings->state, strerror(errno));
	return rc;
}
