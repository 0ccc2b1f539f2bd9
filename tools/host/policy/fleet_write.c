/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the folder that a fleet's predictions or policies are written to: each file whole, the index last. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outfile.h"
#include "policy/fleet.h"
#include "workers.h"

#define BATCH_MAX   32u
#define PENDING_MAX 512u /* files open at once, by all workers */

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

static int put(struct lk_outfile *file, const struct lk_buf *text, struct lk_err *err)
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
	return put(&p->file, &text, err);
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
	if (rc == LK_OK && any_made(f))
		rc = write_index(f, err);
	if (made)
		(void)rmdir(f->args->output.path); /* only where it is empty */
	return rc;
}
