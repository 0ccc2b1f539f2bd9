/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns putting copies in place, one rename each, and telling whether they are still as they were put there. */
#include "copies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy.h"
#include "generation.h"
#include "keep.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"

#define BESIDE ".copy" /* behind a moment's name: it tells these from links and folders */

int lk_copies_mark_in(const struct lk_uc *uc, const char *folder, const char *destination,
		      struct lk_err *err)
{
	char marks[PATH_MAX], path[PATH_MAX];
	const struct lk_tree_file mark = { path, 0600, geteuid(), getegid() };
	enum lk_tree_kind kind = LK_TREE_NONE;
	LK_OWNED_FD fd = -1;

	lk_uc_join(marks, folder, "/" LK_COPIES);
	lk_uc_join(path, marks, destination);
	LK_TRY(lk_tree_kind(uc->at, path, &kind, err));
	return kind == LK_TREE_FILE ? LK_OK : lk_tree_create(uc->at, &mark, &fd, err);
}

int lk_copies_mark(const struct lk_uc *uc, uint64_t sequence, const char *destination,
		   struct lk_err *err)
{
	char folder[PATH_MAX];

	lk_generation_path(uc, sequence, "", folder);
	return lk_copies_mark_in(uc, folder, destination, err);
}

int lk_copies_has(const struct lk_uc *uc, uint64_t sequence, const char *destination, bool *ret,
		  struct lk_err *err)
{
	char marks[PATH_MAX], path[PATH_MAX];
	enum lk_tree_kind kind = LK_TREE_NONE;
	int rc;

	lk_generation_path(uc, sequence, LK_COPIES, marks);
	lk_uc_join(path, marks, destination);
	rc = lk_tree_kind(uc->at, path, &kind, err);
	*ret = rc == LK_OK && kind == LK_TREE_FILE;
	/* A file where the path has a folder: then this isn't marked. */
	return rc == LK_E_REFUSED ? LK_OK : rc;
}

/* What is at a destination, by its last component; beyond a link or a file, nothing is. */
static enum lk_tree_kind kind_at(const struct lk_uc *uc, const char *destination)
{
	enum lk_tree_kind kind = LK_TREE_NONE;

	return lk_tree_kind(uc->at, destination, &kind, NULL) == LK_OK ? kind : LK_TREE_NONE;
}

/* Both regular files, with the same content, mode and owner. One that can't be read isn't. */
static bool is_as_in(const struct lk_uc *uc, uint64_t sequence, const char *destination)
{
	char path[PATH_MAX];
	bool same = false;

	lk_generation_file(uc, sequence, destination, path);
	return kind_at(uc, destination) == LK_TREE_FILE && kind_at(uc, path) == LK_TREE_FILE &&
	       lk_tree_same(uc->at, destination, uc->at, path, &same, NULL) == LK_OK && same;
}

int lk_copies_is_ours(const struct lk_uc *uc, uint64_t sequence, const char *destination, bool *ret,
		      struct lk_err *err)
{
	LK_TRY(lk_copies_has(uc, sequence, destination, ret, err));
	*ret = *ret && is_as_in(uc, sequence, destination);
	return LK_OK;
}

/* Where others can write, what was kept has another owner and mode than what is there. */
static bool was_kept(const struct lk_uc *uc, const char *destination)
{
	struct lk_agreed_file here = { .path = NULL }, kept = { .path = NULL };
	char path[PATH_MAX];

	lk_generation_file(uc, LK_GENERATION_ORIGINAL, destination, path);
	return kind_at(uc, path) == LK_TREE_FILE &&
	       lk_keep_measure(uc, path, -1, uc->settings.max_file, &kept, NULL) == LK_OK &&
	       lk_keep_measure(uc, destination, -1, kept.size, &here, NULL) == LK_OK &&
	       here.size == kept.size && memcmp(here.digest, kept.digest, sizeof(here.digest)) == 0;
}

static int beside_name(const char *destination, char ret[static PATH_MAX], struct lk_err *err)
{
	char temporary[LK_TREE_TEMPORARY_SIZE + sizeof(BESIDE)], folder[PATH_MAX];

	LK_TRY(lk_tree_temporary(temporary, err));
	strcat(temporary, BESIDE);
	lk_uc_join(folder, destination, "");
	strrchr(folder, '/')[1] = '\0';
	lk_uc_join(ret, folder, temporary);
	return LK_OK;
}

static int copy_synced(const struct lk_uc *uc, const char *from, const char *to, struct lk_err *err)
{
	struct lk_agreed_file copied = { .path = NULL };
	struct lk_tree_file file = { .path = to };
	LK_OWNED_FD source = -1, fd = -1;
	struct stat st;

	LK_TRY(lk_tree_open_file(uc->at, from, &source, err));
	if (fstat(source, &st) != 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", from, strerror(errno));
	file.mode = st.st_mode & 0777;
	file.uid = st.st_uid;
	file.gid = st.st_gid;
	LK_TRY(lk_tree_create(uc->at, &file, &fd, err));
	LK_TRY(lk_keep_measure(uc, from, fd, UINT64_MAX, &copied, err));
	return fsync(fd) == 0 ? LK_OK
			      : lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: can't sync: %s", to,
					   strerror(errno));
}

