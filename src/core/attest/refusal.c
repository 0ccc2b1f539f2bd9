/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the words of refusals. */
#include "core/attest/refusal.h"

#define WORD(id, word) [id] = word,

const char *lk_refusal_word(uint32_t refusal)
{
	static const char *const words[LK_REFUSAL_COUNT] = { LK_REFUSALS(WORD) };

	return words[refusal < LK_REFUSAL_COUNT ? refusal : LK_REFUSAL_NONE];
}
