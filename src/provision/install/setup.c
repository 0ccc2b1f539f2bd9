/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns setup: volumes made where there are none, and signed policies brought to them, as often as it is run. */
#include "install/setup.h"

#include <string.h>

#include "install/format_volume.h"
#include "root_key.h"
#include "sys/luks/blkid.h"
#include "sys/luks/wipe.h"
#include "sys/luks/luks.h"
#include "sys/os/log.h"
#include "volume/opened.h"
#include "volume/signed.h"

struct setup {
	const struct lk_options *opts;
	struct lk_policy_file pf;
	struct lk_policy_set set;
	struct lk_tpm *tpm; /* NULL until there is something to do with it */
	bool authorized;
	bool changed;
	struct lk_failures failures;
};

static void setup_done(struct setup *s)
{
	lk_policy_set_done(&s->set);
	lk_tpm_free(s->tpm);
}
#define OWNED_SETUP __attribute__((cleanup(setup_done))) struct setup

static int need_tpm(struct setup *s, struct lk_err *err)
{
	return s->tpm ? LK_OK : lk_tpm_open_ours(s->opts, &s->pf, &s->tpm, err);
}

static int need_owner(struct setup *s, struct lk_err *err)
{
	int rc = need_tpm(s, err);

	if (rc == LK_OK && !s->authorized)
		rc = lk_use_owner_auth(s->tpm, s->opts, err);
	s->authorized = rc == LK_OK;
	return rc;
}

/** Nobody is asked, so what may be somebody's is never written to. */
static int check_blank(const struct lk_format *f, struct lk_err *err)
{
	const char *device = f->target.device;
	char found[LK_BLKID_TEXT];
	bool blank = false;
	int rc = lk_format_check_size(f, err);

	/* Somebody who may has said that all of it is lost. */
	if (rc == LK_OK && lk_device_is_reset(device))
		return LK_OK;
	if (rc == LK_OK)
		rc = lk_blkid_probe(device, found, err);
	if (rc == LK_OK && !found[0])
		rc = lk_device_is_blank(device, &blank, err);
	if (rc != LK_OK || blank)
		return rc;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"volume %s: %s holds %s, and is left alone; if it may be lost, \"latchkey-provision reset\", erase it (blkdiscard -z, or dd if=/dev/zero), or \"latchkey-provision format --overwrite\"",
		f->target.vol->name, device, found[0] ? found : "unknown data");
}

static int check_ours(const struct lk_format *f, struct lk_err *err)
{
	if (lk_token_load(f->header, f->target.vol->handle, NULL, NULL) == LK_OK)
		return LK_OK;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"volume %s: %s holds a LUKS2 volume without our token (UUID %s), and is left alone; \"latchkey-provision reseal\" takes one of ours up again",
		f->target.vol->name, f->target.device, lk_volume_header_uuid(f->header));
}

/**
 * By the volume key that is still at hand: in this boot the latch is closed, and the TPM
 * unseals nothing. The header is checked as before each opening.
 */
static int map(const struct lk_format *f, struct lk_err *err)
{
	const struct lk_volume *vol = f->target.vol;
	char identity[LK_OPENED_TEXT];
	LK_OWNED_LUKS luks = NULL;

	if (!f->volume_key.len || lk_luks_is_mapped(vol->name))
		return LK_OK;
	LK_TRY(lk_luks_open(f->target.device, vol, &luks, err));
	LK_TRY(lk_opened_identity(&f->volume_key, identity, err));
	LK_TRY(lk_luks_map(luks, vol, &f->volume_key, err));
	lk_opened_keep(vol, identity);
	lk_log(LK_LOG_INFO, "volume %s: %s is open as /dev/mapper/%s", vol->name, f->target.device,
	       vol->name);
	return LK_OK;
}

