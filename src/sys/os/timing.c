/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns measuring the steps of a run by the monotonic clock. */
#include "sys/os/timing.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RECORDS_MAX 128u

struct record {
	bool is_command;
	char subject[64];
	const char *step; /* of a command: its name */
	size_t sent;
	size_t answered;
	uint64_t ns;
};

struct lk_timing {
	uint64_t began;
	uint64_t last;
	uint64_t sent_at;
	uint64_t typed;
	size_t n;
	size_t left_out;
	struct record records[RECORDS_MAX];
};

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* NULL: there is no room for it. */
static struct record *add_record(struct lk_timing *timing)
{
	if (timing->n == RECORDS_MAX) {
		timing->left_out++;
		return NULL;
	}
	return &timing->records[timing->n++];
}

struct lk_timing *lk_timing_new(void)
{
	struct lk_timing *timing = calloc(1, sizeof(*timing));

	if (timing)
		timing->began = timing->last = now();
	return timing;
}

void lk_timing_free(struct lk_timing *timing)
{
	free(timing);
}

void lk_timing_step(struct lk_timing *timing, const char *subject, const char *step)
{
	uint64_t at;
	struct record *r;

	if (!timing)
		return;
	at = now();
	r = add_record(timing);
	if (r) {
		r->step = step;
		r->ns = at - timing->last;
		(void)snprintf(r->subject, sizeof(r->subject), "%s%s", subject ? subject : "",
			       subject ? ": " : "");
	}
	timing->last = at;
}

void lk_timing_typed(struct lk_timing *timing, const char *subject, const char *step)
{
	uint64_t before;

	if (!timing)
		return;
	before = timing->last;
	lk_timing_step(timing, subject, step);
	timing->typed += timing->last - before;
}

void lk_timing_tpm_sent(struct lk_timing *timing, const char *command, size_t len)
{
	struct record *r;

	if (!timing)
		return;
	timing->sent_at = now();
	r = add_record(timing);
	if (!r)
		return;
	r->is_command = true;
	r->step = command;
	r->sent = len;
}

void lk_timing_tpm_answered(struct lk_timing *timing, size_t len)
{
	struct record *r;

	if (!timing || !timing->n)
		return;
	r = &timing->records[timing->n - 1];
	if (!r->is_command || r->answered)
		return;
	r->answered = len;
	r->ns = now() - timing->sent_at;
}

static void print_ms(uint64_t ns)
{
	(void)fprintf(stderr, "timing: %8.3f ms  ", (double)ns / 1e6);
}

void lk_timing_print(const struct lk_timing *timing)
{
	uint64_t total;

	if (!timing)
		return;
	total = now() - timing->began;
	for (size_t i = 0; i < timing->n; i++) {
		const struct record *r = &timing->records[i];

		print_ms(r->ns);
		if (r->is_command)
			(void)fprintf(stderr, "- %s (%zu + %zu bytes)\n", r->step, r->sent,
				      r->answered);
		else
			(void)fprintf(stderr, "%s%s\n", r->subject, r->step);
	}
	if (timing->left_out)
		(void)fprintf(stderr, "timing: %zu more aren't listed\n", timing->left_out);
	print_ms(total - timing->typed);
	(void)fprintf(stderr, "in all, from main()%s\n",
		      timing->typed ? " and without the typing" : "");
}
