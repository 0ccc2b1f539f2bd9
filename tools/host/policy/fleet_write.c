/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the folder that a fleet's predictions or policies are written to: each file whole, the index last. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outfile.h"
#include "policy/fleet.h"
#include "sys/os/log.h"
#include "workers.h"

#define BATCH_MAX   32u
#define PENDING_MAX 512u /* files open at once, by all workers */
#define OLD_MAX	    2000000u

struct pending {
	size_t group;
	char path[PATH_MAX];
	struct lk_output output;
	struct lk_outfile file;
};

struct batch {
	struct pending list[BATCH_MAX];
	size_t n;
};

struct writing {
	struct lk_fleet *f;
	const struct lk_fleet_writing *how;
};

static void failed(struct lk_fleet_group *g, int rc, const struct lk_err *err)
{
	g->rc = rc;
	g->why = strdup(err->msg);
	g->file[0] = '\0';
}

static int put_output(struct lk_outfile *file, const struct lk_buf *text, struct lk_err *err)
{
	const struct lk_sink to = lk_fd_sink(&file->fd);

	LK_TRY(to.write(to.ctx, text->data, text->len, err));
	return lk_outfile_finish(file, 0644, err);
}

/* By the values: the same devices and image give the same name. */
static int make_file(struct writing *w, size_t group, struct pending *p, struct lk_err *err)
{
	const struct lk_output *out = &w->f->args->output;
	struct lk_fleet_group *g = &w->f->groups[group];
	LK_OWNED_BUF text = LK_BUF_NONE;
	char hex[33];

	lk_hex_encode(w->f->devices[w->f->order[g->first]].key, 16, hex);
	(void)snprintf(g->file, sizeof(g->file), "%s%s", hex, w->how->suffix);
	if (snprintf(p->path, sizeof(p->path), "%s/%s", out->path, g->file) >= (int)sizeof(p->path))
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: the path is too long", out->path);
	p->output = (struct lk_output){ p->path, out->force };
	p->group = group;
	LK_TRY(w->how->text(w->f, group, w->how->ctx, &text, err));
	LK_TRY(lk_outfile_open(&p->output, &p->file, err));
	return put_output(&p->file, &text, err);
}

static void one(void *ctx, size_t i, void *batch_ctx)
{
	struct writing *w = ctx;
	struct batch *b = batch_ctx;
	struct pending *p = &b->list[b->n];
	struct lk_err err = { 0 };
	int rc;

	p->file = LK_OUTFILE_NONE;
	rc = make_file(w, i, p, &err);
	if (rc == LK_OK) {
		b->n++;
		return;
	}
	lk_outfile_done(&p->file);
	failed(&w->f->groups[i], rc, &err);
}

/* Waiting for many together takes hardly longer than for one. */
static void place(void *ctx, void *batch_ctx)
{
	struct writing *w = ctx;
	struct batch *b = batch_ctx;

	for (size_t k = 0; k < b->n; k++) {
		struct lk_err err = { 0 };
		int rc = lk_outfile_place(&b->list[k].file, &err);

		lk_outfile_done(&b->list[k].file);
		if (rc != LK_OK)
			failed(&w->f->groups[b->list[k].group], rc, &err);
	}
	b->n = 0;
}

static int make_folder(const char *folder, bool *ret_made, struct lk_err *err)
{
	*ret_made = mkdir(folder, 0777) == 0;
	if (!*ret_made && errno != EEXIST)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", folder, strerror(errno));
	return lk_fs_check_directory(folder, err);
}

static int write_index(const struct lk_fleet *f, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	char path[PATH_MAX];
	struct lk_output out = { path, f->args->output.force };

	if (snprintf(path, sizeof(path), "%s/" LK_FLEET_INDEX, f->args->output.path) >=
	    (int)sizeof(path))
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: the path is too long",
				  f->args->output.path);
	LK_TRY(lk_fleet_json(f, &text, err));
	return lk_write_output(&out, (struct lk_bytes){ text.data, text.len }, err);
}

/* An index that is there is of other devices or another image: it is refused before
 * anything is written. */
static int check_index(const struct lk_fleet *f, struct lk_err *err)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/" LK_FLEET_INDEX, f->args->output.path) >=
		    (int)sizeof(path) ||
	    f->args->output.force || access(path, F_OK) != 0)
		return LK_OK;
	return lk_err_set(err, LK_E_REFUSED, 0,
			  "%s exists already: --force replaces it, or name another folder", path);
}

