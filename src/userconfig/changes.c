/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns comparing generations. */
#include "changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "generation.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"

/** Two generations side by side. */
struct comparison {
	const struct lk_uc *uc;
	uint64_t from;
	uint64_t to;
	struct lk_manifest before;
	struct lk_manifest after;
	struct lk_changes *found;
};

/* Where the file of a destination really lies: on disk or in memory. */
static int place_of(const struct lk_uc *uc, uint64_t sequence, const char *destination,
		    char ret[static PATH_MAX], enum lk_tree_kind *ret_kind, struct lk_err *err)
{
	int rc;

	lk_generation_file(uc, sequence, destination, ret);
	rc = lk_tree_kind(uc->at, ret, ret_kind, err);
	/* The one has a file where the other has a folder. */
	if (rc == LK_E_REFUSED) {
		*ret_kind = LK_TREE_NONE;
		return LK_OK;
	}
	if (rc != LK_OK || *ret_kind != LK_TREE_LINK)
		return rc;
	lk_generation_volatile(sequence, destination, ret);
	return lk_tree_kind(uc->at, ret, ret_kind, err);
}

static bool differs(const struct comparison *c, const char *destination)
{
	char a[PATH_MAX], b[PATH_MAX];
	enum lk_tree_kind ka = LK_TREE_NONE, kb = LK_TREE_NONE;
	struct lk_err why = { 0 };
	bool same = false;
	int rc = place_of(c->uc, c->from, destination, a, &ka, &why);

	if (rc == LK_OK)
		rc = place_of(c->uc, c->to, destination, b, &kb, &why);
	if (rc == LK_OK && ka == LK_TREE_FILE && kb == LK_TREE_FILE)
		rc = lk_tree_same(c->uc->at, a, c->uc->at, b, &same, &why);
	else
		same = ka == LK_TREE_NONE && kb == LK_TREE_NONE;
	if (rc != LK_OK)
		lk_log(LK_LOG_WARNING, "%s: taken for changed: %s", destination, why.msg);
	return rc != LK_OK || !same;
}

/* Where it is among those that are sorted, or would be. */
static size_t find_unit(const struct lk_changes *found, const char *unit, bool *ret_there)
{
	size_t low = 0, high = found->n_actions;

	*ret_there = false;
	while (low < high && !*ret_there) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(unit, found->action[found->by_name[middle]].unit);

		*ret_there = order == 0;
		if (order == 0)
			return middle;
		*(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
	}
	return low;
}

static int grow(struct lk_changes *found, struct lk_err *err)
{
	size_t cap = found->cap ? 2 * found->cap : 64;
	struct lk_unit_action *action;
	size_t *by_name;

	if (found->n_actions < found->cap)
		return LK_OK;
	action = reallocarray(found->action, cap, sizeof(*action));
	if (action)
		found->action = action;
	by_name = reallocarray(found->by_name, cap, sizeof(*by_name));
	if (by_name)
		found->by_name = by_name;
	if (!action || !by_name)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	found->cap = cap;
	return LK_OK;
}

static int add_unit(struct lk_changes *found, const char *unit, bool reload, struct lk_err *err)
{
	bool there = false;
	size_t at = find_unit(found, unit, &there);
	char *name;

	if (there) {
		found->action[found->by_name[at]].reload &= reload;
		return LK_OK;
	}
	LK_TRY(grow(found, err));
	name = strdup(unit);
	if (!name)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	memmove(found->by_name + at + 1, found->by_name + at,
		(found->n_actions - at) * sizeof(*found->by_name));
	found->by_name[at] = found->n_actions;
	found->action[found->n_actions++] = (struct lk_unit_action){ name, reload };
	return LK_OK;
}

void lk_changes_done(struct lk_changes *c)
{
	for (size_t i = 0; i < c->n_actions; i++)
		free((void *)(uintptr_t)c->action[i].unit);
	free(c->action);
	free(c->by_name);
	*c = LK_CHANGES_NONE;
}

static int add_units(struct comparison *c, const struct lk_manifest *m, const char *destination,
		     struct lk_err *err)
{
	int rc = LK_OK;

	for (size_t i = 0; i < m->n_files; i++) {
		const struct lk_manifest_file *f = &m->files[i];

		if (!lk_manifest_covers(f, destination))
			continue;
		for (size_t k = 0; rc == LK_OK && k < f->n_restart; k++)
			rc = add_unit(c->found, f->restart[k], false, err);
		for (size_t k = 0; rc == LK_OK && k < f->n_reload; k++)
			rc = add_unit(c->found, f->reload[k], true, err);
	}
	return rc;
}

static int compare(struct comparison *c, const char *destination, struct lk_err *err)
{
	int rc;

	if (!differs(c, destination))
		return LK_OK;
	c->found->files++;
	rc = add_units(c, &c->after, destination, err);
	if (rc == LK_OK)
		rc = add_units(c, &c->before, destination, err);
	return rc;
}

static int compare_new(void *ctx, const char *destination, enum lk_tree_kind kind,
		       struct lk_err *err)
{
	(void)kind;
	return compare(ctx, destination, err);
}

/* Of the old generation, only what the new one lacks. */
static int compare_old(void *ctx, const char *destination, enum lk_tree_kind kind,
		       struct lk_err *err)
{
	const struct comparison *c = ctx;
	char path[PATH_MAX];

	/* A folder, or a file on the way: the old file is gone. */
	lk_generation_file(c->uc, c->to, destination, path);
	if (lk_tree_kind(c->uc->at, path, &kind, NULL) == LK_OK &&
	    (kind == LK_TREE_FILE || kind == LK_TREE_LINK))
		return LK_OK;
	return compare(ctx, destination, err);
}

static int compare_trees(struct comparison *c, struct lk_err *err)
{
	const struct lk_tree_visitor after = { compare_new, c };
	const struct lk_tree_visitor before = { compare_old, c };
	char path[PATH_MAX];
	int rc;

	lk_generation_path(c->uc, c->to, "tree", path);
	rc = lk_tree_walk(c->uc->at, path, &after, err);
	lk_generation_path(c->uc, c->from, "tree", path);
	if (rc == LK_OK)
		rc = lk_tree_walk(c->uc->at, path, &before, err);
	return rc;
}

/* It was good when it was written. One that has been spoiled since names no
 * units, and doesn't keep the next configuration out. */
static void read_manifest(const struct lk_uc *uc, uint64_t sequence, struct lk_manifest *ret)
{
	struct lk_err why = { 0 };

	if (lk_uc_manifest_read(uc, sequence, ret, &why) != LK_OK)
		lk_log(LK_LOG_ERR, "%s; no unit is restarted for it", why.msg);
}

int lk_changes_find(const struct lk_uc *uc, uint64_t from, uint64_t to, struct lk_changes *ret,
		    struct lk_err *err)
{
	LK_OWNED_MANIFEST before = LK_MANIFEST_NONE;
	LK_OWNED_MANIFEST after = LK_MANIFEST_NONE;
	struct comparison c = { .uc = uc, .from = from, .to = to };

	read_manifest(uc, from, &before);
	read_manifest(uc, to, &after);
	c.before = before;
	c.after = after;
	c.found = ret;
	*ret = LK_CHANGES_NONE;
	return compare_trees(&c, err);
}
