/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-userconfig reset: the device as it was before its first configuration. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admit.h"
#include "copies.h"
#include "deploy.h"
#include "generation.h"
#include "keep.h"
#include "sys/os/confirm.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"
#include "turn.h"

/** Destinations of every generation that is there, in turn. */
struct resetting {
	const struct lk_uc *uc;
	struct lk_agreed *kept;
	uint64_t sequence;
	unsigned int unproven; /* kept files that aren't what was kept */
	unsigned int restored;
};

/* An original, whole, beside its place; then in it. */
static int put_back(struct resetting *r, const char *destination, bool *ret_done,
		    struct lk_err *err)
{
	char folder[PATH_MAX], beside[PATH_MAX], name[LK_TREE_TEMPORARY_SIZE + 5];
	LK_OWNED_FD fd = -1;

	LK_TRY(lk_tree_temporary(name, err));
	strcat(name, ".copy"); /* lk_copies_sweep() takes away what a cut leaves of it */
	lk_uc_join(folder, destination, "");
	strrchr(folder, '/')[1] = '\0';
	lk_uc_join(beside, folder, name);
	LK_TRY(lk_keep_restore(r->uc, r->kept, destination, beside, ret_done, err));
	if (!*ret_done)
		return LK_OK;
	LK_TRY(lk_tree_open_file(r->uc->at, beside, &fd, err));
	if (fsync(fd) != 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't sync: %s", destination,
				  strerror(errno));
	return lk_tree_rename(r->uc->at, beside, destination, err);
}

/* Below a link of ours to a folder there is nothing but ours. */
static int remove_link_above(const struct resetting *r, const char *destination, struct lk_err *err)
{
	char above[PATH_MAX] = "";

	LK_TRY(lk_deploy_link_above(r->uc, destination, above, err));
	return *above ? lk_tree_remove(r->uc->at, above, err) : LK_OK;
}

static int is_ours(const struct resetting *r, const char *destination, bool *ret,
		   struct lk_err *err)
{
	LK_TRY(lk_deploy_is_ours(r->uc, destination, ret, err));
	/* In generation 0 lies what was there before: that stays. */
	if (!*ret && r->sequence != LK_GENERATION_ORIGINAL)
		return lk_copies_is_ours(r->uc, r->sequence, destination, ret, err);
	return LK_OK;
}

static int reset_one(void *ctx, const char *destination, enum lk_tree_kind in_tree,
		     struct lk_err *err)
{
	struct resetting *r = ctx;
	enum lk_tree_kind kind = LK_TREE_NONE;
	char kept[PATH_MAX];
	bool ours = false, done = false;

	(void)in_tree;
	LK_TRY(remove_link_above(r, destination, err));
	/* Another link on the way, or something else in its place, is nobody's of ours. */
	if (is_ours(r, destination, &ours, NULL) != LK_OK || !ours)
		return LK_OK;
	lk_generation_file(r->uc, LK_GENERATION_ORIGINAL, destination, kept);
	LK_TRY(lk_tree_kind(r->uc->at, kept, &kind, err));
	if (kind == LK_TREE_FILE) {
		LK_TRY(put_back(r, destination, &done, err));
		r->restored += done;
		r->unproven += !done;
		return LK_OK;
	}
	LK_TRY(lk_tree_remove(r->uc->at, destination, err));
	return lk_turn_remove_empty(r->uc, destination, err);
}

static int say_changed(void *ctx, const char *destination, enum lk_tree_kind kind,
		       struct lk_err *err)
{
	(void)ctx;
	(void)err;
	if (kind == LK_TREE_FILE)
		lk_log(LK_LOG_WARNING,
		       "%s was changed on this device since it was put there; it stays as it is",
		       destination);
	return LK_OK;
}

static int reset_generation(void *ctx, uint64_t sequence, struct lk_err *err)
{
	struct resetting *r = ctx;
	const struct lk_tree_visitor visitor = { reset_one, r };
	const struct lk_tree_visitor changed = { say_changed, NULL };
	uint64_t current = 0;
	bool present = false;
	char path[PATH_MAX];

	r->sequence = sequence;
	LK_TRY(lk_deploy_sweep(r->uc, sequence, err));
	/* Before they are gone, which would be told as a change. */
	if (lk_generation_get(r->uc, "current", &present, &current, NULL) == LK_OK && present &&
	    current == sequence)
		LK_TRY(lk_copies_changed(r->uc, sequence, &changed, err));
	lk_generation_path(r->uc, sequence, "tree", path);
	return lk_tree_walk(r->uc->at, path, &visitor, err);
}

static int count_file(void *ctx, const char *path, enum lk_tree_kind kind, struct lk_err *err)
{
	(void)path;
	(void)err;
	*(unsigned int *)ctx += kind == LK_TREE_FILE;
	return LK_OK;
}

