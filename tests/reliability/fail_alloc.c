/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns allocations that fail: preloaded, it lets the LK_FAIL_AT-th of a process fail, and LK_FAIL_RUN - 1 after it. */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static unsigned long n, at, run;
/* dlsym() allocates before there is anything to allocate with. */
static char early[4096];
static size_t early_used;

static void ready(void)
{
	static int begun;
	const char *text;

	if (begun)
		return;
	begun = 1;
	real_malloc = dlsym(RTLD_NEXT, "malloc");
	real_calloc = dlsym(RTLD_NEXT, "calloc");
	real_realloc = dlsym(RTLD_NEXT, "realloc");
	text = getenv("LK_FAIL_AT");
	at = text ? strtoul(text, NULL, 10) : 0;
	text = getenv("LK_FAIL_RUN");
	run = text ? strtoul(text, NULL, 10) : 1;
}

static int fails(void)
{
	n++;
	if (at == 0 || n < at || n - at >= run)
		return 0;
	errno = ENOMEM;
	return 1;
}

static void *early_take(size_t size)
{
	void *p = early + early_used;

	early_used += (size + 15u) & ~(size_t)15;
	return early_used <= sizeof(early) ? p : NULL;
}

void *malloc(size_t size)
{
	ready();
	if (real_malloc == NULL)
		return early_take(size);
	return fails() ? NULL : real_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	ready();
	if (real_calloc == NULL)
		return early_take(count * size);
	return fails() ? NULL : real_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	ready();
	return fails() ? NULL : real_realloc(old, size);
}

/* How many there were, for who wants to let each of them fail. */
__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("LK_FAIL_COUNT");
	FILE *f;

	at = 0;
	f = path ? fopen(path, "w") : NULL;
	if (f == NULL)
		return;
	fprintf(f, "%lu\n", n);
	fclose(f);
}
