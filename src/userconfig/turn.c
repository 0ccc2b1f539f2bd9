/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns turning links into folders and folders into links. */
#include "turn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy.h"
#include "generation.h"
#include "sys/os/fs.h"
#include "sys/os/tree.h"

#define FOLDERS	    "folders"
#define FOLDERS_MAX (1024u * 1024u)

static int turning_failed(struct lk_err *err, const char *path, const char *what)
{
	return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s: %s", path, what, strerror(errno));
}

/** A folder whose content is looked through; @as is the name that it will have. */
struct content {
	const struct lk_uc *uc;
	const char *as;
	bool foreign;
};

/* @name in the folder that @path lies in. */
static void beside(const char *path, const char *name, char ret[static PATH_MAX])
{
	char folder[PATH_MAX];

	lk_uc_join(folder, path, "");
	strrchr(folder, '/')[1] = '\0';
	lk_uc_join(ret, folder, name);
}

static int see_foreign(void *ctx, const char *path, enum lk_tree_kind kind, struct lk_err *err)
{
	char text[LK_TREE_LINK_MAX] = "", full[PATH_MAX];
	struct content *c = ctx;

	lk_uc_join(full, c->as, path);
	if (kind == LK_TREE_LINK)
		(void)lk_tree_read_link(c->uc->at, full, text, NULL);
	(void)err;
	c->foreign |= !strstr(text, "/current/tree/");
	return LK_OK;
}

/* Under a name of a moment: are links through "current" all that is in it? */
static bool has_foreign(const struct lk_uc *uc, const char *folder)
{
	struct content c = { uc, folder, false };
	const struct lk_tree_visitor visitor = { see_foreign, &c };

	return lk_tree_walk(uc->at, folder, &visitor, NULL) != LK_OK || c.foreign;
}

/* The two change names, and what has the moment's name then goes. */
static int exchange(const struct lk_uc *uc, const char *path, const char *temporary,
		    struct lk_err *err)
{
	enum lk_tree_kind kind = LK_TREE_NONE;
	char other[PATH_MAX];
	LK_OWNED_FD dir = -1;
	const char *name;
	int rc = lk_tree_open_parent(uc->at, path, false, &dir, &name, err);

	if (rc != LK_OK)
		return rc;
	if (renameat2(dir, temporary, dir, name, RENAME_EXCHANGE) != 0)
		return turning_failed(err, path, "can't be exchanged");
	if (fsync(dir) != 0)
		return turning_failed(err, path, "can't sync");
	beside(path, temporary, other);
	/* Somebody has put a file there since it was looked at. */
	if (lk_tree_kind(uc->at, other, &kind, NULL) == LK_OK && kind == LK_TREE_DIR &&
	    has_foreign(uc, other)) {
		(void)renameat2(dir, temporary, dir, name, RENAME_EXCHANGE);
		return lk_err_set(err, LK_E_REFUSED, 0, "%s: something else was put there", path);
	}
	return lk_tree_remove(uc->at, other, err);
}

int lk_turn_fold(const struct lk_uc *uc, const char *path, struct lk_err *err)
{
	char temporary[LK_TREE_TEMPORARY_SIZE], text[LK_TREE_LINK_MAX];
	LK_OWNED_FD dir = -1;
	const char *name;
	int rc = lk_deploy_text(uc, path, text, err);

	if (rc == LK_OK)
		rc = lk_tree_open_parent(uc->at, path, false, &dir, &name, err);
	if (rc == LK_OK)
		rc = lk_tree_temporary(temporary, err);
	if (rc != LK_OK)
		return rc;
	if (symlinkat(text, dir, temporary) != 0)
		return turning_failed(err, path, "can't make a link");
	rc = exchange(uc, path, temporary, err);
	if (rc != LK_OK)
		(void)unlinkat(dir, temporary, 0);
	return rc;
}

