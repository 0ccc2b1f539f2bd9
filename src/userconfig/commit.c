/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the order of a change, and where the next run goes on. */
#include "commit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "admit.h"
#include "changes.h"
#include "copies.h"
#include "deploy.h"
#include "generation.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_places.h"
#include "sys/tpm/tpm_config.h"
#include "unpack.h"
#include "upload.h"
#include "verify.h"

static int write_stage(const struct lk_uc *uc, const struct lk_commit *c, enum lk_uc_stage stage,
		       struct lk_err *err)
{
	const struct lk_uc_pending p = { stage, c->from, c->to };

	return lk_uc_pending_write(uc, &p, err);
}

/* What @c->to has put in place is taken away, and forgotten. @placed: its copies too. */
static int abandon(const struct lk_uc *uc, const struct lk_commit *c, bool placed,
		   struct lk_err *err)
{
	int rc = lk_deploy_tidy(uc, c->to, c->from, placed, err);

	/* A copy of before that is a link already is a copy again. */
	if (rc == LK_OK)
		rc = lk_copies_settle(uc, c->from, placed ? c->to : c->from, err);
	if (rc == LK_OK)
		rc = lk_uc_pending_clear(uc, err);
	if (rc == LK_OK)
		rc = lk_generation_prune(uc, err);
	return rc;
}

/* Whoever can't be asked to restart a unit won't be at the next run either:
 * that is a unit that didn't come back, and bars no configuration to come. */
static int act_on(const struct lk_uc *uc, const struct lk_changes *changes, struct lk_err *err)
{
	LK_OWNED_SERVICES services = NULL;
	int rc = lk_services_open(uc->settings.hooks.text, &services, err);

	if (rc == LK_OK && !lk_services_any(services))
		lk_log(LK_LOG_WARNING,
		       "no systemd and no executable hooks in %s: no unit is restarted",
		       uc->settings.hooks.text);
	if (rc == LK_OK)
		rc = lk_services_act(services, changes->action, changes->n_actions,
				     uc->settings.settle, err);
	if (rc == LK_OK)
		return LK_OK;
	err->rc = LK_E_SERVICE;
	return LK_E_SERVICE;
}

/* The switch is made: what can't be found out must not keep the change from
 * coming to its end, in this run or in each one after it. */
static int act(const struct lk_uc *uc, const struct lk_commit *c, struct lk_commit_result *ret,
	       struct lk_err *err)
{
	LK_OWNED_CHANGES changes = LK_CHANGES_NONE;
	struct lk_err why = { 0 };

	if (lk_changes_find(uc, c->from, c->to, &changes, &why) != LK_OK)
		lk_log(LK_LOG_ERR, "%s; units whose files come after that aren't restarted",
		       why.msg);
	ret->files_changed = changes.files;
	ret->units = changes.n_actions;
	if (changes.n_actions && !uc->live)
		lk_log(LK_LOG_INFO, "no unit is restarted under --root%s",
		       uc->real ? ": each starts with the new files in its turn" : "");
	return changes.n_actions && uc->live ? act_on(uc, &changes, err) : LK_OK;
}

/* An upload that is the very blob of @sequence is dealt with. */
static int settle_upload(const struct lk_uc *uc, uint64_t sequence, const char *reason,
			 struct lk_err *err)
{
	LK_OWNED_UPLOAD upload = LK_UPLOAD_NONE;
	char path[PATH_MAX];
	bool present = false, same = false;

	if (uc->opts->blob || lk_upload_open(uc, &present, &upload, NULL) != LK_OK || !present)
		return LK_OK;
	lk_generation_path(uc, sequence, "blob", path);
	if (lk_upload_is(uc, &upload, path, &same, NULL) != LK_OK || !same)
		return LK_OK;
	return reason ? lk_upload_refuse(&upload, reason, err) : lk_upload_remove(&upload, err);
}

/* Will it be as wrong the next time? */
static bool is_lasting(int rc, const struct lk_err *err)
{
	return rc == LK_E_INPUT || rc == LK_E_POLICY || rc == LK_E_REFUSED ||
	       (rc == LK_E_IO && err->code == ENOENT);
}