/* What a run like this makes: 32 digits, and an ending. */
static bool is_of_a_run(const char *name)
{
	const char *end = name + strspn(name, "0123456789abcdef");

	return end - name == 32 && (strcmp(end, ".yaml") == 0 || strcmp(end, ".json") == 0);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Leaves in @names, paths, those of an earlier run. */
static int keep_old(const struct lk_fleet *f, char **names, size_t n, size_t *ret_n,
		    struct lk_err *err)
{
	const char **made = calloc(f->n_groups + 1, sizeof(*made));
	size_t kept = 0;

	if (!made)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < f->n_groups; i++)
		made[i] = f->groups[i].file;
	qsort(made, f->n_groups, sizeof(*made), compare_names);
	for (size_t i = 0; i < n; i++) {
		const char *name = strrchr(names[i], '/') + 1;
		char *path = names[i];

		if (!is_of_a_run(name) ||
		    bsearch(&name, made, f->n_groups, sizeof(*made), compare_names))
			continue;
		names[i] = names[kept];
		names[kept++] = path;
	}
	free(made);
	*ret_n = kept;
	return LK_OK;
}

static int move_away(const char *path, const char *name, const char *folder, struct lk_err *err)
{
	char to[PATH_MAX];

	if (snprintf(to, sizeof(to), "%s/%s", folder, name) >= (int)sizeof(to))
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: the path is too long", folder);
	if (rename(path, to) == 0)
		return LK_OK;
	return lk_err_set(
		err, LK_E_IO, (uint32_t)errno,
		"%s: of an earlier run, and can't be moved to %s: %s; move it away, for the folder is used as a whole",
		path, folder, strerror(errno));
}

static int move_all(const char *folder, char **paths, size_t n, struct lk_err *err)
{
	size_t len = strlen(folder);
	char old[PATH_MAX], index[PATH_MAX];

	while (len > 1 && folder[len - 1] == '/')
		len--;
	if (snprintf(old, sizeof(old), "%.*s.old", (int)len, folder) >= (int)sizeof(old) ||
	    snprintf(index, sizeof(index), "%s/" LK_FLEET_INDEX, folder) >= (int)sizeof(index))
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: the path is too long", folder);
	if (mkdir(old, 0777) != 0 && errno != EEXIST)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno,
				  "%s: can't be made, to move files of an earlier run there: %s",
				  old, strerror(errno));
	for (size_t i = 0; i < n; i++)
		LK_TRY(move_away(paths[i], strrchr(paths[i], '/') + 1, old, err));
	if (access(index, F_OK) == 0)
		LK_TRY(move_away(index, LK_FLEET_INDEX, old, err));
	lk_log(LK_LOG_INFO, "%zu file%s of an earlier run %s in %s now, with the index", n,
	       n == 1 ? "" : "s", n == 1 ? "is" : "are", old);
	return LK_OK;
}

/* Whoever hands the folder on hands on this run's files alone. Those of the run before go
 * beside it. */
static int move_old(const struct lk_fleet *f, struct lk_err *err)
{
	const char *folder = f->args->output.path;
	char **names = NULL;
	size_t n = 0, n_old = 0;
	int rc;

	LK_TRY(lk_fs_list(folder, OLD_MAX, &names, &n, err));
	rc = keep_old(f, names, n, &n_old, err);
	if (rc == LK_OK && n_old)
		rc = move_all(folder, names, n_old, err);
	lk_fs_list_free(names, n);
	return rc;
}

static bool any_made(const struct lk_fleet *f)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (f->groups[i].rc == LK_OK)
			return true;
	return false;
}

int lk_fleet_write(struct lk_fleet *f, const struct lk_fleet_writing *how, struct lk_err *err)
{
	struct writing w = { f, how };
	size_t batch = PENDING_MAX / lk_workers_count();
	bool made = false;
	int rc;

	if (f->n_groups == 0)
		return LK_OK;
	LK_TRY(make_folder(f->args->output.path, &made, err));
	rc = check_index(f, err);
	if (rc == LK_OK) {
		lk_workers_run(&(struct lk_work){ .what = "writing",
						  .n = f->n_groups,
						  .batch = batch < BATCH_MAX ? batch : BATCH_MAX,
						  .one = one,
						  .batch_end = place,
						  .batch_ctx_size = sizeof(struct batch),
						  .ctx = &w });
		rc = lk_outfile_sync_folder(f->args->output.path, err);
	}
	if (rc == LK_OK && any_made(f) && f->args->output.force)
		rc = move_old(f, err);
	if (rc == LK_OK && any_made(f))
		rc = write_index(f, err);
	if (made)
		(void)rmdir(f->args->output.path); /* only where it is empty */
	return rc;
}
