/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig apply. */
#include <inttypes.h>
#include <stdio.h>

#include "commit.h"
#include "copies.h"
#include "deploy.h"
#include "generation.h"
#include "plan.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"
#include "unpack.h"
#include "upload.h"
#include "verify.h"

/* Is it the blob's fault, so that trying again is of no use? */
static bool is_refusal(int rc)
{
	/* After LK_E_SERVICE lk_commit has put it aside. */
	return rc == LK_E_INPUT || rc == LK_E_POLICY || rc == LK_E_REFUSED;
}

/* What is wrong with the state directory itself leaves the blob where it is. */
static int not_the_blobs(int rc, struct lk_err *err)
{
	if (!is_refusal(rc))
		return rc;
	err->rc = LK_E_IO;
	return LK_E_IO;
}

static void show_plan(const struct lk_plan *plan, uint64_t sequence)
{
	printf("configuration %" PRIu64 "%s", sequence, plan->manifest.label[0] ? ", " : "");
	lk_print_shown(stdout, plan->manifest.label);
	printf(" would be applied:\n");
	for (size_t i = 0; i < plan->n_files; i++) {
		const struct lk_plan_file *f = &plan->files[i];

		printf("  ");
		lk_print_shown(stdout, f->destination);
		printf("  %04o %u:%u  %" PRIu64 " bytes%s\n", (unsigned int)f->mode, f->uid, f->gid,
		       f->size,
		       f->is_volatile ? ", in memory"
		       : f->is_copy   ? ", a copy"
				      : "");
	}
}

static void report(const struct lk_plan *plan, uint64_t sequence,
		   const struct lk_commit_result *result)
{
	lk_log(LK_LOG_INFO,
	       "configuration %" PRIu64
	       "%s%s is in place: %zu file%s, %u changed, %zu unit%s concerned",
	       sequence, plan->manifest.label[0] ? ", " : "", plan->manifest.label, plan->n_files,
	       plan->n_files == 1 ? "" : "s", result->files_changed, result->units,
	       result->units == 1 ? "" : "s");
}

/* From a plan to a configuration in place. */
static int carry_out(const struct lk_uc *uc, struct lk_admitted *blob, const struct lk_plan *plan,
		     struct lk_err *err)
{
	struct lk_commit c = {
		.to = lk_verified_blob_header(blob->blob)->sequence,
		.raise_floor = true,
		.tpm = &blob->tpm,
		.key = &blob->agreement,
	};
	struct lk_commit_result result = { 0 };
	int rc = not_the_blobs(lk_generation_begin(uc, &c.from, err), err);

	if (rc == LK_OK)
		rc = lk_unpack(uc, blob, plan, err);
	/* What follows lets other programs run. */
	lk_secret_done(&blob->content_key);
	/* Beneath the state directory a link in the way is no blob's. */
	if (rc == LK_E_REFUSED)
		rc = not_the_blobs(rc, err);
	if (rc == LK_OK && plan->volatile_bytes)
		rc = lk_volatile_mark(uc, c.to, err);
	if (rc == LK_OK)
		rc = lk_commit(uc, &c, &result, err);
	if (rc == LK_OK)
		report(plan, c.to, &result);
	return rc;
}

static int apply_blob(const struct lk_uc *uc, const struct lk_upload *upload, struct lk_err *err)
{
	LK_OWNED_ADMITTED blob = LK_ADMITTED_NONE;
	LK_OWNED_PLAN plan = LK_PLAN_NONE;
	int copy = -1;
	int rc = not_the_blobs(uc->opts->dry_run ? lk_unpack_try(uc, &copy, err)
						 : lk_unpack_begin(uc, &copy, err),
			       err);

	if (rc == LK_OK)
		rc = lk_admit(uc, &(struct lk_blob_copy){ upload->fd, copy, uc->settings.max_blob },
			      LK_ADMIT_NEW, &blob, err);
	if (rc == LK_OK)
		rc = lk_plan_make(uc, &blob, &plan, err);
	if (rc == LK_OK && uc->opts->dry_run)
		show_plan(&plan, lk_verified_blob_header(blob.blob)->sequence);
	else if (rc == LK_OK)
		rc = carry_out(uc, &blob, &plan, err);
	return rc;
}

