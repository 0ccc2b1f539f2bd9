/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns auth change: another authorization of a hierarchy, in the TPM and in the record. */
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "install/install.h"
#include "install/record.h"
#include "root_key.h"
#include "sys/os/log.h"
#include "sys/os/secret_line.h"

/* The record has the old one and the new one (NAME-next) from before the TPM
 * gets it until it is known that it has. For the lockout hierarchy a wrong try
 * would cost a day; so the TPM is told first to punish one with a second, and
 * at the end to punish it as before. */

#define RECOVERY_MEANWHILE 1u

struct change {
	const struct lk_options *opts;
	enum lk_hierarchy which;
	const char *name; /* "owner" */
	const char *next; /* "owner-next" */
	struct lk_tpm *tpm;
	struct lk_tpm_info info;
	struct lk_secret present;
	struct lk_secret fresh;
};

static void change_done(struct change *c)
{
	lk_secret_done(&c->present);
	lk_secret_done(&c->fresh);
	lk_tpm_free(c->tpm);
}

static bool is_owner(const struct change *c)
{
	return c->which == LK_HIERARCHY_OWNER;
}

static int read_inputs(struct change *c, struct lk_err *err)
{
	const struct lk_options *o = c->opts;
	const char *present, *fresh = o->value[LK_OPT_NEW_AUTH];

	if (strcmp(o->args[0], "owner") != 0 && strcmp(o->args[0], "lockout") != 0)
		return lk_err_set(err, LK_E_USAGE, 0, "%.40s: expected owner or lockout",
				  o->args[0]);
	c->which = strcmp(o->args[0], "owner") == 0 ? LK_HIERARCHY_OWNER : LK_HIERARCHY_LOCKOUT;
	c->name = is_owner(c) ? "owner" : "lockout";
	c->next = is_owner(c) ? "owner-next" : "lockout-next";
	present = o->value[is_owner(c) ? LK_OPT_OWNER_AUTH : LK_OPT_LOCKOUT_AUTH];
	if (!present || !o->value[LK_OPT_RECORD])
		return lk_err_set(err, LK_E_USAGE, 0, "--%s-auth and --record are needed", c->name);
	if (!o->value[LK_OPT_RECIPIENT] && !fresh)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"a new authorization would be lost: give --recipient, or --new-auth");
	LK_TRY(lk_secret_read_line(present, 32, &c->present, err));
	return fresh ? lk_secret_read_line(fresh, 32, &c->fresh, err) : LK_OK;
}

/** That of the lockout hierarchy last, and once: a wrong one locks it. */
static int check_present(struct change *c, struct lk_err *err)
{
	LK_TRY(lk_tpm_info_read(c->tpm, &c->info, err));
	if (!(is_owner(c) ? c->info.owner_auth_set : c->info.lockout_auth_set))
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"the TPM's %s hierarchy has no authorization to change: install sets it; nothing was changed",
			c->name);
	LK_TRY(lk_record_check(c->opts, c->tpm, err));
	LK_TRY(lk_tpm_use_auth(c->tpm, c->which, &c->present, err));
	return lk_tpm_check_auth(c->tpm, c->which, err);
}

static int ease_punishment(struct change *c, struct lk_err *err)
{
	const struct lk_da_parameters meanwhile = { c->info.max_tries, c->info.recovery_time,
						    RECOVERY_MEANWHILE };

	return is_owner(c) ? LK_OK : lk_tpm_da_parameters(c->tpm, &meanwhile, err);
}

static int restore_punishment(struct change *c, struct lk_err *err)
{
	/* A run before may have been cut short between the two. */
	const struct lk_da_parameters before = { c->info.max_tries, c->info.recovery_time,
						 c->info.lockout_recovery == RECOVERY_MEANWHILE
							 ? lk_install_da.lockout_recovery
							 : c->info.lockout_recovery };

	if (is_owner(c))
		return LK_OK;
	LK_TRY(lk_tpm_use_auth(c->tpm, c->which, &c->fresh, err));
	return lk_tpm_da_parameters(c->tpm, &before, err);
}

