/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns install: taking ownership of the TPM, and putting Latchkey's keys into it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install/install.h"
#include "install/record.h"
#include "root_key.h"
#include "sys/tpm/fapi.h"
#include "sys/os/log.h"
#include "unextended.h"

/* The order is what makes it safe to cut the power anywhere: as long as the
 * owner's authorization is empty, everything can be done again. It is set
 * after all that needs it, and after the record that holds it is on the disk;
 * then only the lockout authorization is left, which needs nothing else. */

static bool is_anything_set(const struct lk_tpm_info *info)
{
	return info->owner_auth_set || info->endorsement_auth_set || info->lockout_auth_set;
}

#ifdef LK_HAVE_FAPI
static struct lk_fapi_place fapi_place(const struct lk_install *in)
{
	return (struct lk_fapi_place){
		.dir = in->opts->value[LK_OPT_FAPI_DIR],
		.tcti = in->opts->value[LK_OPT_TPM],
		.no_sha256 = !in->has_sha256,
		.verbose = lk_option_given(in->opts, LK_OPT_VERBOSE),
	};
}

/** FAPI opens the TPM itself, which takes one program at a time. */
static int make_key_store(struct lk_install *in, struct lk_err *err)
{
	const struct lk_fapi_place place = fapi_place(in);

	lk_tpm_free(in->tpm);
	in->tpm = NULL;
	LK_TRY(lk_fapi_provision(&place, err));
	return lk_tpm_open_option(in->opts, &in->tpm, err);
}

/** Full of what others have left? FAPI doesn't help itself. */
static int make_key_store_with_room(struct lk_install *in, struct lk_err *err)
{
	struct lk_err why;
	int rc = make_key_store(in, err);

	if (rc != LK_E_NO_TPM)
		return rc;
	why = *err;
	LK_TRY(lk_tpm_open_option(in->opts, &in->tpm, err));
	if (lk_tpm_make_room(in->tpm))
		return make_key_store(in, err);
	*err = why;
	return rc;
}

/**
 * FAPI takes a TPM that nobody owns. Where a hierarchy has an authorization
 * already, FAPI would use it in its own order, also where it isn't needed and
 * wasn't given, and sends the owner's and the endorsement hierarchy's over the
 * bus in clear (3.2.1, seen on the wire).
 */
static int make_root(struct lk_install *in, struct lk_err *err)
{
	const struct lk_fapi_place place = fapi_place(in);

	if (!is_anything_set(&in->info)) {
		LK_TRY(make_key_store_with_room(in, err));
		/* It sets the lockout's parameters, to its own taste. */
		return lk_install_look_at_tpm(in, err);
	}
	if (!lk_fapi_has_key_store(&place))
		lk_log(LK_LOG_INFO,
		       "the TPM had an authorization before, so that no FAPI key store is made: FAPI would send the authorization over the bus in clear; tss2_provision makes a key store, if one is wanted");
	return lk_tpm_make_srk(in->tpm, err);
}

static int expect_auth(struct lk_install *in, enum lk_hierarchy which, struct lk_err *err)
{
	const struct lk_fapi_place place = fapi_place(in);

	return lk_fapi_expect_auth(&place, which == LK_HIERARCHY_OWNER ? "HS" : "LOCKOUT", err);
}
#else
static int make_root(struct lk_install *in, struct lk_err *err)
{
	return lk_tpm_make_srk(in->tpm, err);
}

static int expect_auth(struct lk_install *in, enum lk_hierarchy which, struct lk_err *err)
{
	(void)in;
	(void)which;
	(void)err;
	return LK_OK;
}
#endif

/** Whether all is given that the rest needs; tries nothing. */
static int check_given(struct lk_install *in, struct lk_err *err)
{
	bool owner_work = !in->has_root || !in->has_policy_key || !in->has_config_key ||
			  !in->has_version_floor || !in->has_sequence_floor;

	if (in->info.owner_auth_set && owner_work && !in->owner.len)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"the TPM has an owner already, and is not as install leaves it: give --owner-auth");
	if (in->info.lockout_auth_set && !in->has_parameters && !in->lockout.len)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"the TPM has a lockout authorization already, and other lockout parameters than install sets: give --lockout-auth");
	if (in->info.endorsement_auth_set && in->opts->value[LK_OPT_EK_CA] && !in->endorsement.len)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"--ek-ca: the endorsement hierarchy has an authorization, without which its key can't be looked at: give --endorsement-auth");
	if (!in->info.endorsement_auth_set && in->endorsement.len)
		lk_log(LK_LOG_WARNING,
		       "--endorsement-auth isn't used: the endorsement hierarchy has no authorization, and install sets none");
	return LK_OK;
}

