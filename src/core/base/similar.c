/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns edit distances of words. */
#include "core/base/similar.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 63u

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Optimal string alignment; both are at most WORD_MAX long. */
static unsigned int distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	unsigned int row[3][WORD_MAX + 1]; /* of the letter before the last, of the last, of this */
	unsigned int *before = row[0], *last = row[1], *now = row[2];

	for (size_t k = 0; k <= n_b; k++)
		last[k] = (unsigned int)k;
	memcpy(before, last, sizeof(row[0]));
	for (size_t i = 1; i <= n_a; i++) {
		unsigned int *oldest = before;

		now[0] = (unsigned int)i;
		for (size_t k = 1; k <= n_b; k++) {
			unsigned int other = a[i - 1] != b[k - 1];

			now[k] = least(least(last[k], now[k - 1]) + 1, last[k - 1] + other);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				now[k] = least(now[k], before[k - 2] + 1);
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[n_b];
}

const char *lk_similar(const char *typed, const char *const *words)
{
	size_t len = strlen(typed);
	unsigned int nearest = (unsigned int)(len / 3 ? len / 3 : 1) + 1;
	const char *found = NULL;

	if (!len || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; words[i]; i++) {
		size_t n = strlen(words[i]);
		unsigned int d = n > WORD_MAX ? nearest : distance(typed, len, words[i], n);

		if (d == 0)
			return NULL;
		if (d < nearest && d < n) {
			nearest = d;
			found = words[i];
		}
	}
	return found;
}

const char *lk_similar_command(char *const *typed, int n, const char *const *commands)
{
	char both[2 * WORD_MAX + 2];
	const char *near = NULL;

	if (n > 1 && typed[1][0] != '-' &&
	    snprintf(both, sizeof(both), "%s %s", typed[0], typed[1]) < (int)sizeof(both))
		near = lk_similar(both, commands);
	return near || n < 1 ? near : lk_similar(typed[0], commands);
}

const char *lk_similar_say(const char *typed, const char *const *words,
			   char out[static LK_SIMILAR_MAX])
{
	const char *word = lk_similar(typed, words);

	out[0] = '\0';
	if (word)
		(void)snprintf(out, LK_SIMILAR_MAX, "; did you mean %s?", word);
	return out;
}