static int open_auths(struct change *c, struct lk_json **ret_record, struct lk_json **ret_auths,
		      struct lk_err *err)
{
	LK_TRY(lk_record_of_tpm(c->opts->value[LK_OPT_RECORD], c->tpm, ret_record, err));
	*ret_auths = lk_json_get(*ret_record, "auths");
	if (!*ret_auths)
		*ret_auths = lk_json_set_object(*ret_record, "auths");
	return LK_OK;
}

static int record_both(struct change *c, struct lk_err *err)
{
	const char *const next[] = { c->next, NULL };
	const char *recipient = c->opts->value[LK_OPT_RECIPIENT];
	LK_OWNED_JSON record = NULL;
	struct lk_json *auths;

	LK_TRY(open_auths(c, &record, &auths, err));
	/* Of a run that was cut short: it may be the one that holds now. */
	(void)lk_record_retire(auths, "superseded", next);
	if (recipient)
		LK_TRY(lk_record_set_secret(auths, c->next, recipient, &c->fresh, err));
	else
		lk_json_set_text(auths, c->next, "as given");
	return lk_record_save(c->opts->value[LK_OPT_RECORD], record, err);
}

static int record_new(struct change *c, struct lk_err *err)
{
	const char *const old[] = { c->name, NULL };
	const char *path = c->opts->value[LK_OPT_RECORD];
	LK_OWNED_JSON record = NULL;
	struct lk_json *auths;
	const char *text;

	LK_TRY(open_auths(c, &record, &auths, err));
	text = lk_json_get_text(auths, c->next);
	if (!text)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"%s was changed by another program meanwhile: the TPM has the new %s authorization, which that record lacks; %s.old has it as auths.%s",
			path, c->name, path, c->next);
	(void)lk_record_retire(auths, "superseded", old);
	lk_json_set_text(auths, c->name, text);
	lk_json_remove(auths, c->next);
	return lk_record_save(path, record, err);
}

/** Which others of the record may be the right one. */
static void add_hint(struct change *c, struct lk_err *err)
{
	LK_OWNED_JSON record = NULL;
	bool existed;

	if (lk_record_load(c->opts->value[LK_OPT_RECORD], &record, &existed, NULL) == LK_OK &&
	    lk_json_has(lk_json_get(record, "auths"), c->next))
		lk_err_prefix(
			err,
			"a change before was cut short, and of auths.%s and auths.%s in the record the TPM has one",
			c->name, c->next);
}

static int change(struct change *c, struct lk_err *err)
{
	int rc;

	LK_TRY(read_inputs(c, err));
	LK_TRY(lk_tpm_open_ours(c->opts, NULL, &c->tpm, err));
	rc = check_present(c, err);
	if (rc == LK_E_POLICY)
		add_hint(c, err);
	if (rc != LK_OK)
		return rc;
	if (!c->fresh.len)
		LK_TRY(lk_auth_make(c->tpm, &c->fresh, err));
	LK_TRY(ease_punishment(c, err));
	LK_TRY(record_both(c, err));
	LK_TRY(lk_tpm_change_auth(c->tpm, c->which, &c->fresh, err));
	LK_TRY(record_new(c, err));
	LK_TRY(restore_punishment(c, err));
	lk_log(LK_LOG_INFO, "the TPM's %s authorization is another now, and is in %s", c->name,
	       c->opts->value[LK_OPT_RECORD]);
	return LK_OK;
}

static int run_auth_change(const struct lk_options *opts, struct lk_err *err)
{
	struct change c = { .opts = opts };
	int rc = change(&c, err);

	change_done(&c);
	return rc;
}

const struct lk_command lk_cmd_auth_change = {
	.cli.words = "auth change",
	.cli.summary = "another authorization of the owner or the lockout hierarchy",
	.cli.operands = "owner|lockout",
	.cli.required =
		"--record FILE, --owner-auth FILE or --lockout-auth FILE (the present one), and --recipient FILE or --new-auth FILE",
	.cli.min_operands = 1,
	.cli.max_operands = 1,
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(OWNER_AUTH) |
		   LK_OPT_BIT(LOCKOUT_AUTH) | LK_OPT_BIT(NEW_AUTH) | LK_OPT_BIT(RECORD) |
		   LK_OPT_BIT(RECIPIENT),
	.run = run_auth_change,
};
