/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns putting links in place, and taking them away. */
#include "deploy.h"

#include <errno.h>
#include <string.h>

#include "copies.h"
#include "generation.h"
#include "keep.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "turn.h"

/** Destinations under way from one generation to another. */
struct linking {
	const struct lk_uc *uc;
	uint64_t from;
	uint64_t to;
	bool placed; /* copies are in place */
	unsigned int wrong;
	struct lk_agreed *kept; /* the record of generation 0 */
	size_t n_kept;		/* files that were added to it */
};

/* So that what is read there doesn't change while the link leads to @from. */
static int copy_into_from(const struct linking *l, const char *destination, struct lk_err *err)
{
	char to[PATH_MAX], final[PATH_MAX];
	bool done = false;
	int rc;

	/* Whole or not at all: in a tree, it counts as a file of it. What is
	 * left of one that was cut is no generation, and pruned. */
	lk_uc_state(l->uc, "generations/.copy", to);
	lk_generation_file(l->uc, l->from, destination, final);
	rc = lk_tree_remove(l->uc->at, to, err);
	if (rc == LK_OK)
		rc = lk_keep_restore(l->uc, l->kept, destination, to, &done, err);
	return rc == LK_OK && done ? lk_tree_rename(l->uc->at, to, final, err) : rc;
}

/* Where a copy is to be, what was there comes back as a real file too. */
static int mark_kept(const struct linking *l, const char *destination, struct lk_err *err)
{
	bool copy = false;
	int rc = lk_copies_has(l->uc, l->to, destination, &copy, err);

	if (rc == LK_OK && copy)
		rc = lk_copies_mark(l->uc, LK_GENERATION_ORIGINAL, destination, err);
	if (rc == LK_OK && copy && l->from != LK_GENERATION_ORIGINAL)
		rc = lk_copies_mark(l->uc, l->from, destination, err);
	return rc;
}

/* A file that nobody of ours has put there: it isn't lost. */
static int adopt(void *ctx, const char *destination, enum lk_tree_kind in_tree, struct lk_err *err)
{
	struct linking *l = ctx;
	enum lk_tree_kind kind, was;
	char path[PATH_MAX];
	bool ours = false, kept = false;
	int rc;

	(void)in_tree;
	/* The settings may have changed since, or somebody the tree. */
	if (!lk_userconfig_prefix_of(&l->uc->settings, destination))
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "%s: not within one of this device's prefixes", destination);
	rc = lk_deploy_is_ours(l->uc, destination, &ours, err);
	if (rc == LK_OK && !ours)
		rc = lk_deploy_check_place(l->uc, destination, err);
	if (rc != LK_OK || ours)
		return rc;
	rc = lk_tree_kind(l->uc->at, destination, &kind, err);
	if (rc == LK_OK && kind == LK_TREE_DIR)
		rc = lk_deploy_is_folder_of_links(l->uc, destination, &ours, err);
	if (rc == LK_OK && kind == LK_TREE_FILE)
		rc = lk_copies_is_ours(l->uc, l->from, destination, &ours, err);
	if (rc != LK_OK || ours || kind == LK_TREE_NONE)
		return rc;
	lk_generation_file(l->uc, l->from, destination, path);
	rc = lk_tree_kind(l->uc->at, path, &was, err);
	if (rc == LK_OK)
		rc = lk_keep_file(l->uc, destination, l->kept, &kept, err);
	if (rc != LK_OK || !kept)
		return rc;
	l->n_kept++;
	if (was != LK_TREE_NONE && l->from != LK_GENERATION_ORIGINAL)
		lk_log(LK_LOG_WARNING,
		       "%s was replaced by another file since configuration %llu; that file is kept as the original one",
		       destination, (unsigned long long)l->from);
	if (was == LK_TREE_NONE)
		LK_TRY(mark_kept(l, destination, err));
	if (l->from == LK_GENERATION_ORIGINAL || was != LK_TREE_NONE)
		return LK_OK;
	return copy_into_from(l, destination, err);
}

static int set_link(void *ctx, const char *destination, enum lk_tree_kind in_tree,
		    struct lk_err *err)
{
	struct linking *l = ctx;
	char text[LK_TREE_LINK_MAX];
	bool ours = false, folder = false;
	int rc = lk_deploy_is_ours(l->uc, destination, &ours, err);

