/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns measuring the steps of a run by the monotonic clock. */
#include "sys/os/timing.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define RECORDS_MAX 128u

struct record {
	bool is_command;
	char subject[64];
	const char *step;
	uint32_t code;
	size_t sent;
	size_t answered;
	uint64_t ns;
};

static struct {
	bool on;
	uint64_t began;
	uint64_t last;
	uint64_t sent_at;
	uint64_t typed;
	size_t n;
	size_t left_out;
	struct record records[RECORDS_MAX];
} timing;

/* Part 2, 6.5.2; those that an unlock or its diagnosis may send. */
static const struct {
	uint32_t code;
	const char *name;
} commands[] = {
	{ 0x149, "PolicyNV" },	       { 0x14e, "NV_Read" },	     { 0x15e, "Unseal" },
	{ 0x165, "FlushContext" },     { 0x167, "LoadExternal" },    { 0x169, "NV_ReadPublic" },
	{ 0x16a, "PolicyAuthorize" },  { 0x16b, "PolicyAuthValue" }, { 0x173, "ReadPublic" },
	{ 0x176, "StartAuthSession" }, { 0x177, "VerifySignature" }, { 0x17a, "GetCapability" },
	{ 0x17e, "PCR_Read" },	       { 0x17f, "PolicyPCR" },	     { 0x182, "PCR_Extend" },
	{ 0x13c, "PCR_Event" },
};

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* NULL: there is no room for it. */
static struct record *add(void)
{
	if (timing.n == RECORDS_MAX) {
		timing.left_out++;
		return NULL;
	}
	return &timing.records[timing.n++];
}

void lk_timing_start(void)
{
	timing.on = true;
	timing.began = timing.last = now();
}

void lk_timing_step(const char *subject, const char *step)
{
	uint64_t at;
	struct record *r;

	if (!timing.on)
		return;
	at = now();
	r = add();
	if (r) {
		r->step = step;
		r->ns = at - timing.last;
		(void)snprintf(r->subject, sizeof(r->subject), "%s%s", subject ? subject : "",
			       subject ? ": " : "");
	}
	timing.last = at;
}

void lk_timing_typed(const char *subject, const char *step)
{
	uint64_t before = timing.last;

	lk_timing_step(subject, step);
	timing.typed += timing.last - before;
}

void lk_timing_tpm_sent(const uint8_t *command, size_t len)
{
	struct record *r;

	if (!timing.on)
		return;
	timing.sent_at = now();
	r = add();
	if (!r)
		return;
	r->is_command = true;
	r->sent = len;
	for (size_t i = 6; i < 10 && i < len; i++)
		r->code = r->code << 8 | command[i];
}

void lk_timing_tpm_answered(size_t len)
{
	struct record *r;

	if (!timing.on || !timing.n)
		return;
	r = &timing.records[timing.n - 1];
	if (!r->is_command || r->answered)
		return;
	r->answered = len;
	r->ns = now() - timing.sent_at;
}

static void print_ms(uint64_t ns)
{
	(void)fprintf(stderr, "timing: %8.3f ms  ", (double)ns / 1e6);
}

static void print_command(const struct record *r)
{
	const char *name = NULL;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].code == r->code)
			name = commands[i].name;
	if (name)
		(void)fprintf(stderr, "- TPM2_%s", name);
	else
		(void)fprintf(stderr, "- TPM2 command 0x%x", r->code);
	(void)fprintf(stderr, " (%zu + %zu bytes)\n", r->sent, r->answered);
}

void lk_timing_print(void)
{
	uint64_t total = now() - timing.began;

	if (!timing.on)
		return;
	for (size_t i = 0; i < timing.n; i++) {
		const struct record *r = &timing.records[i];

		print_ms(r->ns);
		if (r->is_command)
			print_command(r);
		else
			(void)fprintf(stderr, "%s%s\n", r->subject, r->step);
	}
	if (timing.left_out)
		(void)fprintf(stderr, "timing: %zu more aren't listed\n", timing.left_out);
	print_ms(total - timing.typed);
	(void)fprintf(stderr, "in all, from main()%s\n",
		      timing.typed ? " and without the typing" : "");
}