/* Which of those that are kept has the sequence that an upload says it has. */
static bool is_kept(const struct lk_uc *uc, const struct lk_upload *upload, uint64_t *ret_sequence,
		    bool *ret_current)
{
	static const char *const which[] = { "current", "previous" };
	struct lk_blob_header h;
	uint64_t size = 0;

	if (lk_blob_peek(upload->fd, &h, &size, NULL) != LK_OK)
		return false;
	for (size_t i = 0; i < 2; i++) {
		bool present = false;

		if (lk_generation_get(uc, which[i], &present, ret_sequence, NULL) == LK_OK &&
		    present && *ret_sequence == h.sequence) {
			*ret_current = i == 0;
			return true;
		}
	}
	return false;
}

/* The same signed bytes as this device has applied, by its own record? */
static bool is_the_same(const struct lk_uc *uc, const struct lk_admitted *blob, uint64_t sequence)
{
	LK_OWNED_AGREED agreed = LK_AGREED_NONE;

	return lk_agreement_read(uc, &blob->agreement, sequence, &agreed, NULL) == LK_OK &&
	       agreed.tried == !uc->real &&
	       lk_digest_equal(&agreed.blob, lk_verified_blob_digest(blob->blob));
}

static int repair(const struct lk_uc *uc, const struct lk_admitted *blob, uint64_t sequence,
		  bool current, struct lk_err *err)
{
	LK_OWNED_PLAN plan = LK_PLAN_NONE;
	int rc = lk_plan_make(uc, blob, &plan, err);

	if (rc == LK_OK && uc->opts->dry_run) {
		show_plan(&plan, sequence);
		return LK_OK;
	}
	if (rc == LK_OK)
		rc = not_the_blobs(lk_unpack(uc, blob, &plan, err), err);
	if (rc == LK_OK && plan.volatile_bytes)
		rc = lk_volatile_mark(uc, sequence, err);
	if (rc == LK_OK && current)
		rc = lk_deploy_link(uc, sequence, sequence, &blob->agreement, err);
	if (rc == LK_OK && current)
		rc = lk_copies_place(uc, sequence, sequence, NULL, err);
	if (rc == LK_OK)
		lk_log(LK_LOG_WARNING,
		       "configuration %" PRIu64
		       "%s is as it was signed again; units that had read what was changed are not restarted",
		       sequence, current ? "" : ", which is the one before,");
	return rc;
}

/*
 * The blob of a configuration that is kept. In place and whole: a run was cut
 * after its last step but one, and nothing but the upload is left. Changed since:
 * it is put right, which brings nothing that this device doesn't have.
 */
static int apply_again(const struct lk_uc *uc, const struct lk_upload *upload, bool *ret_done,
		       struct lk_err *err)
{
	LK_OWNED_ADMITTED blob = LK_ADMITTED_NONE;
	struct lk_verification v = { .all = true, .with_volatile = true };
	struct lk_err ignored = { 0 };
	uint64_t sequence = 0;
	bool current = false;
	unsigned int links = 0;
	int copy = -1, rc;

	*ret_done = false;
	if (!is_kept(uc, upload, &sequence, &current))
		return LK_OK;
	rc = uc->opts->dry_run ? lk_unpack_try(uc, &copy, err) : lk_unpack_begin(uc, &copy, err);
	if (rc != LK_OK)
		return not_the_blobs(rc, err);
	/* What is wrong with it is said when it is taken for a new one. */
	if (lk_admit(uc, &(struct lk_blob_copy){ upload->fd, copy, uc->settings.max_blob },
		     lk_admission_of_kept(uc), &blob, &ignored) != LK_OK ||
	    !is_the_same(uc, &blob, sequence))
		return LK_OK;
	rc = lk_verify(uc, sequence, &v, NULL, err);
	if (rc == LK_E_NO_TPM || rc == LK_E_SYSTEM || rc == LK_E_OBJECT)
		return rc;
	if (current)
		(void)lk_deploy_verify(uc, sequence, &links, NULL);
	*ret_done = current || rc != LK_OK || v.wrong;
	if (rc != LK_OK || v.wrong || links)
		return repair(uc, &blob, sequence, current, err);
	if (current)
		lk_log(LK_LOG_INFO, "%s: configuration %" PRIu64 ", which is in place already",
		       upload->where, sequence);
	return LK_OK;
}