	(void)in_tree;
	/* A copy is put in place after the switch. */
	if (rc == LK_OK && !ours)
		rc = lk_copies_has(l->uc, l->to, destination, &ours, err);
	if (rc != LK_OK || ours)
		return rc;
	rc = lk_deploy_is_folder_of_links(l->uc, destination, &folder, err);
	if (rc != LK_OK || folder)
		return rc == LK_OK ? lk_turn_fold(l->uc, destination, err) : rc;
	rc = lk_deploy_text(l->uc, destination, text, err);
	if (rc == LK_OK)
		rc = lk_tree_set_link(l->uc->at, destination, text, err);
	return rc;
}

static int for_each(struct linking *l, uint64_t sequence,
		    int (*visit)(void *, const char *, enum lk_tree_kind, struct lk_err *),
		    struct lk_err *err)
{
	const struct lk_tree_visitor visitor = { visit, l };
	char path[PATH_MAX];

	lk_generation_path(l->uc, sequence, "tree", path);
	return lk_tree_walk(l->uc->at, path, &visitor, err);
}

static int check_mounted(void *ctx, const char *destination, enum lk_tree_kind in_tree,
			 struct lk_err *err)
{
	const struct linking *l = ctx;

	(void)in_tree;
	return lk_uc_check_mounted(l->uc, destination, err);
}

int lk_deploy_check_mounted(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err)
{
	struct linking l = { .uc = uc };

	return uc->n_unmounted ? for_each(&l, sequence, check_mounted, err) : LK_OK;
}

/* Before a link is set: from then on the kept file is what is read there. */
static int adopt_all(struct linking *l, uint64_t to, const struct lk_agreement_key *key,
		     struct lk_err *err)
{
	char name[sizeof("generations/") + LK_GENERATION_ID_SIZE + sizeof(LK_AGREEMENT_NAME)] =
		"generations/";
	LK_OWNED_AGREED kept = LK_AGREED_NONE;
	int rc = lk_keep_read_record(l->uc, key, &kept, err);

	l->kept = &kept;
	if (rc == LK_OK)
		rc = for_each(l, to, adopt, err);
	l->kept = NULL;
	lk_generation_id(LK_GENERATION_ORIGINAL, name + strlen(name));
	strcat(name, "/" LK_AGREEMENT_NAME);
	if (rc == LK_OK && l->n_kept)
		rc = lk_agreement_write(l->uc, key, &kept, name, err);
	return rc;
}

int lk_deploy_link(const struct lk_uc *uc, uint64_t from, uint64_t to,
		   const struct lk_agreement_key *key, struct lk_err *err)
{
	struct linking l = { .uc = uc, .from = from, .to = to };
	LK_OWNED_FD state = -1;
	int rc = lk_tree_open_dir(uc->at, uc->settings.state_directory.text, false, &state, err);

	if (rc == LK_OK)
		rc = adopt_all(&l, to, key, err);
	if (rc == LK_OK)
		rc = lk_turn_note_folders(uc, to, err);
	if (rc == LK_OK)
		rc = lk_tree_sync(state, err);
	if (rc == LK_OK)
		rc = for_each(&l, to, set_link, err);
	return rc;
}

struct sweeping {
	const struct lk_uc *uc;
	char last[PATH_MAX]; /* folder that was swept */
};

/* What has a moment's name in one folder: links, and folders of links. */
static int sweep_one(const struct lk_uc *uc, const char *folder, struct lk_err *err)
{
	char text[LK_TREE_LINK_MAX], slashed[PATH_MAX];
	int rc;

	lk_uc_join(slashed, folder, "/");
	rc = lk_deploy_text(uc, slashed, text, err);
	if (rc == LK_OK)
		rc = lk_tree_sweep_links(uc->at, folder, text, err);
	if (rc == LK_OK)
		rc = lk_copies_sweep(uc, folder, err);
	return rc == LK_OK ? lk_turn_sweep(uc, folder, err) : rc;
}

static int sweep_folder(void *ctx, const char *destination, enum lk_tree_kind in_tree,
			struct lk_err *err)
{
	struct sweeping *s = ctx;
	char folder[PATH_MAX];
	bool within = true;
	int rc = LK_OK;

	(void)in_tree;
	lk_uc_join(folder, destination, "");
	*strrchr(folder, '/') = '\0';
	if (strcmp(folder, s->last) == 0)
		return LK_OK;
	lk_uc_join(s->last, folder, "");
	/* Up to the prefix: a folder that was about to be exchanged lies beside it. */
	while (within && *folder && (rc == LK_OK || rc == LK_E_REFUSED)) {
		rc = sweep_one(s->uc, folder, err);
		within = lk_userconfig_prefix_of(&s->uc->settings, folder);
		*strrchr(folder, '/') = '\0';
	}
	/* A link in the way: none of ours was ever made beyond it. */
	return rc == LK_E_REFUSED ? LK_OK : rc;
}

