/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns sealing for a whole folder of records, on all processors. */
#include "config/sealing.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outfile.h"
#include "config/record.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "sys/os/progress.h"

#define RECORDS_MAX 1000000u
#define WORKERS_MAX 64
#define BATCH_MAX   32u
/** Open at once, by all workers: well below the usual limit of 1024. */
#define PENDING_MAX 512u

struct fleet {
	const struct lk_sealing *sealing;
	const char *folder;
	char **records; /* those that end in .json */
	size_t n;
	struct outcome {
		int rc;
		char *why; /* NULL: LK_OK, or no memory to say it */
	} * outcomes;
	size_t batch;
	atomic_size_t next;
	pthread_mutex_t lock; /* of what follows */
	size_t done;
	struct lk_progress_meter meter;
};

/* A blob that is written, and isn't there under its name yet. */
struct pending {
	size_t index;
	char path[PATH_MAX];
	struct lk_output output;
	struct lk_outfile file;
};

static bool is_record(const char *path)
{
	size_t len = strlen(path);

	return len > 5 && !strcmp(path + len - 5, ".json");
}

static int blob_path(const struct fleet *f, const char *record, char out[static PATH_MAX],
		     struct lk_err *err)
{
	const char *name = strrchr(record, '/');

	name = name ? name + 1 : record;
	if (snprintf(out, PATH_MAX, "%s/%.*s.lkb", f->folder, (int)strlen(name) - 5, name) >=
	    PATH_MAX)
		return lk_err_set(err, LK_E_USAGE, 0, "%s: the path is too long", record);
	return LK_OK;
}

/* With templates each device has an archive of its own. */
static int write_blob(const struct lk_sealing *s, const char *record, const uint8_t *device,
		      struct lk_outfile *file, struct lk_err *err)
{
	const char *slash = strrchr(record, '/');
	const char *name = slash ? slash + 1 : record;
	struct lk_sealing own;
	char text[NAME_MAX + 1];
	int rc;

	if (!s->templates)
		return lk_sealing_write(s, device, file, NULL, err);
	(void)snprintf(text, sizeof(text), "%.*s", (int)strlen(name) - 5, name);
	rc = lk_sealing_for_one(s, text, &own, err);
	if (rc == LK_OK)
		rc = lk_sealing_write(&own, device, file, NULL, err);
	lk_fd_closep(&own.archive);
	return rc;
}

static int seal_one(const struct fleet *f, const char *path, struct pending *p, struct lk_err *err)
{
	const struct lk_sealing *s = f->sealing;
	struct lk_record record;
	int rc = lk_record_read(path, &record, err);

	if (rc == LK_OK)
		rc = lk_record_fits(&record, path, s->sequence, s->config_key.len, err);
	if (rc == LK_OK)
		rc = blob_path(f, path, p->path, err);
	p->output = (struct lk_output){ p->path, s->force };
	if (rc == LK_OK)
		rc = lk_outfile_open(&p->output, &p->file, err);
	if (rc == LK_OK)
		rc = write_blob(s, path, record.device, &p->file, err);
	if (rc == LK_OK)
		rc = lk_outfile_finish(&p->file, 0644, err);
	return rc;
}

static void tell_one_more(struct fleet *f)
{
	/* Of archives of their own the sizes aren't known beforehand. */
	uint64_t size = f->sealing->templates ? 1 : f->sealing->archive_size;

	(void)pthread_mutex_lock(&f->lock);
	f->done++;
	f->meter.progress.tell(f->meter.progress.ctx, f->done * size, f->n * size);
	(void)pthread_mutex_unlock(&f->lock);
}

static void is_over(struct fleet *f, size_t i, int rc, const struct lk_err *err)
{
	f->outcomes[i].rc = rc;
	if (rc != LK_OK)
		f->outcomes[i].why = strdup(err->msg);
	tell_one_more(f);
}

static void place(struct fleet *f, struct pending *pending, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		struct pending *p = &pending[k];
		struct lk_err err = { 0 };
		int rc = lk_outfile_place(&p->file, &err);

		lk_outfile_done(&p->file);
		is_over(f, p->index, rc, &err);
	}
}

static void take_device(struct fleet *f, size_t i, struct pending *p, size_t *n)
{
	struct lk_err err = { 0 };
	int rc;

	p->index = i;
	p->file = LK_OUTFILE_NONE;
	rc = seal_one(f, f->records[i], p, &err);
	if (rc == LK_OK) {
		(*n)++;
		return;
	}
	lk_outfile_done(&p->file);
	is_over(f, i, rc, &err);
}

/* By the batch: on a file system with a journal, waiting for one blob after
 * the other would take longer than all else, on however many processors. */
static void *work(void *ctx)
{
	const struct lk_err no_memory = { .msg = "out of memory" };
	struct fleet *f = ctx;
	struct pending *pending = calloc(f->batch, sizeof(*pending));
	size_t i, n = 0;

	while ((i = atomic_fetch_add(&f->next, 1)) < f->n) {
		if (!pending) {
			is_over(f, i, LK_E_SYSTEM, &no_memory);
			continue;
		}
		take_device(f, i, &pending[n], &n);
		if (n == f->batch) {
			place(f, pending, n);
			n = 0;
		}
	}
	place(f, pending, n);
	free(pending);
	return NULL;
}

