/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns generations by name, and which of them is current. */
#include "generation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sys/os/fs.h"
#include "sys/os/tree.h"

#define FOLDER "generations"

void lk_generation_id(uint64_t sequence, char ret[static LK_GENERATION_ID_SIZE])
{
	(void)snprintf(ret, LK_GENERATION_ID_SIZE, "%020" PRIu64, sequence);
}

static bool parse_id(const char *text, uint64_t *ret)
{
	char again[LK_GENERATION_ID_SIZE];
	uint64_t v = 0;

	if (strspn(text, "0123456789") != LK_GENERATION_ID_SIZE - 1 ||
	    text[LK_GENERATION_ID_SIZE - 1] != '\0')
		return false;
	for (const char *p = text; *p; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	/* More than 64 bits don't come out as they went in. */
	lk_generation_id(v, again);
	if (strcmp(again, text) != 0)
		return false;
	*ret = v;
	return true;
}

void lk_generation_path(const struct lk_uc *uc, uint64_t sequence, const char *sub,
			char ret[static PATH_MAX])
{
	char name[sizeof(FOLDER) + LK_GENERATION_ID_SIZE + 1] = FOLDER "/";
	char folder[PATH_MAX];

	lk_generation_id(sequence, name + sizeof(FOLDER));
	if (*sub)
		strcat(name, "/");
	lk_uc_state(uc, name, folder);
	lk_uc_join(ret, folder, sub);
}

void lk_generation_file(const struct lk_uc *uc, uint64_t sequence, const char *destination,
			char ret[static PATH_MAX])
{
	char tree[PATH_MAX];

	lk_generation_path(uc, sequence, "tree", tree);
	lk_uc_join(ret, tree, destination);
}

void lk_generation_volatile(uint64_t sequence, const char *sub, char ret[static PATH_MAX])
{
	char folder[sizeof(LK_UC_VOLATILE) + LK_GENERATION_ID_SIZE] = LK_UC_VOLATILE "/";

	lk_generation_id(sequence, folder + sizeof(LK_UC_VOLATILE));
	lk_uc_join(ret, folder, sub);
}

int lk_generation_get(const struct lk_uc *uc, const char *which, bool *ret_present,
		      uint64_t *ret_sequence, struct lk_err *err)
{
	char path[PATH_MAX];
	char target[LK_TREE_LINK_MAX];
	int rc;

	lk_uc_state(uc, which, path);
	rc = lk_tree_read_link(uc->at, path, target, err);
	if (rc != LK_OK)
		return rc;
	*ret_present = target[0] != '\0';
	if (!*ret_present)
		return LK_OK;
	if (strncmp(target, FOLDER "/", sizeof(FOLDER)) != 0 ||
	    !parse_id(target + sizeof(FOLDER), ret_sequence))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: doesn't point to a generation", path);
	return LK_OK;
}

int lk_generation_set(const struct lk_uc *uc, const char *which, uint64_t sequence,
		      struct lk_err *err)
{
	char id[LK_GENERATION_ID_SIZE];
	char target[sizeof(FOLDER) + LK_GENERATION_ID_SIZE];
	char path[PATH_MAX];

	lk_generation_id(sequence, id);
	(void)snprintf(target, sizeof(target), FOLDER "/%s", id);
	lk_uc_state(uc, which, path);
	return lk_tree_set_link(uc->at, path, target, err);
}

int lk_generation_sweep(const struct lk_uc *uc, struct lk_err *err)
{
	return lk_tree_sweep_links(uc->at, uc->settings.state_directory.text, FOLDER "/", err);
}

static int is_there(const struct lk_uc *uc, uint64_t sequence, bool *ret, struct lk_err *err)
{
	enum lk_tree_kind kind;
	char path[PATH_MAX];
	int rc;

	lk_generation_path(uc, sequence, "", path);
	rc = lk_tree_kind(uc->at, path, &kind, err);
	if (rc == LK_OK)
		*ret = kind == LK_TREE_DIR;
	return rc;
}

int lk_generation_begin(const struct lk_uc *uc, uint64_t *ret_sequence, struct lk_err *err)
{
	char path[PATH_MAX];
	bool present = false;
	int fd = -1;
	int rc = lk_generation_get(uc, "current", &present, ret_sequence, err);

	/* One whose folder is gone can't be gone back to. */
	if (rc == LK_OK && present)
		rc = is_there(uc, *ret_sequence, &present, err);
	if (rc != LK_OK || present)
		return rc;
	lk_generation_path(uc, LK_GENERATION_ORIGINAL, "tree", path);
	rc = lk_tree_open_dir(uc->at, path, true, &fd, err);
	lk_fd_closep(&fd);
	if (rc == LK_OK)
		rc = lk_generation_set(uc, "current", LK_GENERATION_ORIGINAL, err);
	*ret_sequence = LK_GENERATION_ORIGINAL;
	return rc;
}

int lk_generation_is_kept(const struct lk_uc *uc, uint64_t sequence, bool *ret, struct lk_err *err)
{
	static const char *const which[] = { "current", "previous" };

	*ret = sequence == LK_GENERATION_ORIGINAL;
	for (size_t i = 0; i < 2 && !*ret; i++) {
		bool present = false;
		uint64_t kept = 0;
		int rc = lk_generation_get(uc, which[i], &present, &kept, err);

		if (rc != LK_OK)
			return rc;
		*ret = present && kept == sequence;
	}
	return LK_OK;
}

static int prune_one(void *ctx, const char *name, enum lk_tree_kind kind, struct lk_err *err)
{
	const struct lk_uc *uc = *(const struct lk_uc **)ctx;
	char folder[PATH_MAX], path[PATH_MAX];
	uint64_t sequence = 0;
	bool kept = false;
	int rc = LK_OK;

	(void)kind;
	if (parse_id(name, &sequence))
		rc = lk_generation_is_kept(uc, sequence, &kept, err);
	if (rc != LK_OK || kept)
		return rc;
	lk_uc_state(uc, FOLDER "/", folder);
	lk_uc_join(path, folder, name);
	rc = lk_tree_remove(uc->at, path, err);
	if (rc != LK_OK)
		return rc;
	lk_uc_join(path, LK_UC_VOLATILE "/", name);
	return lk_tree_remove(uc->at, path, err);
}

int lk_generation_prune(const struct lk_uc *uc, struct lk_err *err)
{
	const struct lk_tree_visitor visitor = { prune_one, &uc };
	char path[PATH_MAX];

	lk_uc_state(uc, FOLDER, path);
	return lk_tree_list(uc->at, path, &visitor, err);
}

struct each {
	int (*fn)(void *ctx, uint64_t sequence, struct lk_err *err);
	void *ctx;
};

static int visit_one(void *ctx, const char *name, enum lk_tree_kind kind, struct lk_err *err)
{
	const struct each *e = ctx;
	uint64_t sequence = 0;

	return kind == LK_TREE_DIR && parse_id(name, &sequence) ? e->fn(e->ctx, sequence, err)
								: LK_OK;
}

int lk_generation_each(const struct lk_uc *uc,
		       int (*fn)(void *ctx, uint64_t sequence, struct lk_err *err), void *ctx,
		       struct lk_err *err)
{
	struct each e = { fn, ctx };
	const struct lk_tree_visitor visitor = { visit_one, &e };
	char path[PATH_MAX];

	lk_uc_state(uc, FOLDER, path);
	return lk_tree_list(uc->at, path, &visitor, err);
}