/* The record of what was there before is proven by the TPM; where nothing was, none is needed. */
static int read_kept(const struct lk_uc *uc, struct lk_agreed *ret, struct lk_err *err)
{
	LK_OWNED_AGREEMENT_KEY key = LK_AGREEMENT_KEY_NONE;
	LK_OWNED_TPM tpm = NULL;
	unsigned int files = 0;
	const struct lk_tree_visitor visitor = { count_file, &files };
	char path[PATH_MAX];

	lk_generation_path(uc, LK_GENERATION_ORIGINAL, "tree", path);
	LK_TRY(lk_tree_walk(uc->at, path, &visitor, err));
	if (!files)
		return LK_OK;
	LK_TRY(lk_uc_tpm(uc, NULL, &tpm, err));
	LK_TRY(lk_agreement_key(tpm, &key, err));
	return lk_keep_read_record(uc, &key, ret, err);
}

static int remove_state(const struct lk_uc *uc, struct lk_err *err)
{
	/* The order of a cut: as long as a generation is there, what it has put in place is found. */
	static const char *const names[] = { "pending.json", "previous", "current", "generations",
					     "folders" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		lk_uc_state(uc, names[i], path);
		LK_TRY(lk_tree_remove(uc->at, path, err));
	}
	LK_TRY(lk_tree_remove(uc->at, LK_UC_VOLATILE, err));
	return lk_tree_sync_dir(uc->at, uc->settings.state_directory.text, err);
}

static int remove_upload(void *ctx, const char *name, enum lk_tree_kind kind, struct lk_err *err)
{
	const struct lk_uc *uc = ctx;
	char folder[PATH_MAX], path[PATH_MAX];

	(void)kind;
	lk_uc_join(folder, uc->settings.upload_directory.text, "/");
	lk_uc_join(path, folder, name);
	return lk_tree_remove(uc->at, path, err);
}

static int check_generation(void *ctx, uint64_t sequence, struct lk_err *err)
{
	return lk_deploy_check_mounted(ctx, sequence, err);
}

/* Links there would stay, and what was there before them would be lost with the state directory. */
static int check_mounted(struct lk_uc *uc, struct lk_err *err)
{
	if (lk_generation_each(uc, check_generation, uc, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "nothing was changed");
	return err->rc;
}

/* On a stick that isn't there, for one. */
static int empty_upload_directory(const struct lk_uc *uc, struct lk_err *err)
{
	const struct lk_tree_visitor uploads = { remove_upload, (void *)(uintptr_t)uc };
	const char *folder = uc->settings.upload_directory.text;

	if (lk_uc_is_mounted(uc, folder))
		return lk_tree_list(uc->at, folder, &uploads, err);
	lk_log(LK_LOG_WARNING, "%s lies on a volume that isn't mounted: uploads there stay",
	       folder);
	return LK_OK;
}

static int reset(struct resetting *r, struct lk_err *err)
{
	const struct lk_uc *uc = r->uc;
	LK_OWNED_FD state = -1;

	LK_TRY(lk_generation_each(uc, reset_generation, r, err));
	if (r->unproven)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"%u of the files that were there before aren't what was kept (see above), and nothing more is removed; look at each, put it where it belongs by hand, remove it from generation 0, and run this again",
			r->unproven);
	LK_TRY(lk_tree_open_dir(uc->at, uc->settings.state_directory.text, false, &state, err));
	LK_TRY(lk_tree_sync(state, err));
	LK_TRY(remove_state(uc, err));
	return empty_upload_directory(uc, err);
}

int lk_uc_reset(const struct lk_uc_options *opts, struct lk_err *err)
{
	LK_OWNED_AGREED kept = LK_AGREED_NONE;
	struct resetting r = { .kept = &kept };
	LK_OWNED_UC uc = NULL;

	LK_TRY(lk_uc_open(opts, true, &uc, err));
	LK_TRY(check_mounted(uc, err));
	fprintf(stderr,
		"Every configuration that was applied, and what is in %s, will be lost.\n"
		"Files that were there before are put back; those that were kept from changes since then are lost.\n",
		uc->settings.upload_directory.text);
	LK_TRY(lk_confirm_typed(opts->yes, "configuration", err));
	r.uc = uc;
	LK_TRY(read_kept(uc, &kept, err));
	LK_TRY(reset(&r, err));
	lk_log(LK_LOG_INFO,
	       "no configuration is in place, as before the first one: %u file%s of before put back, %s is empty; the TPM's sequence floor stays",
	       r.restored, r.restored == 1 ? "" : "s", uc->settings.upload_directory.text);
	return LK_OK;
}