/** A folder in the making, for what lies in a generation's. */
struct unfolding {
	const struct lk_uc *uc;
	const char *path;      /* the link */
	char folder[PATH_MAX]; /* what will be in its place */
};

static int add_link(void *ctx, const char *below, enum lk_tree_kind kind, struct lk_err *err)
{
	struct unfolding *u = ctx;
	char destination[PATH_MAX], place[PATH_MAX], text[LK_TREE_LINK_MAX];
	int rc;

	(void)kind;
	lk_uc_join(destination, u->path, below);
	lk_uc_join(place, u->folder, below);
	rc = lk_deploy_text(u->uc, destination, text, err);
	return rc == LK_OK ? lk_tree_set_link(u->uc->at, place, text, err) : rc;
}

static int unfold(const struct lk_uc *uc, uint64_t sequence, const char *path, struct lk_err *err)
{
	char temporary[LK_TREE_TEMPORARY_SIZE], tree[PATH_MAX];
	struct unfolding u = { .uc = uc, .path = path };
	const struct lk_tree_visitor visitor = { add_link, &u };
	LK_OWNED_FD dir = -1;
	int rc = lk_tree_temporary(temporary, err);

	beside(path, temporary, u.folder);
	lk_generation_file(uc, sequence, path, tree);
	if (rc == LK_OK)
		rc = lk_tree_open_dir(uc->at, u.folder, true, &dir, err);
	if (rc == LK_OK)
		rc = lk_tree_walk(uc->at, tree, &visitor, err);
	if (rc == LK_OK)
		rc = exchange(uc, path, temporary, err);
	if (rc != LK_OK)
		(void)lk_tree_remove(uc->at, u.folder, NULL);
	return rc;
}

struct unfold_all {
	const struct lk_uc *uc;
	uint64_t sequence;
};

static int unfold_above(void *ctx, const char *destination, enum lk_tree_kind kind,
			struct lk_err *err)
{
	const struct unfold_all *u = ctx;
	char above[PATH_MAX];
	int rc = lk_deploy_link_above(u->uc, destination, above, err);

	(void)kind;
	return rc == LK_OK && *above ? unfold(u->uc, u->sequence, above, err) : rc;
}

int lk_turn_unfold(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err)
{
	struct unfold_all u = { uc, sequence };
	const struct lk_tree_visitor visitor = { unfold_above, &u };
	char tree[PATH_MAX];

	lk_generation_path(uc, sequence, "tree", tree);
	return lk_tree_walk(uc->at, tree, &visitor, err);
}

/** Folders, a line each. Who writes the state directory can have an empty one
 * removed, and no more. */
struct folders {
	const struct lk_uc *uc;
	char *text;
	size_t len;
	bool grew;
};

static bool has_folder(const struct folders *f, const char *path)
{
	size_t len = strlen(path);

	for (const char *p = f->text; p && *p; p = strchr(p, '\n') + 1)
		if (strncmp(p, path, len) == 0 && p[len] == '\n')
			return true;
	return false;
}

static int read_folders(struct folders *f, struct lk_err *err)
{
	char path[PATH_MAX];
	LK_OWNED_FD fd = -1;
	size_t len = 0;

	f->text = calloc(1, FOLDERS_MAX + 1);
	if (!f->text)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	lk_uc_state(f->uc, FOLDERS, path);
	/* One that can't be read says of no folder that it was made here. */
	if (lk_tree_open_file(f->uc->at, path, &fd, NULL) == LK_OK &&
	    lk_tree_read(fd, (uint8_t *)f->text, FOLDERS_MAX, &len, NULL) == LK_OK && len &&
	    f->text[len - 1] == '\n' && strlen(f->text) == len)
		f->len = len;
	f->text[f->len] = '\0';
	return LK_OK;
}

static int note_above(void *ctx, const char *destination, enum lk_tree_kind kind,
		      struct lk_err *err)
{
	struct folders *f = ctx;
	char folder[PATH_MAX];