static int write_beside(const struct lk_uc *uc, uint64_t sequence, const char *destination,
			char ret[static PATH_MAX], struct lk_err *err)
{
	char from[PATH_MAX];
	int rc;

	LK_TRY(beside_name(destination, ret, err));
	lk_generation_file(uc, sequence, destination, from);
	rc = copy_synced(uc, from, ret, err);
	if (rc != LK_OK)
		(void)lk_tree_remove(uc->at, ret, NULL);
	return rc;
}

/** A generation whose copies are dealt with one by one. */
struct copying {
	const struct lk_uc *uc;
	uint64_t sequence;
	uint64_t other;
	struct lk_copies *copies;
	bool insists; /* what somebody has changed gives way, and is kept */
	const struct lk_tree_visitor *changed;
};

static int each(struct copying *c, const char *which,
		int (*visit)(void *, const char *, enum lk_tree_kind, struct lk_err *),
		struct lk_err *err)
{
	const struct lk_tree_visitor visitor = { visit, c };
	char path[PATH_MAX];

	lk_generation_path(c->uc, c->sequence, which, path);
	return lk_tree_walk(c->uc->at, path, &visitor, err);
}

static int remember(struct lk_copies *copies, const char *destination, const char *beside,
		    struct lk_err *err)
{
	struct lk_copy *more = reallocarray(copies->copy, copies->n + 1, sizeof(*more));

	if (!more)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	copies->copy = more;
	more[copies->n] = (struct lk_copy){ strdup(destination), strdup(beside) };
	if (more[copies->n].destination && more[copies->n].beside) {
		copies->n++;
		return LK_OK;
	}
	free(more[copies->n].destination);
	free(more[copies->n].beside);
	return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
}

/* Below a folder that is a link now it is written after the switch, when it is a folder. */
static bool is_below_a_link(const struct lk_uc *uc, const char *destination)
{
	char above[PATH_MAX] = "";

	return lk_deploy_link_above(uc, destination, above, NULL) == LK_OK && *above;
}

static int prepare_one(void *ctx, const char *destination, enum lk_tree_kind kind,
		       struct lk_err *err)
{
	struct copying *c = ctx;
	char beside[PATH_MAX];
	int rc;

	(void)kind;
	if (is_as_in(c->uc, c->sequence, destination) || is_below_a_link(c->uc, destination))
		return LK_OK;
	LK_TRY(write_beside(c->uc, c->sequence, destination, beside, err));
	rc = remember(c->copies, destination, beside, err);
	if (rc != LK_OK)
		(void)lk_tree_remove(c->uc->at, beside, NULL);
	return rc;
}

int lk_copies_prepare(const struct lk_uc *uc, uint64_t sequence, struct lk_copies *ret,
		      struct lk_err *err)
{
	struct copying c = { .uc = uc, .sequence = sequence, .copies = ret };

	return each(&c, LK_COPIES, prepare_one, err);
}

void lk_copies_discard(const struct lk_uc *uc, struct lk_copies *copies)
{
	for (size_t i = 0; i < copies->n; i++) {
		(void)lk_tree_remove(uc->at, copies->copy[i].beside, NULL);
		free(copies->copy[i].destination);
		free(copies->copy[i].beside);
	}
	free(copies->copy);
	*copies = LK_COPIES_NONE;
}

/* The one that was prepared, if it is there still; else it is written now. */
static int rename_into_place(const struct copying *c, const char *destination, struct lk_err *err)
{
	char beside[PATH_MAX];
	int rc;

	for (size_t i = 0; c->copies && i < c->copies->n; i++)
		if (strcmp(c->copies->copy[i].destination, destination) == 0 &&
		    lk_tree_rename(c->uc->at, c->copies->copy[i].beside, destination, NULL) ==
			    LK_OK)
			return LK_OK;
	LK_TRY(write_beside(c->uc, c->sequence, destination, beside, err));
	rc = lk_tree_rename(c->uc->at, beside, destination, err);
	if (rc != LK_OK)
		(void)lk_tree_remove(c->uc->at, beside, NULL);
	return rc;
}

/* A link of ours, nothing, or a file that is a copy of one of the two, or is kept, may go.
 * @ret: whether the copy may be put there. */
static int clear_place(const struct copying *c, const char *destination, bool *ret,
		       struct lk_err *err)
{
	enum lk_tree_kind kind = kind_at(c->uc, destination);
	bool ours = false;