static int make_volume(struct setup *s, struct lk_format *f, struct lk_err *err)
{
	struct lk_err why = { 0 };
	int rc = need_owner(s, err);

	f->tpm = s->tpm;
	if (rc == LK_OK)
		rc = lk_format_volume(f, err);
	if (rc != LK_OK)
		return rc;
	s->changed = true;
	/* It is made all the same, and gets its policies. */
	if (lk_option_given(s->opts, LK_OPT_MAP) && map(f, &why) != LK_OK) {
		lk_err_prefix(&why, "volume %s is made, and stays closed in this boot",
			      f->target.vol->name);
		lk_failures_note(&s->failures, &why);
	}
	return LK_OK;
}

/** A volume of ours at the end, or nothing was changed. */
static int prepare_volume(struct setup *s, const char *name, struct lk_target *ret,
			  struct lk_err *err)
{
	LK_OWNED_FORMAT f = { .opts = s->opts };
	int rc = lk_target_resolve(&s->pf, name, s->opts->value[LK_OPT_DEVICE], &f.target, err);

	if (rc == LK_OK)
		rc = lk_format_look(&f, err);
	if (rc == LK_OK && f.header && !f.unfinished)
		rc = check_ours(&f, err);
	else if (rc == LK_OK && !f.header)
		rc = check_blank(&f, err);
	if (rc == LK_OK && (!f.header || f.unfinished))
		rc = make_volume(s, &f, err);
	if (rc != LK_OK)
		return rc;
	*ret = f.target;
	ret->vol = lk_policy_file_volume(&ret->pf, name);
	return LK_OK;
}

/**
 * Policies that can't open the volume aren't added: they could take the room of
 * those that do. One that is only under the floor is no harm, but good to know
 * of.
 */
static int compare_with_tpm(struct setup *s, const struct lk_volume *vol,
			    const struct lk_token *token, size_t added, struct lk_err *err)
{
	struct lk_floor floor = { false, 0 };
	struct lk_err why = { 0 };
	int rc = need_tpm(s, &why);

	if (rc == LK_OK)
		rc = lk_volume_check_sealed(s->tpm, &s->pf, vol, &why);
	if (rc == LK_E_OBJECT)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	if (rc == LK_OK)
		rc = lk_floor_load(s->tpm, &s->pf, &floor, &why);
	if (rc != LK_OK)
		lk_log(LK_LOG_WARNING, "not compared with the TPM: %s", why.msg);
	for (size_t i = token->n_policies - added; i < token->n_policies; i++)
		lk_floor_warn(&floor, &token->policies[i]);
	return LK_OK;
}

static void tell(const char *volume, const struct lk_token *token,
		 const struct lk_policy_change *change)
{
	for (size_t i = token->n_policies - change->added; i < token->n_policies; i++)
		lk_log(LK_LOG_INFO, "volume %s: signed policy version %u added", volume,
		       token->policies[i].version);
	if (change->retired)
		lk_log(LK_LOG_INFO, "volume %s: %zu of the lowest versions retired to make room",
		       volume, change->retired);
	if (change->omitted)
		lk_log(LK_LOG_WARNING, "volume %s: no room for %zu signed policies of low versions",
		       volume, change->omitted);
	if (token->n_policies == 0)
		lk_log(LK_LOG_WARNING, "volume %s doesn't open unattended: it has no signed policy",
		       volume);
}

/**
 * The one that is signed for this device; a folder may have those of a whole fleet. A
 * token that has a good one of the same key keeps it.
 */
static int bring_root_key(const struct setup *s, struct lk_token *token, bool *ret_changed,
			  struct lk_err *err)
{
	const struct lk_device_places places = {
		.file = s->opts->value[LK_OPT_DEVICE_FILE],
		.policy = &s->pf,
		.policy_path = s->opts->value[LK_OPT_POLICY],
		.record = s->opts->value[LK_OPT_RECORD],
	};
	struct lk_device_expected device;

