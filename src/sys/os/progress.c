/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the line of progress on standard error. */
#include "sys/os/progress.h"

#include <stdio.h>
#include <unistd.h>

#define PATIENCE_MS 1000 /* what is done by then needs no line */
#define PAUSE_MS    200	 /* between two of them */
#define CLEAR_LINE  "\r\033[K"

static long ms_between(const struct timespec *a, const struct timespec *b)
{
	return (long)(b->tv_sec - a->tv_sec) * 1000 + (b->tv_nsec - a->tv_nsec) / 1000000;
}

static void print_size(uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB" };
	double v = (double)bytes / 1024;
	size_t i = 0;

	for (; i < 2 && v >= 1024; i++)
		v /= 1024;
	fprintf(stderr, "%.1f %s", v, units[i]);
}

static void tell(void *ctx, uint64_t done, uint64_t total)
{
	struct lk_progress_meter *m = ctx;
	struct timespec now;

	if (!m->on)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (ms_between(&m->began, &now) < PATIENCE_MS ||
	    (m->is_showing && ms_between(&m->shown, &now) < PAUSE_MS))
		return;
	fprintf(stderr, CLEAR_LINE "%s: ", m->what);
	print_size(done);
	if (total) {
		fprintf(stderr, " of ");
		print_size(total);
		fprintf(stderr, ", %u %%", (unsigned int)(100.0 * (double)done / (double)total));
	}
	(void)fflush(stderr);
	m->shown = now;
	m->is_showing = true;
}

void lk_progress_begin(struct lk_progress_meter *m, const char *what)
{
	*m = (struct lk_progress_meter){ .progress = { tell, m },
					 .what = what,
					 .on = isatty(STDERR_FILENO) == 1 };
	(void)clock_gettime(CLOCK_MONOTONIC, &m->began);
}

void lk_progress_end(struct lk_progress_meter *m)
{
	if (m->is_showing)
		fprintf(stderr, CLEAR_LINE);
	m->is_showing = false;
	m->on = false;
}