	if (kind == LK_TREE_LINK)
		LK_TRY(lk_deploy_is_ours(c->uc, destination, &ours, err));
	else if (kind == LK_TREE_FILE)
		LK_TRY(lk_copies_is_ours(c->uc, c->other, destination, &ours, err));
	*ret = kind == LK_TREE_NONE || ours || c->insists;
	if (kind == LK_TREE_NONE || ours || !c->insists ||
	    (kind == LK_TREE_FILE && was_kept(c->uc, destination)))
		return LK_OK;
	if (kind == LK_TREE_FILE)
		return lk_keep_earlier(c->uc, destination, err);
	return lk_err_set(err, LK_E_REFUSED, 0, "%s: something else than a file was put there",
			  destination);
}

static int put_copy(const struct copying *c, const char *destination, struct lk_err *err)
{
	bool may = false;

	if (is_as_in(c->uc, c->sequence, destination))
		return LK_OK;
	LK_TRY(clear_place(c, destination, &may, err));
	return may ? rename_into_place(c, destination, err) : LK_OK;
}

/* What was a copy, and is a link in this generation. */
static int put_link(const struct copying *c, const char *destination, struct lk_err *err)
{
	char text[LK_TREE_LINK_MAX];
	bool ours = false;

	LK_TRY(lk_copies_is_ours(c->uc, c->other, destination, &ours, err));
	if (!ours)
		return LK_OK;
	LK_TRY(lk_deploy_text(c->uc, destination, text, err));
	return lk_tree_set_link(c->uc->at, destination, text, err);
}

static int place_one(void *ctx, const char *destination, enum lk_tree_kind kind, struct lk_err *err)
{
	const struct copying *c = ctx;
	struct lk_err why = { 0 };
	bool copy = false;
	int rc = lk_copies_has(c->uc, c->sequence, destination, &copy, &why);

	(void)kind;
	/* The folder is made after this, and the copy with it. */
	if (rc == LK_OK && is_below_a_link(c->uc, destination))
		return LK_OK;
	if (rc == LK_OK)
		rc = copy ? put_copy(c, destination, &why) : put_link(c, destination, &why);
	if (rc == LK_OK)
		return LK_OK;
	if (rc != LK_E_REFUSED)
		return lk_err_set(err, rc, why.code, "%s", why.msg);
	lk_log(LK_LOG_ERR,
	       "%s; it stays as it is, and \"latchkey-userconfig check\" goes on to say so",
	       why.msg);
	return LK_OK;
}

int lk_copies_place(const struct lk_uc *uc, uint64_t sequence, uint64_t other,
		    struct lk_copies *prepared, struct lk_err *err)
{
	struct copying c = {
		.uc = uc, .sequence = sequence, .other = other, .copies = prepared, .insists = true
	};

	return each(&c, "tree", place_one, err);
}

int lk_copies_settle(const struct lk_uc *uc, uint64_t sequence, uint64_t other, struct lk_err *err)
{
	struct copying c = { .uc = uc, .sequence = sequence, .other = other };

	return each(&c, "tree", place_one, err);
}

struct sweeping {
	const struct lk_uc *uc;
	const char *folder;
};

static int sweep_one(void *ctx, const char *name, enum lk_tree_kind kind, struct lk_err *err)
{
	const struct sweeping *s = ctx;
	const size_t len = LK_TREE_TEMPORARY_SIZE - 1;
	char plain[LK_TREE_TEMPORARY_SIZE], slashed[PATH_MAX], path[PATH_MAX];

	if (kind != LK_TREE_FILE || strlen(name) != len + sizeof(BESIDE) - 1 ||
	    strcmp(name + len, BESIDE) != 0)
		return LK_OK;
	memcpy(plain, name, len);
	plain[len] = '\0';
	if (!lk_tree_is_temporary(plain))
		return LK_OK;
	lk_uc_join(slashed, s->folder, "/");
	lk_uc_join(path, slashed, name);
	return lk_tree_remove(s->uc->at, path, err);
}

int lk_copies_sweep(const struct lk_uc *uc, const char *folder, struct lk_err *err)
{
	struct sweeping s = { uc, folder };
	const struct lk_tree_visitor visitor = { sweep_one, &s };

	return kind_at(uc, folder) == LK_TREE_DIR ? lk_tree_list(uc->at, folder, &visitor, err)
						  : LK_OK;
}

static int see_change(void *ctx, const char *destination, enum lk_tree_kind kind,
		      struct lk_err *err)
{
	struct copying *c = ctx;
	char path[PATH_MAX];

	(void)kind;
	lk_generation_file(c->uc, c->sequence, destination, path);
	/* A mark without a file, which somebody has made, stands for nothing. */
	if (kind_at(c->uc, path) != LK_TREE_FILE || is_as_in(c->uc, c->sequence, destination))
		return LK_OK;
	return c->changed->visit(c->changed->ctx, destination, kind_at(c->uc, destination), err);
}

int lk_copies_changed(const struct lk_uc *uc, uint64_t sequence,
		      const struct lk_tree_visitor *changed, struct lk_err *err)
{
	struct copying c = { .uc = uc, .sequence = sequence, .changed = changed };

	return each(&c, LK_COPIES, see_change, err);
}