int lk_deploy_sweep(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err)
{
	struct sweeping s = { .uc = uc };
	const struct lk_tree_visitor visitor = { sweep_folder, &s };
	char path[PATH_MAX];

	lk_generation_path(uc, sequence, "tree", path);
	return lk_tree_walk(uc->at, path, &visitor, err);
}

/* A copy that nobody has changed goes with its generation. One that somebody has changed is
 * that one's from now on. What was there before Latchkey is never taken away. */
static int is_gone_copy(const struct linking *l, const char *destination, bool *ret,
			struct lk_err *err)
{
	enum lk_tree_kind kind = LK_TREE_NONE;
	bool marked = false;

	*ret = false;
	if (!l->placed || l->to == LK_GENERATION_ORIGINAL)
		return LK_OK;
	LK_TRY(lk_copies_has(l->uc, l->to, destination, &marked, err));
	if (!marked || lk_tree_kind(l->uc->at, destination, &kind, NULL) != LK_OK ||
	    kind != LK_TREE_FILE)
		return LK_OK;
	LK_TRY(lk_copies_is_ours(l->uc, l->to, destination, ret, err));
	if (!*ret)
		lk_log(LK_LOG_WARNING,
		       "%s was changed since configuration %llu put it there, and isn't part of the new one; it stays as it is",
		       destination, (unsigned long long)l->to);
	return LK_OK;
}

static int unlink_gone(void *ctx, const char *destination, enum lk_tree_kind in_tree,
		       struct lk_err *err)
{
	struct linking *l = ctx; /* from: the generation that is kept; to: the one that is gone */
	enum lk_tree_kind kind;
	char path[PATH_MAX];
	bool ours = false;
	int rc;

	(void)in_tree;
	lk_generation_file(l->uc, l->from, destination, path);
	rc = lk_tree_kind(l->uc->at, path, &kind, err);
	/* Below what is a file now. */
	if (rc == LK_E_REFUSED)
		return LK_OK;
	if (rc == LK_OK && kind == LK_TREE_NONE)
		rc = lk_deploy_is_own_link(l->uc, destination, &ours, err);
	if (rc == LK_OK && kind == LK_TREE_NONE && !ours)
		rc = is_gone_copy(l, destination, &ours, err);
	if (rc == LK_OK && ours)
		rc = lk_tree_remove(l->uc->at, destination, err);
	return rc == LK_OK && ours ? lk_turn_remove_empty(l->uc, destination, err) : rc;
}

int lk_deploy_tidy(const struct lk_uc *uc, uint64_t gone, uint64_t kept, bool placed,
		   struct lk_err *err)
{
	struct linking l = { .uc = uc, .from = kept, .to = gone, .placed = placed };
	int rc = for_each(&l, gone, unlink_gone, err);

	return rc == LK_OK ? lk_turn_unfold(uc, kept, err) : rc;
}

static int verify_one(void *ctx, const char *destination, enum lk_tree_kind in_tree,
		      struct lk_err *err)
{
	struct linking *l = ctx;
	struct lk_err why = { 0 };
	bool ours = false, copy = false;

	(void)in_tree;
	(void)err;
	/* A link in the way is a finding, and the search goes on. */
	if (lk_copies_has(l->uc, l->from, destination, &copy, &why) == LK_OK && copy)
		return LK_OK;
	if (lk_deploy_is_ours(l->uc, destination, &ours, &why) == LK_OK && ours)
		return LK_OK;
	l->wrong++;
	lk_log(LK_LOG_ERR, "%s: %s", destination,
	       why.msg[0] ? why.msg : "isn't the link that was put there any more");
	return LK_OK;
}

static int count_change(void *ctx, const char *destination, enum lk_tree_kind kind,
			struct lk_err *err)
{
	struct linking *l = ctx;

	(void)err;
	l->wrong++;
	lk_log(LK_LOG_ERR, "%s: %s", destination,
	       kind == LK_TREE_NONE   ? "the copy that was put there is gone"
	       : kind == LK_TREE_FILE ? "the copy that was put there has been changed"
				      : "isn't the copy that was put there any more");
	return LK_OK;
}

int lk_deploy_verify(const struct lk_uc *uc, uint64_t sequence, unsigned int *ret_wrong,
		     struct lk_err *err)
{
	struct linking l = { .uc = uc, .from = sequence };
	const struct lk_tree_visitor changed = { count_change, &l };
	int rc = for_each(&l, sequence, verify_one, err);

	if (rc == LK_OK)
		rc = lk_copies_changed(uc, sequence, &changed, err);
	if (rc == LK_OK)
		*ret_wrong = l.wrong;
	return rc;
}