static int put_config_key(struct lk_install *in, struct lk_err *err)
{
	LK_OWNED_NEW_OBJECT obj = { 0 };
	int rc = lk_tpm_import_key(in->tpm, in->form, &in->config_key, &obj, err);

	return rc == LK_OK ? lk_tpm_persist(in->tpm, &obj, LK_HANDLE_CONFIG_KEY, err) : rc;
}

static int put_objects(struct lk_install *in, struct lk_err *err)
{
	const struct lk_bytes spki = { in->spki, in->spki_len };
	int rc = LK_OK;

	if (!in->has_policy_key)
		rc = lk_tpm_nv_store_key(in->tpm, LK_NV_POLICY_KEY, spki, err);
	if (rc == LK_OK && !in->has_config_key)
		rc = put_config_key(in, err);
	if (rc == LK_OK && !in->has_version_floor)
		rc = lk_tpm_counter_make(in->tpm, LK_NV_VERSION_FLOOR, err);
	if (rc == LK_OK && !in->has_sequence_floor)
		rc = lk_tpm_counter_make(in->tpm, LK_NV_SEQUENCE_FLOOR, err);
	if (rc == LK_OK && lk_install_can_make_ak(in))
		rc = lk_tpm_ak_make(in->tpm, err);
	if (rc == LK_OK && !in->has_parameters)
		rc = lk_tpm_da_parameters(in->tpm, &lk_install_da, err);
	return rc;
}

/** A new authorization in memory, and encrypted in the record; one that a run before chose
 * stays there, for who knows whether the TPM has got it? */
static int choose_auth(struct lk_install *in, struct lk_json *auths, enum lk_hierarchy which,
		       struct lk_err *err)
{
	const char *recipient = in->opts->value[LK_OPT_RECIPIENT];
	bool owner = which == LK_HIERARCHY_OWNER;
	const char *const keys[] = { owner ? "owner" : "lockout", NULL };
	struct lk_secret *auth = owner ? &in->owner : &in->lockout;
	bool set = owner ? in->info.owner_auth_set : in->info.lockout_auth_set;
	int rc = LK_OK;

	if (set && !lk_json_get_text(auths, keys[0]))
		lk_json_set_text(auths, keys[0], "not set by this program");
	if (set)
		return LK_OK;
	if (!auth->len)
		rc = lk_auth_make(in->tpm, auth, err);
	if (rc != LK_OK)
		return rc;
	(void)lk_record_retire(auths, "superseded", keys);
	if (recipient)
		return lk_record_set_secret(auths, keys[0], recipient, auth, err);
	lk_json_set_text(auths, keys[0], "as given");
	return LK_OK;
}

static int write_record(struct lk_install *in, struct lk_err *err)
{
	LK_OWNED_JSON record = NULL;
	struct lk_json *auths;
	int rc = lk_install_open_record(in, &record, err);

	if (rc != LK_OK)
		return rc;
	auths = lk_json_get(record, "auths");
	if (!auths)
		auths = lk_json_set_object(record, "auths");
	rc = choose_auth(in, auths, LK_HIERARCHY_OWNER, err);
	if (rc == LK_OK)
		rc = choose_auth(in, auths, LK_HIERARCHY_LOCKOUT, err);
	return rc == LK_OK ? lk_record_save(in->opts->value[LK_OPT_RECORD], record, err) : rc;
}

static int set_auth(struct lk_install *in, enum lk_hierarchy which, struct lk_err *err)
{
	bool owner = which == LK_HIERARCHY_OWNER;
	int rc;

	if (owner ? in->info.owner_auth_set : in->info.lockout_auth_set)
		return LK_OK;
	rc = expect_auth(in, which, err);
	if (rc != LK_OK)
		return rc;
	return lk_tpm_change_auth(in->tpm, which, owner ? &in->owner : &in->lockout, err);
}

static bool is_complete(const struct lk_install *in)
{
	return in->has_root && in->has_policy_key && in->has_config_key && in->has_version_floor &&
	       in->has_sequence_floor && in->has_parameters && in->info.owner_auth_set &&
	       in->info.lockout_auth_set && access(in->opts->value[LK_OPT_RECORD], F_OK) == 0;
}

