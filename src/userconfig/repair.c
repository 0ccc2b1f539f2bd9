/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns taking out of the state directory what can't be what its name says, so that the next good blob puts it right. */
#include <stdio.h>

#include "copies.h"
#include "generation.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"

static int take_out(const struct lk_uc *uc, const char *path, struct lk_err *err)
{
	lk_log(LK_LOG_WARNING,
	       "%s: damaged: something else is there than what belongs there; it is removed, and the next configuration makes it anew",
	       path);
	return lk_tree_remove(uc->at, path, err);
}

static int keep_if(const struct lk_uc *uc, const char *name, enum lk_tree_kind kind,
		   struct lk_err *err)
{
	enum lk_tree_kind is = LK_TREE_NONE;
	char path[PATH_MAX];

	lk_uc_state(uc, name, path);
	LK_TRY(lk_tree_kind(uc->at, path, &is, err));
	return is == LK_TREE_NONE || is == kind ? LK_OK : take_out(uc, path, err);
}

/* A link that points to no generation is as good as none. */
static int keep_link(const struct lk_uc *uc, const char *name, struct lk_err *err)
{
	struct lk_err why = { 0 };
	uint64_t sequence = 0;
	bool present = false;
	char path[PATH_MAX];

	LK_TRY(keep_if(uc, name, LK_TREE_LINK, err));
	if (lk_generation_get(uc, name, &present, &sequence, &why) != LK_E_INPUT)
		return LK_OK;
	lk_uc_state(uc, name, path);
	return take_out(uc, path, err);
}

int lk_uc_repair_lock(const struct lk_uc *uc, struct lk_err *err)
{
	return keep_if(uc, "lock", LK_TREE_FILE, err);
}

/* A generation is a folder with a folder "tree"; what is under way has a dot before its name. */
static int keep_generation(void *ctx, const char *name, enum lk_tree_kind kind, struct lk_err *err)
{
	const struct lk_uc *uc = ctx;
	char sub[sizeof("generations/") + 255 + sizeof("/" LK_COPIES)];

	(void)kind;
	if (name[0] == '.')
		return LK_OK;
	(void)snprintf(sub, sizeof(sub), "generations/%.255s", name);
	LK_TRY(keep_if(uc, sub, LK_TREE_DIR, err));
	(void)snprintf(sub, sizeof(sub), "generations/%.255s/tree", name);
	LK_TRY(keep_if(uc, sub, LK_TREE_DIR, err));
	(void)snprintf(sub, sizeof(sub), "generations/%.255s/" LK_COPIES, name);
	return keep_if(uc, sub, LK_TREE_DIR, err);
}

int lk_uc_repair(const struct lk_uc *uc, struct lk_err *err)
{
	const struct lk_tree_visitor each = { keep_generation, (void *)(uintptr_t)uc };
	char path[PATH_MAX];

	LK_TRY(keep_if(uc, "generations", LK_TREE_DIR, err));
	lk_uc_state(uc, "generations", path);
	LK_TRY(lk_tree_list(uc->at, path, &each, err));
	LK_TRY(keep_link(uc, "current", err));
	return keep_link(uc, "previous", err);
}
