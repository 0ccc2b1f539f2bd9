/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the look at names in tar archives: in one piece or in small ones it comes to the same. */
#include "core/config/tar_names.h"
#include "fuzz.h"

#define BLOCK  512u
#define SUM_AT 148u

/* Behind the checksum lies all that matters: each block gets the one that it
 * would have as a header, where its first byte asks for it. */
static void repair(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		unsigned int sum = 0;
		char text[8];

		if (!(data[at] & 1))
			continue;
		memset(data + at + SUM_AT, ' ', 8);
		for (size_t i = 0; i < BLOCK; i++)
			sum += data[at + i];
		(void)snprintf(text, sizeof(text), "%06o", sum);
		memcpy(data + at + SUM_AT, text, 7);
	}
}

static void check(const uint8_t *data, size_t size)
{
	static struct lk_tar_names whole, pieces;
	struct lk_err err = { 0 };
	int rc, each = LK_OK;

	memset(&whole, 0, sizeof(whole));
	memset(&pieces, 0, sizeof(pieces));
	rc = lk_tar_names_see(&whole, data, size, &err);
	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	for (size_t i = 0; i < size && each == LK_OK; i += 7)
		each = lk_tar_names_see(&pieces, data + i, size - i < 7 ? size - i : 7, NULL);
	INVARIANT(each == rc);
	INVARIANT(rc != LK_OK || (pieces.stage == whole.stage && pieces.at == whole.at));
	INVARIANT(whole.n < BLOCK && whole.record.n_key <= LK_TAR_KEY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	INVARIANT(copy);
	check(data, size);
	memcpy(copy, data, size);
	repair(copy, size);
	check(copy, size);
	free(copy);
	return 0;
}