/* FAPI makes nothing where its key store says that all is there. */
static int check_root(struct lk_install *in, struct lk_err *err)
{
	bool present = false;

	LK_TRY(lk_tpm_root_check(in->tpm, LK_ROOT_TRY, &present, err));
	if (present)
		return LK_OK;
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"no storage root key came into being: the FAPI key store is of another TPM, or of before this one was cleared; move it away (see --fapi-dir) and run install again");
}

static int check_ek(struct lk_install *in, struct lk_err *err)
{
	LK_OWNED_JSON nowhere = lk_json_object();

	if (!nowhere)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	return lk_install_describe_ek(in, nowhere, err);
}

/** Only what it is needed for tells whether it is the right one. */
static void tell_untried(const struct lk_install *in)
{
	if (in->opts->value[LK_OPT_LOCKOUT_AUTH] && in->info.lockout_auth_set && in->has_parameters)
		lk_log(LK_LOG_WARNING,
		       "--lockout-auth wasn't tried, and may be wrong: the lockout hierarchy has nothing left to set");
}

static int check_room(struct lk_install *in, struct lk_err *err)
{
	return lk_tpm_check_room(in->tpm,
				 (in->has_root ? 0u : 1u) + (in->has_config_key ? 0u : 1u) +
					 (lk_install_can_make_ak(in) ? 1u : 0u),
				 !in->has_version_floor + !in->has_sequence_floor, err);
}

static int change_tpm(struct lk_install *in, struct lk_err *err)
{
	/* Before anything is changed: can it be finished? */
	LK_TRY(check_given(in, err));
	LK_TRY(check_room(in, err));
	LK_TRY(lk_record_try(in->opts->value[LK_OPT_RECORD], in->opts->value[LK_OPT_RECIPIENT],
			     err));
	/* What costs most is tried last: of a root key that isn't exempt from the
	 * lockout a failure, of the lockout's authorization the only try. */
	LK_TRY(lk_install_check_owner_auths(in, err));
	if (in->has_root)
		LK_TRY(lk_tpm_root_check(in->tpm, LK_ROOT_TRY, &in->has_root, err));
	LK_TRY(lk_install_check_lockout_auth(in, err));
	/* A TPM that isn't the maker's gets no key. */
	if (in->opts->value[LK_OPT_EK_CA])
		LK_TRY(check_ek(in, err));
	if (!in->has_root || !is_anything_set(&in->info))
		LK_TRY(make_root(in, err));
	if (!in->has_root)
		LK_TRY(check_root(in, err));
	LK_TRY(put_objects(in, err));
	LK_TRY(write_record(in, err));
	LK_TRY(set_auth(in, LK_HIERARCHY_OWNER, err));
	return set_auth(in, LK_HIERARCHY_LOCKOUT, err);
}

/** Flash may keep old blocks; the man page says so. */
static int shred(const char *path, struct lk_err *err)
{
	static const uint8_t zeros[32];
	LK_OWNED_FD fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > (off_t)sizeof(zeros) ||
	    write(fd, zeros, (size_t)st.st_size) != st.st_size || fsync(fd) || unlink(path))
		return lk_err_set(err, LK_E_IO, (uint32_t)errno,
				  "%s: can't be overwritten and removed: %s", path,
				  strerror(errno));
	sync();
	return LK_OK;
}

static int look_at_ek_again(struct lk_install *in, bool *ret_added, struct lk_err *err)
{
	LK_TRY(check_given(in, err));
	if (in->info.endorsement_auth_set) {
		LK_TRY(lk_tpm_use_auth(in->tpm, LK_HIERARCHY_ENDORSEMENT, &in->endorsement, err));
		LK_TRY(lk_install_check_auth(in, LK_HIERARCHY_ENDORSEMENT, LK_OPT_ENDORSEMENT_AUTH,
					     err));
	}
	if (in->opts->value[LK_OPT_EK_CA])
		LK_TRY(check_ek(in, err));
	return lk_install_add_ek(in, ret_added, err);
}