static int finish_commit(const struct lk_uc *uc, const struct lk_commit *c, struct lk_err *err)
{
	int rc = c->from == c->to ? LK_OK : lk_generation_set(uc, "previous", c->from, err);

	if (rc == LK_OK)
		rc = lk_deploy_tidy(uc, c->from, c->to, true, err);
	/* Those below what was a link until now. */
	if (rc == LK_OK)
		rc = lk_copies_settle(uc, c->to, c->from, err);
	if (rc == LK_OK)
		rc = lk_uc_pending_clear(uc, err);
	if (rc == LK_OK)
		rc = lk_generation_prune(uc, err);
	return rc;
}

/* What is put back automatically is held against what was agreed, too. */
static int check_before(const struct lk_uc *uc, uint64_t from, struct lk_err *err)
{
	struct lk_verification v = { .all = false };
	bool present = false;
	uint64_t current = 0;

	/* A run that was cut has done it already. */
	if (lk_generation_get(uc, "current", &present, &current, NULL) == LK_OK && present &&
	    current == from)
		return LK_OK;
	return lk_verify(uc, from, &v, NULL, err);
}

/* Rather what was signed, with a unit that is down, than what nobody vouches for. */
static int stay(const struct lk_uc *uc, const struct lk_commit *c, const struct lk_err *before,
		struct lk_err *err)
{
	struct lk_err cause = *err, why = { 0 };
	int rc = settle_upload(uc, c->to, cause.msg, &why);

	if (rc == LK_OK)
		rc = finish_commit(uc, c, &why);
	if (rc != LK_OK)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	return lk_err_set(err, cause.rc, cause.code,
			  "%.400s; configuration %" PRIu64 " stays in place, since %" PRIu64
			  " before it isn't what was agreed: %.400s",
			  cause.msg, c->to, c->from, before->msg);
}

/* Back to @c->from for the reason in @err, which stays, with its code @cause. */
static int take_back(const struct lk_uc *uc, const struct lk_commit *c, int cause,
		     struct lk_err *err)
{
	const struct lk_commit back = { .from = c->to, .to = c->from };
	struct lk_commit_result ignored = { 0 };
	struct lk_err why = { 0 };
	int rc = check_before(uc, c->from, &why);

	if (is_lasting(rc, &why))
		return stay(uc, c, &why, err);
	if (rc == LK_OK)
		rc = write_stage(uc, c, LK_STAGE_REVERT, &why);

	/* After a boot they aren't there, and units are about to look. */
	if (rc == LK_OK && c->from != LK_GENERATION_ORIGINAL &&
	    lk_volatile_refresh(uc, c->from, &why) != LK_OK)
		lk_log(LK_LOG_ERR, "volatile files: %s", why.msg);
	if (rc == LK_OK)
		rc = lk_generation_set(uc, "current", c->from, &why);
	if (rc == LK_OK)
		rc = lk_copies_settle(uc, c->from, c->to, &why);
	if (rc == LK_OK && act(uc, &back, &ignored, &why) != LK_OK)
		lk_log(LK_LOG_ERR, "with the configuration before, too: %s", why.msg);
	if (rc == LK_OK)
		rc = settle_upload(uc, c->to, err->msg, &why);
	if (rc == LK_OK)
		rc = abandon(uc, c, true, &why);
	if (rc != LK_OK)
		return lk_err_set(err, why.rc, why.code,
				  "taking configuration %" PRIu64 " back: %s", c->to, why.msg);
	lk_err_prefix(err, "configuration %" PRIu64 " is taken back, %" PRIu64 " is in place again",
		      c->to, c->from);
	return cause;
}

static int raise_floor(const struct lk_uc *uc, const struct lk_commit *c, struct lk_err *err)
{
	LK_OWNED_TPM tpm = NULL;
	int rc = LK_OK;

	if (c->tpm) {
		tpm = *c->tpm;
		*c->tpm = NULL;
	}
	if (!tpm)
		rc = lk_uc_tpm(uc, NULL, &tpm, err);
	if (rc == LK_OK)
		rc = lk_tpm_counter_raise(tpm, LK_NV_SEQUENCE_FLOOR, c->to, err);
	return rc;
}

