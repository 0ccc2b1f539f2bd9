/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns telling what is at a destination: our link, a folder of our links, or somebody's file. */
#include "deploy.h"

#include <errno.h>
#include <string.h>

#include "keep.h"
#include "sys/os/fs.h"

int lk_deploy_relative(const char *from, const char *to, char ret[static LK_TREE_LINK_MAX],
		       struct lk_err *err)
{
	size_t len = 0;

	/* One level up for each folder that @from lies in, below the root. */
	for (const char *p = strchr(from + 1, '/'); p; p = strchr(p + 1, '/')) {
		if (len + 3 >= LK_TREE_LINK_MAX)
			break;
		memcpy(ret + len, "../", 3);
		len += 3;
	}
	if (len + strlen(to + 1) + 1 > LK_TREE_LINK_MAX)
		return lk_err_set(err, LK_E_INPUT, ENAMETOOLONG, "%s: the path is too long", from);
	memcpy(ret + len, to + 1, strlen(to + 1) + 1);
	return LK_OK;
}

int lk_deploy_text(const struct lk_uc *uc, const char *destination,
		   char ret[static LK_TREE_LINK_MAX], struct lk_err *err)
{
	char tree[PATH_MAX], target[PATH_MAX];

	lk_uc_state(uc, "current/tree", tree);
	lk_uc_join(target, tree, destination);
	return lk_deploy_relative(destination, target, ret, err);
}

int lk_deploy_is_own_link(const struct lk_uc *uc, const char *destination, bool *ret,
			  struct lk_err *err)
{
	char want[LK_TREE_LINK_MAX], is[LK_TREE_LINK_MAX];
	int rc = lk_deploy_text(uc, destination, want, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_tree_read_link(uc->at, destination, is, err);
	*ret = rc == LK_OK && strcmp(want, is) == 0;
	return rc == LK_E_REFUSED ? LK_OK : rc;
}

int lk_deploy_link_above(const struct lk_uc *uc, const char *destination, char ret[static PATH_MAX],
			 struct lk_err *err)
{
	char above[PATH_MAX];

	*ret = '\0';
	for (const char *p = strchr(destination + 1, '/'); p; p = strchr(p + 1, '/')) {
		bool own = false;
		int rc;

		memcpy(above, destination, (size_t)(p - destination));
		above[p - destination] = '\0';
		rc = lk_deploy_is_own_link(uc, above, &own, err);
		if (rc != LK_OK)
			return rc;
		if (own) {
			lk_uc_join(ret, above, "");
			return LK_OK;
		}
	}
	return LK_OK;
}

/** A folder whose content is looked through; @as is the name that it will have. */
struct content {
	const struct lk_uc *uc;
	const char *as;
	size_t links;
	bool foreign;
};

static int see_content(void *ctx, const char *path, enum lk_tree_kind kind, struct lk_err *err)
{
	struct content *c = ctx;
	char full[PATH_MAX];
	bool ours = false;
	int rc = LK_OK;

	lk_uc_join(full, c->as, path);
	if (kind == LK_TREE_LINK)
		rc = lk_deploy_is_ours(c->uc, full, &ours, err);
	c->links++;
	c->foreign |= !ours;
	return rc;
}

static int is_all_ours(const struct lk_uc *uc, const char *path, bool *ret, struct lk_err *err)
{
	struct content c = { uc, path, 0, false };
	const struct lk_tree_visitor visitor = { see_content, &c };
	int rc = lk_tree_walk(uc->at, path, &visitor, err);

	*ret = rc == LK_OK && c.links && !c.foreign;
	return rc;
}

int lk_deploy_is_folder_of_links(const struct lk_uc *uc, const char *destination, bool *ret,
				 struct lk_err *err)
{
	enum lk_tree_kind kind = LK_TREE_NONE;
	int rc = lk_tree_kind(uc->at, destination, &kind, err);

	*ret = false;
	return rc == LK_OK && kind == LK_TREE_DIR ? is_all_ours(uc, destination, ret, err) : rc;
}

int lk_deploy_is_ours(const struct lk_uc *uc, const char *destination, bool *ret,
		      struct lk_err *err)
{
	char above[PATH_MAX];
	int rc = lk_deploy_is_own_link(uc, destination, ret, err);

	if (rc != LK_OK || *ret)
		return rc;
	rc = lk_deploy_link_above(uc, destination, above, err);
	*ret = rc == LK_OK && *above;
	return rc;
}

int lk_deploy_check_place(const struct lk_uc *uc, const char *destination, struct lk_err *err)
{
	enum lk_tree_kind kind;
	bool ours = false;
	int rc = lk_uc_check_mounted(uc, destination, err);

	if (rc == LK_OK)
		rc = lk_deploy_is_ours(uc, destination, &ours, err);
	if (rc != LK_OK || ours)
		return rc;
	rc = lk_tree_kind(uc->at, destination, &kind, err);
	if (rc == LK_OK && kind == LK_TREE_DIR)
		rc = lk_deploy_is_folder_of_links(uc, destination, &ours, err);
	if (rc != LK_OK || ours || kind == LK_TREE_NONE || kind == LK_TREE_FILE)
		return rc;
	/* What others may put there is put aside: it bars no configuration. */
	if (lk_keep_is_others(uc, destination))
		return LK_OK;
	return lk_err_set(err, LK_E_REFUSED, 0, "%s: %s is there, which is not replaced",
			  destination,
			  kind == LK_TREE_LINK	? "another symbolic link"
			  : kind == LK_TREE_DIR ? "a folder"
						: "something that is no file");
}