	*ret_changed = false;
	if (!s->set.n_root_keys)
		return LK_OK;
	LK_TRY(lk_device_expect(&places, &device, err));
	for (size_t i = 0; i < s->set.n_root_keys; i++) {
		const struct lk_signed_root_key *sr = &s->set.root_keys[i];

		if (!device.root.len || !lk_name_equal(&device.root, &sr->root))
			continue;
		if (token->root_key.signature_len &&
		    lk_name_equal(&token->root_key.root, &sr->root) &&
		    lk_signed_root_key_verify(&token->root_key, &s->pf, NULL) == LK_OK)
			return LK_OK;
		token->root_key = *sr;
		*ret_changed = true;
		return LK_OK;
	}
	lk_log(LK_LOG_WARNING,
	       device.root.len
		       ? "none of the folder's signed root keys is this device's"
		       : "signed root keys are left out: nothing here says which is this device's; see latchkey-device(5)");
	return LK_OK;
}

static int bring_policies(struct setup *s, const struct lk_target *t, struct lk_err *err)
{
	LK_OWNED_POLICIES p = LK_POLICIES_NONE;
	struct lk_policy_change change = { 0 };
	bool root_key = false;
	int rc = lk_policies_load(t, &p, err);

	if (rc == LK_OK)
		rc = bring_root_key(s, &p.token, &root_key, err);
	if (rc == LK_OK)
		rc = lk_policy_set_merge(&s->set, &p.token, &change, err);
	if (rc == LK_OK && change.added)
		rc = compare_with_tpm(s, t->vol, &p.token, change.added, err);
	if (rc == LK_OK && (change.added || root_key)) {
		rc = lk_token_store(p.header, &p.token, err);
		s->changed = true;
	}
	if (rc == LK_OK && root_key)
		lk_log(LK_LOG_INFO, "volume %s: signed root key added", t->vol->name);
	if (rc == LK_OK)
		tell(t->vol->name, &p.token, &change);
	return rc;
}

static void set_up(struct setup *s, const char *name)
{
	struct lk_err one = { 0 };
	struct lk_target t;
	int rc = prepare_volume(s, name, &t, &one);

	if (rc == LK_OK)
		rc = bring_policies(s, &t, &one);
	if (rc != LK_OK)
		lk_failures_note(&s->failures, &one);
}

static int run_setup(const struct lk_options *opts, struct lk_err *err)
{
	OWNED_SETUP s = { .opts = opts, .failures = { LK_OK, err } };
	const char *only = opts->value[LK_OPT_VOLUME];
	int rc = lk_format_check_options(opts, err);

	if (rc == LK_OK)
		rc = lk_policy_file_load(opts->value[LK_OPT_POLICY], &s.pf, err);
	if (rc == LK_OK)
		rc = lk_check_policy_ref(opts, &s.pf, err);
	if (rc == LK_OK)
		rc = lk_check_volume_options(opts, &s.pf, err);
	if (rc != LK_OK)
		return rc;
	if (opts->value[LK_OPT_POLICIES])
		lk_policy_set_load(opts->value[LK_OPT_POLICIES], &s.pf, 0, &s.set, &s.failures);
	for (size_t i = 0; i < s.pf.n_volumes; i++)
		if (!only || strcmp(only, s.pf.volumes[i].name) == 0)
			set_up(&s, s.pf.volumes[i].name);
	if (s.failures.rc == LK_OK && !s.changed)
		lk_log(LK_LOG_INFO, "nothing to do");
	return s.failures.rc;
}

const struct lk_command lk_cmd_setup = {
	.cli.words = "setup",
	.cli.summary = "make volumes on blank devices and bring signed policies to them",
	.cli.operands = "",
	.cli.required = LK_FORMAT_REQUIRED,
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) | LK_OPT_BIT(POLICIES) |
		   LK_OPT_BIT(OWNER_AUTH) | LK_OPT_BIT(RECORD) | LK_OPT_BIT(RECIPIENT) |
		   LK_OPT_BIT(NO_RECOVERY_KEY) | LK_OPT_BIT(PIN_FILE) |
		   LK_OPT_BIT(SHARED_POLICY_REF) | LK_OPT_BIT(MAP),
	.run = run_setup,
};