/* Those that this process may use, as nproc counts them. */
static size_t processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (size_t)n;
}

/* The calling thread works too, so that there is one however little there is
 * to start others with. */
static void seal_all(struct fleet *f)
{
	pthread_t workers[WORKERS_MAX];
	size_t wanted = processors();
	size_t n = 0;

	f->batch = PENDING_MAX / wanted;
	if (f->batch > BATCH_MAX)
		f->batch = BATCH_MAX;

	lk_progress_begin(&f->meter, "sealing");
	while (n + 1 < wanted && n + 1 < f->n && pthread_create(&workers[n], NULL, work, f) == 0)
		n++;
	(void)work(f);
	while (n)
		(void)pthread_join(workers[--n], NULL);
	lk_progress_end(&f->meter);
}

/* As policy verify: failures of ours first, then what couldn't be read, what a
 * device would refuse, and what is there already. */
static int report(const struct fleet *f, struct lk_err *err)
{
	static const int order[] = { LK_E_SYSTEM, LK_E_IO, LK_E_INPUT, LK_E_POLICY, LK_E_REFUSED };
	size_t worst = sizeof(order) / sizeof(order[0]);
	size_t failed = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct outcome *o = &f->outcomes[i];

		if (o->rc == LK_OK)
			continue;
		failed++;
		lk_log(LK_LOG_ERR, "%s", o->why ? o->why : "out of memory");
		for (size_t k = 0; k < worst; k++)
			if (o->rc == order[k])
				worst = k;
	}
	if (!failed)
		return LK_OK;
	if (worst == sizeof(order) / sizeof(order[0]))
		worst = 0;
	if (failed == f->n)
		return lk_err_set(err, (enum lk_rc)order[worst], 0,
				  "%zu of %zu records failed; no blob was made", failed, f->n);
	return lk_err_set(err, (enum lk_rc)order[worst], 0,
			  "%zu of %zu records failed; the other blobs are in %s", failed, f->n,
			  f->folder);
}

static int list(struct fleet *f, const char *records, char **names, struct lk_err *err)
{
	f->records = names;
	for (size_t i = 0; names[i]; i++) {
		char *name = names[i];

		if (!is_record(name))
			continue;
		names[i] = names[f->n];
		names[f->n++] = name;
	}
	if (f->n == 0)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: no record (*.json) in it", records);
	f->outcomes = calloc(f->n, sizeof(*f->outcomes));
	if (!f->outcomes)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	return LK_OK;
}

static int make_folder(const char *folder, bool *ret_made, struct lk_err *err)
{
	*ret_made = mkdir(folder, 0777) == 0;
	if (*ret_made || errno == EEXIST)
		return LK_OK;
	return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", folder, strerror(errno));
}

/* A folder whose name is misspelt is no device's; its device is refused by itself. */
static int say_left_over(const char *templates, const char *records, struct lk_err *err)
{
	const struct dirent *e;
	DIR *dir;

	if (!templates)
		return LK_OK;
	dir = opendir(templates);
	if (!dir)
		return lk_err_set(err, LK_E_INPUT, (uint32_t)errno, "%s: can't list: %s", templates,
				  strerror(errno));
	while ((e = readdir(dir))) {
		char record[PATH_MAX];

		if (e->d_name[0] == '.')
			continue;
		if (snprintf(record, sizeof(record), "%s/%s.json", records, e->d_name) >=
			    PATH_MAX ||
		    access(record, F_OK) != 0)
			lk_log(LK_LOG_WARNING, "%s/%s: there is no record %s.json; passed over",
			       templates, e->d_name, e->d_name);
	}
	(void)closedir(dir);
	return LK_OK;
}

int lk_sealing_fleet(const struct lk_sealing *s, const char *records, const char *folder,
		     struct lk_err *err)
{
	struct fleet f = { .sealing = s, .folder = folder, .lock = PTHREAD_MUTEX_INITIALIZER };
	char **names = NULL;
	size_t n_names = 0;
	bool made = false;
	int rc = lk_fs_list(records, RECORDS_MAX, &names, &n_names, err);

	if (rc != LK_OK)
		return rc;
	rc = list(&f, records, names, err);
	if (rc == LK_OK)
		rc = say_left_over(s->templates, records, err);
	if (rc == LK_OK)
		rc = make_folder(folder, &made, err);
	if (rc == LK_OK) {
		seal_all(&f);
		rc = lk_outfile_sync_folder(folder, err);
	}
	if (rc == LK_OK) {
		rc = report(&f, err);
	}
	if (rc != LK_OK && made)
		(void)rmdir(folder); /* only where it is empty */
	for (size_t i = 0; f.outcomes && i < f.n; i++)
		free(f.outcomes[i].why);
	free(f.outcomes);
	lk_fs_list_free(names, n_names);
	return rc;
}
