/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a look at freed memory, which nothing but a test may take: 0 when none of a secret is left. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SECRET 0xa7

/* Through integers: the compiler may otherwise take a freed pointer for one that holds nothing. What was unmapped is gone. */
static size_t left(uintptr_t at, size_t size)
{
	unsigned char resident;
	size_t n = 0;

	for (uintptr_t p = at; p < at + size; p++)
		if (mincore((void *)(p & ~(uintptr_t)4095), 4096, &resident) == 0)
			n += *(const volatile unsigned char *)p == SECRET;
	return n;
}

static uintptr_t fill(size_t size)
{
	volatile unsigned char *p = malloc(size);

	if (!p)
		abort();
	for (size_t i = 0; i < size; i++)
		p[i] = SECRET;
	return (uintptr_t)p;
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 1, 16, 64, 96, 1000, 4000, 20000, 100000 };
	volatile uintptr_t neighbours[8];
	size_t found = 0;

	(void)argv;
	for (int i = 0; i < 8; i++) {
		neighbours[i] = fill(sizes[i]); /* its page is unlikely to go with it */
		volatile uintptr_t at = fill(sizes[i]);

		/* The test that can fail: with an argument nothing is freed. */
		if (argc < 2)
			free((void *)at);
		found += left(at, sizes[i]);
		/* Where it is grown it is moved, and what it leaves is freed. */
		at = fill(sizes[i]);
		volatile uintptr_t moved =
			argc < 2 ? (uintptr_t)realloc((void *)at, 2 * sizes[i] + 64) : at;

		if (moved != at)
			found += left(at, sizes[i]);
		(void)neighbours[i];
	}
	return argc < 2 ? found != 0 : found == 0;
}
