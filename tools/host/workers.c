/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the threads that share one list of work. */
#include "workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/rc.h"
#include "sys/os/progress.h"

#define WORKERS_MAX 64

struct shop {
	const struct lk_work *work;
	atomic_size_t next;
	pthread_mutex_t lock; /* of what follows */
	size_t done;
	struct lk_progress_meter meter;
};

size_t lk_workers_count(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (size_t)n;
}

static void tell_one_more(struct shop *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->done++;
	s->meter.progress.tell(s->meter.progress.ctx, s->done, s->work->n);
	(void)pthread_mutex_unlock(&s->lock);
}

static void *work(void *ctx)
{
	struct shop *s = ctx;
	const struct lk_work *w = s->work;
	void *own = w->batch_ctx_size ? calloc(1, w->batch_ctx_size) : NULL;
	size_t i, n = 0;

	if (w->batch_ctx_size && !own) {
		(void)fputs("out of memory\n", stderr);
		exit(lk_exit_code(LK_E_SYSTEM));
	}
	while ((i = atomic_fetch_add(&s->next, 1)) < w->n) {
		w->one(w->ctx, i, own);
		tell_one_more(s);
		if (w->batch_end && ++n == w->batch) {
			w->batch_end(w->ctx, own);
			n = 0;
		}
	}
	if (w->batch_end && n)
		w->batch_end(w->ctx, own);
	free(own);
	return NULL;
}

void lk_workers_run(const struct lk_work *w)
{
	struct shop s = { .work = w, .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[WORKERS_MAX];
	size_t wanted = lk_workers_count();
	size_t n = 0;

	lk_progress_begin(&s.meter, w->what);
	while (n + 1 < wanted && n + 1 < w->n && pthread_create(&threads[n], NULL, work, &s) == 0)
		n++;
	(void)work(&s);
	while (n)
		(void)pthread_join(threads[--n], NULL);
	lk_progress_end(&s.meter);
}