	(void)kind;
	(void)err;
	lk_uc_join(folder, destination, "");
	for (char *slash = strrchr(folder, '/'); slash && slash != folder;
	     slash = strrchr(folder, '/')) {
		enum lk_tree_kind is = LK_TREE_NONE;
		size_t len = (size_t)(slash - folder);

		*slash = '\0';
		/* A link there will be a folder. */
		if (lk_tree_kind(f->uc->at, folder, &is, NULL) == LK_OK && is == LK_TREE_DIR)
			break;
		if (has_folder(f, folder) || f->len + len + 1 > FOLDERS_MAX)
			continue;
		memcpy(f->text + f->len, folder, len);
		f->len += len;
		f->text[f->len++] = '\n';
		f->text[f->len] = '\0';
		f->grew = true;
	}
	return LK_OK;
}

int lk_turn_note_folders(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err)
{
	struct folders f = { .uc = uc };
	const struct lk_tree_visitor visitor = { note_above, &f };
	char tree[PATH_MAX];
	int rc = read_folders(&f, err);

	lk_generation_path(uc, sequence, "tree", tree);
	if (rc == LK_OK)
		rc = lk_tree_walk(uc->at, tree, &visitor, err);
	if (rc == LK_OK && f.grew)
		rc = lk_uc_store(uc, FOLDERS, f.text, f.len, err);
	free(f.text);
	return rc;
}

static void forget(struct folders *f, const char *path)
{
	size_t len = strlen(path);

	for (char *p = f->text; *p; p = strchr(p, '\n') + 1)
		if (strncmp(p, path, len) == 0 && p[len] == '\n') {
			f->len -= len + 1;
			memmove(p, p + len + 1, f->len + 1 - (size_t)(p - f->text));
			f->grew = true;
			return;
		}
}

int lk_turn_remove_empty(const struct lk_uc *uc, const char *destination, struct lk_err *err)
{
	struct folders f = { .uc = uc };
	char folder[PATH_MAX];
	int rc = read_folders(&f, err);

	lk_uc_join(folder, destination, "");
	while (rc == LK_OK) {
		LK_OWNED_FD dir = -1;
		const char *name;
		char *slash = strrchr(folder, '/');

		*slash = '\0';
		/* Never a prefix, nor what it lies in. */
		if (!*folder || !lk_userconfig_prefix_of(&uc->settings, folder) ||
		    !has_folder(&f, folder) ||
		    lk_tree_open_parent(uc->at, folder, false, &dir, &name, NULL) != LK_OK ||
		    unlinkat(dir, name, AT_REMOVEDIR) != 0)
			break;
		forget(&f, folder);
	}
	if (rc == LK_OK && f.grew)
		rc = lk_uc_store(uc, FOLDERS, f.text, f.len, err);
	free(f.text);
	return rc;
}

struct sweeping {
	const struct lk_uc *uc;
	char folder[PATH_MAX];
};

static int sweep_entry(void *ctx, const char *name, enum lk_tree_kind kind, struct lk_err *err)
{
	const struct sweeping *s = ctx;
	char slashed[PATH_MAX], path[PATH_MAX];

	if (kind != LK_TREE_DIR || !lk_tree_is_temporary(name))
		return LK_OK;
	lk_uc_join(slashed, s->folder, "/");
	lk_uc_join(path, slashed, name);
	return has_foreign(s->uc, path) ? LK_OK : lk_tree_remove(s->uc->at, path, err);
}

int lk_turn_sweep(const struct lk_uc *uc, const char *folder, struct lk_err *err)
{
	struct sweeping s = { .uc = uc };
	const struct lk_tree_visitor visitor = { sweep_entry, &s };
	enum lk_tree_kind kind = LK_TREE_NONE;

	lk_uc_join(s.folder, folder, "");
	if (lk_tree_kind(uc->at, folder, &kind, NULL) != LK_OK || kind != LK_TREE_DIR)
		return LK_OK;
	return lk_tree_list(uc->at, folder, &visitor, err);
}
