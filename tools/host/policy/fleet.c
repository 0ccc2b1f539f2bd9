/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns going through a folder of records, on all processors. */
#include "policy/fleet.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/memo_hash.h"
#include "sys/os/log.h"
#include "workers.h"

#define RECORDS_MAX 1000000u
#define SUFFIX	    ".json"

static void done_group(struct lk_fleet_group *g)
{
	for (size_t i = 0; i < g->n_causes; i++)
		free(g->causes[i].text);
	free(g->causes);
	free(g->why);
}

void lk_fleet_done(struct lk_fleet *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->devices[i].path);
		free(f->devices[i].name);
		free(f->devices[i].why);
		free(f->devices[i].values);
	}
	for (size_t i = 0; i < f->n_groups; i++)
		done_group(&f->groups[i]);
	free(f->devices);
	free(f->order);
	free(f->groups);
	lk_change_done(&f->change);
}

int lk_fleet_check(const struct lk_fleet_args *args, struct lk_err *err)
{
	bool known = !args->phase || strcmp(args->phase, "none") == 0;

	if (!args->records && (args->json || args->phase))
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--json and --phase go with --records: they are of many devices");
	for (unsigned int i = 0; !known && lk_boot_phase(i); i++)
		known = strcmp(args->phase, lk_boot_phase(i)) == 0;
	if (!known)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--phase %.40s: expected none, enter-initrd, leave-initrd, sysinit or ready",
			args->phase);
	return LK_OK;
}

static bool ends_in(const char *path, const char *suffix)
{
	size_t len = strlen(path), more = strlen(suffix);

	return len > more && strcmp(path + len - more, suffix) == 0;
}

static int take_record(struct lk_fleet *f, const char *path, struct lk_err *err)
{
	struct lk_fleet_device *d = &f->devices[f->n];
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	d->path = strdup(path);
	d->name = strndup(name, strlen(name) - strlen(SUFFIX));
	if (!d->path || !d->name) {
		free(d->path);
		free(d->name);
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	}
	f->n++;
	return LK_OK;
}

/* Logs whose record has gone are of no device that is to have a policy. */
static void warn_without_record(const char *logs)
{
	size_t len = strlen(logs) - strlen(LK_LOG_EXPORT_SUFFIX);
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%.*s" SUFFIX, (int)len, logs) < (int)sizeof(path) &&
	    access(path, F_OK) != 0 && errno == ENOENT)
		lk_log(LK_LOG_WARNING, "%s: there is no record beside these logs; passed over",
		       logs);
}

static int list(struct lk_fleet *f, struct lk_err *err)
{
	char **names = NULL;
	size_t n = 0;
	int rc;

	LK_TRY(lk_fs_list(f->args->records, RECORDS_MAX, &names, &n, err));
	f->devices = calloc(n + 1, sizeof(*f->devices));
	rc = f->devices ? LK_OK : lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; rc == LK_OK && i < n; i++) {
		if (ends_in(names[i], SUFFIX))
			rc = take_record(f, names[i], err);
		else if (ends_in(names[i], LK_LOG_EXPORT_SUFFIX))
			warn_without_record(names[i]);
	}
	lk_fs_list_free(names, n);
	if (rc == LK_OK && f->n == 0)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: no record (*.json) in it",
				  f->args->records);
	return rc;
}

static void work(void *ctx, size_t i, void *unused)
{
	struct lk_fleet *f = ctx;
	struct lk_err err = { 0 };

	(void)unused;
	f->devices[i].rc = lk_fleet_predict_device(f, &f->devices[i], &err);
	if (f->devices[i].rc != LK_OK)
		f->devices[i].why = strdup(err.msg);
}

int lk_fleet_compile(const struct lk_fleet_args *args, const struct lk_policy_file *pf,
		     struct lk_fleet *f, struct lk_err *err)
{
	f->args = args;
	f->pf = *pf;
	LK_TRY(lk_change_load(&args->change, &f->change, err));
	if (f->change.image.len)
		lk_memo_hash_keep((struct lk_bytes){ f->change.image.data, f->change.image.len });
	if (f->change.initrd_file.len)
		lk_memo_hash_keep(
			(struct lk_bytes){ f->change.initrd_file.data, f->change.initrd_file.len });
	LK_TRY(list(f, err));
	lk_workers_run(&(struct lk_work){ .what = "predicting", .n = f->n, .one = work, .ctx = f });
	LK_TRY(lk_fleet_group(f, err));
	return lk_fleet_find_causes(f, err);
}