/* From the switch on. */
static int settle(const struct lk_uc *uc, const struct lk_commit *c, struct lk_commit_result *ret,
		  struct lk_err *err)
{
	struct lk_err why = { 0 };
	int rc;

	/* On a disk that is full just now: where "current" leads to says as much,
	 * and what comes makes room. */
	if (write_stage(uc, c, LK_STAGE_SETTLE, &why) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s", why.msg);
	/* At once: links show the new files already. */
	rc = lk_copies_place(uc, c->to, c->from, c->copies, err);
	if (rc == LK_OK && c->raise_floor && uc->real)
		rc = raise_floor(uc, c, err);
	/* They are there unless the run was cut by a boot; and what memory has no
	 * room for today must not bar the way for a smaller configuration. */
	if (rc == LK_OK && c->to != LK_GENERATION_ORIGINAL &&
	    lk_volatile_refresh(uc, c->to, &why) != LK_OK)
		lk_log(LK_LOG_ERR, "volatile files: %s", why.msg);
	if (rc == LK_OK)
		rc = act(uc, c, ret, err);
	if (rc == LK_E_SERVICE)
		return take_back(uc, c, rc, err);
	return rc == LK_OK ? finish_commit(uc, c, err) : rc;
}

/* From the switch on what goes wrong is the device's: the blob that is in place isn't refused for it. */
static int not_the_blobs(int rc, struct lk_err *err)
{
	if (rc != LK_E_INPUT && rc != LK_E_REFUSED && rc != LK_E_POLICY)
		return rc;
	err->rc = LK_E_IO;
	return LK_E_IO;
}

/* Links of either would be left, or made, below a mount point. */
static int check_mounted(const struct lk_uc *uc, uint64_t from, uint64_t to, struct lk_err *err)
{
	int rc = lk_deploy_check_mounted(uc, from, err);

	return rc == LK_OK ? lk_deploy_check_mounted(uc, to, err) : rc;
}

/* A rename may be made whose sync failed: then the links that it shows must stay. */
static bool may_be_switched(const struct lk_uc *uc, uint64_t to)
{
	bool present = false;
	uint64_t current = 0;
	int rc = lk_generation_get(uc, "current", &present, &current, NULL);

	return rc != LK_OK || (present && current == to);
}

static int commit_with(const struct lk_uc *uc, const struct lk_commit *c,
		       struct lk_commit_result *ret, struct lk_err *err)
{
	int rc = check_mounted(uc, c->from, c->to, err);

	if (rc != LK_OK)
		return rc;
	rc = write_stage(uc, c, LK_STAGE_SWITCH, err);
	if (rc == LK_OK)
		rc = lk_deploy_link(uc, c->from, c->to, c->key, err);
	/* Of a configuration that comes back after a boot. */
	if (rc == LK_OK && c->to != LK_GENERATION_ORIGINAL)
		rc = lk_volatile_refresh(uc, c->to, err);
	if (rc == LK_OK)
		rc = lk_copies_prepare(uc, c->to, c->copies, err);
	if (rc == LK_OK)
		rc = lk_generation_set(uc, "current", c->to, err);
	if (rc == LK_OK)
		return not_the_blobs(settle(uc, c, ret, err), err);
	if (may_be_switched(uc, c->to) || abandon(uc, c, false, NULL) != LK_OK)
		lk_log(LK_LOG_WARNING, "the next run finishes it or tidies up");
	return rc;
}

int lk_commit(const struct lk_uc *uc, const struct lk_commit *commit, struct lk_commit_result *ret,
	      struct lk_err *err)
{
	struct lk_copies copies = LK_COPIES_NONE;
	struct lk_commit c = *commit;
	int rc;

