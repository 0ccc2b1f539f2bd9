/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns guessing which word was meant by one that isn't known. */
#ifndef LK_CORE_BASE_SIMILAR_H
#define LK_CORE_BASE_SIMILAR_H

/** Room for "; did you mean ...?" and a word of at most 63 bytes. */
#define LK_SIMILAR_MAX 96u

/**
 * lk_similar - the nearest of some words, by edit distance
 * @words: ends with NULL; those of more than 63 bytes are passed over
 *
 * Letters that are missing, too many, others or exchanged with their neighbours
 * count one each; one is let pass in three letters, at least one. The first of
 * equals is taken.
 *
 * Return: NULL where none is near, and where @typed is one of them.
 */
const char *lk_similar(const char *typed, const char *const *words);

/**
 * lk_similar_command - a command of one word or two, by what was typed
 * @typed: the words, of which there are @n; one that begins with '-' ends them
 *
 * Return: one of @commands, or NULL.
 */
const char *lk_similar_command(char *const *typed, int n, const char *const *commands);

/** The end of a message: "; did you mean WORD?", or nothing. Return: @out. */
const char *lk_similar_say(const char *typed, const char *const *words,
			   char out[static LK_SIMILAR_MAX]);

#endif