/** A device that was installed before there were such keys, or without an authorization. */
static int make_ak_again(struct lk_install *in, struct lk_err *err)
{
	LK_TRY(lk_tpm_check_room(in->tpm, 1, 0, err));
	LK_TRY(lk_record_try(in->opts->value[LK_OPT_RECORD], in->opts->value[LK_OPT_RECIPIENT],
			     err));
	LK_TRY(lk_install_check_owner_auths(in, err));
	LK_TRY(lk_tpm_ak_make(in->tpm, err));
	in->has_ak = true;
	return LK_OK;
}

/** Nothing is left but what the record may lack, for which an authorization wasn't given before. */
static int installed_already(struct lk_install *in, struct lk_err *err)
{
	bool ek = in->info.endorsement_auth_set && in->endorsement.len;
	bool added = false, attests = false, proven = false;

	if (lk_install_can_make_ak(in))
		LK_TRY(make_ak_again(in, err));
	LK_TRY(lk_install_add_ak(in, &attests, err));
	if (attests)
		lk_log(LK_LOG_INFO, "the attestation key is in the record now");
	else if (!in->has_ak)
		lk_log(LK_LOG_INFO,
		       "this device has no attestation key: install with --owner-auth%s makes it",
		       in->info.endorsement_auth_set ? " and --endorsement-auth" : "");
	if (ek || in->opts->value[LK_OPT_EK_CA])
		LK_TRY(look_at_ek_again(in, &added, err));
	LK_TRY(lk_install_add_proof(in, &proven, err));
	if (proven)
		lk_log(LK_LOG_INFO, "the record is signed by the attestation key now");
	if (added)
		lk_log(LK_LOG_INFO,
		       "installed already: nothing to do but the endorsement key, which is in the record now");
	else
		lk_log(LK_LOG_INFO,
		       ek ? "installed already: nothing to do"
			  : "installed already: nothing to do (authorizations given weren't tried)");
	return LK_OK;
}

static int install(struct lk_install *in, struct lk_err *err)
{
	int rc = lk_tpm_open_option(in->opts, &in->tpm, err);

	if (rc == LK_OK)
		rc = lk_install_survey(in, err);
	if (rc == LK_OK)
		rc = lk_install_check_record(in, err);
	if (rc == LK_OK)
		rc = lk_unextended_survey(in->tpm, in->opts, err);
	if (rc != LK_OK)
		return rc;
	lk_install_look_at_kernel(in->opts);
	if (is_complete(in)) {
		rc = installed_already(in, err);
	} else {
		rc = change_tpm(in, err);
		if (rc == LK_OK)
			tell_untried(in);
		if (rc == LK_OK)
			lk_log(LK_LOG_INFO,
			       "installed; %s is this device's record: keep a copy elsewhere",
			       in->opts->value[LK_OPT_RECORD]);
	}
	if (rc == LK_OK)
		lk_device_file_install(in->tpm, in->opts, &in->key);
	if (rc == LK_OK && lk_option_given(in->opts, LK_OPT_SHRED))
		rc = shred(in->opts->value[LK_OPT_CONFIG_KEY], err);
	if (rc == LK_OK && lk_option_given(in->opts, LK_OPT_SHRED))
		lk_log(LK_LOG_INFO, "%s overwritten and removed",
		       in->opts->value[LK_OPT_CONFIG_KEY]);
	return rc;
}

static int run_install(const struct lk_options *opts, struct lk_err *err)
{
	struct lk_install in = { 0 };
	int rc = lk_install_read(opts, &in, err);

	if (rc == LK_OK)
		rc = install(&in, err);
	lk_install_done(&in);
	return rc;
}

const struct lk_command lk_cmd_install = {
	.cli.words = "install",
	.cli.summary = "take ownership of the TPM and install the keys",
	.cli.operands = "",
	.cli.required =
		"--policy-key FILE --config-key FILE --record FILE, and --recipient FILE or --owner-auth FILE --lockout-auth FILE",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY_KEY) |
		   LK_OPT_BIT(CONFIG_KEY) | LK_OPT_BIT(CONFIG_KEY_FORM) | LK_OPT_BIT(RECORD) |
		   LK_OPT_BIT(RECIPIENT) | LK_OPT_BIT(OWNER_AUTH) | LK_OPT_BIT(ENDORSEMENT_AUTH) |
		   LK_OPT_BIT(LOCKOUT_AUTH) | LK_OPT_BIT(EK_CA) | LK_OPT_BIT(FAPI_DIR) |
		   LK_OPT_BIT(SHRED) | LK_OPT_BIT(VERBOSE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(UNEXTENDED),
	.run = run_install,
};