	c.copies = &copies;
	rc = commit_with(uc, &c, ret, err);
	lk_copies_discard(uc, &copies);
	return rc;
}

/*
 * Who can write to the disk could have us count the TPM's floor up to any
 * number: only a signed sequence does.
 */
static int check_resumed(const struct lk_uc *uc, struct lk_commit *c, struct lk_err *err)
{
	LK_OWNED_ADMITTED blob = LK_ADMITTED_NONE;
	struct lk_uc_record rec;
	int rc = LK_OK;

	if (c->to != LK_GENERATION_ORIGINAL) {
		rc = lk_admit_stored(uc, c->to, LK_ADMIT_RESUMED, &blob, err);
		c->raise_floor = rc == LK_OK && c->to > blob.floor;
	}
	return rc == LK_OK ? lk_uc_record_read(uc, c->to, &rec, err) : rc;
}

/* The switch was made, and the run cut after it. */
static int resume(const struct lk_uc *uc, struct lk_commit *c, struct lk_err *err)
{
	struct lk_commit_result result = { 0 };
	int rc;

	lk_log(LK_LOG_INFO, "finishing configuration %" PRIu64, c->to);
	rc = check_resumed(uc, c, err);
	/* It would bar the way for each configuration to come. */
	if (is_lasting(rc, err))
		return take_back(uc, c, rc, err);
	if (rc == LK_OK)
		rc = settle(uc, c, &result, err);
	if (rc == LK_OK)
		rc = settle_upload(uc, c->to, NULL, err);
	return rc;
}

static int resume_revert(const struct lk_uc *uc, const struct lk_commit *c, struct lk_err *err)
{
	(void)lk_err_set(
		err, LK_E_SERVICE, 0,
		"a unit didn't come back, and the run that took the configuration back was cut");
	return take_back(uc, c, LK_E_SERVICE, err);
}

/* What a run that was killed has left besides a change. */
static int sweep(const struct lk_uc *uc, const struct lk_uc_pending *p, struct lk_err *err)
{
	int rc = lk_unpack_discard(uc, err);

	if (rc == LK_OK)
		rc = lk_generation_sweep(uc, err);
	if (rc == LK_OK && p)
		rc = lk_deploy_sweep(uc, p->from, err);
	if (rc == LK_OK && p)
		return lk_deploy_sweep(uc, p->to, err);
	return rc == LK_OK ? lk_generation_prune(uc, err) : rc;
}

/* What was under way can't be read any more: from whatever is in place, the
 * same steps lead to a state that is whole. */
static int guess(const struct lk_uc *uc, struct lk_uc_pending *ret, struct lk_err *err)
{
	struct lk_uc_pending p = { .stage = LK_STAGE_SETTLE };
	bool present = false;
	int rc;

	lk_log(LK_LOG_ERR, "%s; going on from what is in place", err->msg);
	rc = lk_generation_get(uc, "current", &present, &p.to, err);
	p.from = p.to;
	if (rc == LK_OK)
		rc = lk_generation_get(uc, "previous", &present, &p.from, err);
	if (rc == LK_OK)
		*ret = p;
	return rc;
}

int lk_commit_recover(const struct lk_uc *uc, struct lk_err *err)
{
	struct lk_uc_pending p;
	struct lk_commit c;
	bool present = false, has_current = false;
	uint64_t current = 0;
	int rc = lk_uc_pending_read(uc, &present, &p, err);

	if (present && is_lasting(rc, err))
		rc = guess(uc, &p, err);
	if (rc == LK_OK && present)
		rc = check_mounted(uc, p.from, p.to, err);
	if (rc == LK_OK)
		rc = sweep(uc, present ? &p : NULL, err);
	if (rc != LK_OK || !present)
		return rc;
	c = (struct lk_commit){ .from = p.from, .to = p.to };
	rc = lk_generation_get(uc, "current", &has_current, &current, err);
	if (rc != LK_OK)
		return rc;
	if (p.stage == LK_STAGE_REVERT)
		return resume_revert(uc, &c, err);
	if (has_current && current == p.to)
		return resume(uc, &c, err);
	lk_log(LK_LOG_INFO,
	       "configuration %" PRIu64
	       " wasn't put in place before the last run ended; what it left is removed",
	       p.to);
	return abandon(uc, &c, false, err);
}

bool lk_commit_is_pending(const struct lk_uc *uc)
{
	struct lk_uc_pending p;
	bool present = false;

	return lk_uc_pending_read(uc, &present, &p, NULL) != LK_OK || present;
}