static void say_nothing_there(const struct lk_uc *uc)
{
	const char *dir = uc->settings.upload_directory.text;
	enum lk_tree_kind kind = LK_TREE_NONE;

	if (!lk_uc_is_mounted(uc, dir)) {
		lk_log(LK_LOG_INFO,
		       "no configuration to apply: %s, the upload-directory, lies on a volume that isn't mounted",
		       dir);
		return;
	}
	(void)lk_tree_kind(uc->at, dir, &kind, NULL);
	lk_log(LK_LOG_INFO, "no configuration to apply in %s%s", dir,
	       kind == LK_TREE_DIR ? "" : ", which isn't there");
}

/* Without the lock: whoever writes slowly holds up nothing but this upload. */
static int wait_for_writer(struct lk_uc *uc, const struct lk_upload *upload, struct lk_err *err)
{
	struct lk_err why = { 0 };
	bool locked = uc->lock >= 0;
	int rc;

	lk_uc_unlock(uc);
	rc = lk_upload_wait(uc, upload, err);
	return !locked || lk_uc_lock(uc, &why) == LK_OK
		       ? rc
		       : lk_err_set(err, why.rc, why.code, "%s", why.msg);
}

/* @ret_again: others may have gone first, so all is to be looked at anew. */
static int take_upload(struct lk_uc *uc, bool *ret_again, struct lk_err *err)
{
	LK_OWNED_UPLOAD upload = LK_UPLOAD_NONE;
	struct lk_err why = { 0 };
	bool present = false, done = false;
	int rc = lk_upload_open(uc, &present, &upload, err);

	if (rc == LK_OK && !present) {
		say_nothing_there(uc);
		return LK_OK;
	}
	*ret_again = rc == LK_OK && upload.dir >= 0 && lk_upload_is_written(&upload);
	if (*ret_again) {
		rc = wait_for_writer(uc, &upload, err);
		*ret_again = rc == LK_OK;
		if (rc == LK_OK)
			return LK_OK;
	}
	if (rc == LK_OK) {
		rc = apply_again(uc, &upload, &done, err);
		if (rc == LK_OK && !done)
			rc = apply_blob(uc, &upload, err);
		if (rc != LK_OK)
			lk_err_prefix(err, "%s", upload.where);
	}
	/* After success it has another name, and nothing is removed. */
	if (!uc->opts->dry_run && lk_unpack_discard(uc, NULL) != LK_OK)
		lk_log(LK_LOG_WARNING, "the next run tidies up");
	if (uc->opts->dry_run || !present)
		return rc;
	if (rc == LK_OK && lk_upload_remove(&upload, &why) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s", why.msg);
	if (is_refusal(rc) && lk_upload_refuse(&upload, err->msg, &why) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s", why.msg);
	return rc;
}

/* What the current configuration keeps in memory alone. */
static int refresh_current(const struct lk_uc *uc, struct lk_err *err)
{
	bool present = false;
	uint64_t current = 0;
	int rc = lk_generation_get(uc, "current", &present, &current, err);

	if (rc == LK_OK && present && current != LK_GENERATION_ORIGINAL)
		rc = lk_volatile_refresh(uc, current, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "volatile files");
	return rc;
}

/* What a run before has left, and what the boot has taken away. */
static int settle_before(const struct lk_uc *uc, struct lk_err *err)
{
	int rc;

	if (uc->opts->dry_run)
		return LK_OK;
	if (!uc->opts->blob)
		lk_upload_sweep(uc);
	rc = lk_commit_recover(uc, err);
	if (rc == LK_OK)
		rc = refresh_current(uc, err);
	/* A change that can't be finished is no ground to begin another. What
	 * else went wrong doesn't keep a new configuration from being applied.
	 */
	if (rc != LK_OK)
		lk_log(LK_LOG_ERR, "%s", err->msg);
	return rc;
}

int lk_uc_apply(const struct lk_uc_options *opts, struct lk_err *err)
{
	LK_OWNED_UC uc = NULL;
	struct lk_err first = { 0 };
	int before = LK_OK;
	bool again = true;
	int rc = lk_uc_open(opts, !opts->dry_run, &uc, err);

	while (rc == LK_OK && again) {
		again = false;
		before = settle_before(uc, &first);
		if (opts->dry_run || !lk_commit_is_pending(uc))
			rc = take_upload(uc, &again, err);
	}
	if (rc == LK_OK && before != LK_OK)
		rc = lk_err_set(err, first.rc, first.code, "what was begun before isn't complete");
	return rc;
}
