/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the commands of latchkey-verifier share: their options, and the database. */
#ifndef LK_VERIFIER_VERIFIER_H
#define LK_VERIFIER_VERIFIER_H

#include <stdbool.h>

#include "sys/store/store.h"
#include "verifier/settings/settings.h"

struct lk_vf_options {
	const char *config, *state, *flavor, *nonce;
	bool json, jwt, html;
	bool unproven;	  /* of import */
	bool makes_state; /* the command makes the state directory of the settings, where it lacks */
	/* What stands behind the options. */
	int n;
	char **operands;
};

/* Commands. Return: LK_OK or an error, for the exit code. */
int lk_vf_serve(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_import(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_devices(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_show(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_explain(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_report(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_report_show_key(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_vacuum(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_approve(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_retire(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_learn(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_verify(const struct lk_vf_options *o, struct lk_err *err);
/** Warns where there is no flavor of this name. */
int lk_vf_say_flavor(struct lk_store *store, const char *name, struct lk_err *err);
int lk_vf_flavor_add(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_flavor_list(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_flavor_show(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_flavor_check(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_token_add(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_token_list(const struct lk_vf_options *o, struct lk_err *err);
int lk_vf_token_remove(const struct lk_vf_options *o, struct lk_err *err);

/** Settings and the database, for a command that needs no server. */
int lk_vf_open(const struct lk_vf_options *o, struct lk_vf_settings *ret_settings,
	       struct lk_store **ret, struct lk_err *err);

#endif
