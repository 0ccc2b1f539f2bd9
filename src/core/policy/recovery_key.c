/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing and reading recovery keys. */
#include "core/policy/recovery_key.h"

#include <string.h>

static const char modhex[] = "cbdefghijklnrtuv";

/* Puts letter number @n (from 0) where its group has it. */
static void place(char *out, size_t n, char letter)
{
	out[n + n / 5] = letter;
	if (n % 5 == 4 && n != 39)
		out[n + n / 5 + 1] = '-';
}

void lk_recovery_key_format(const uint8_t random[static LK_RECOVERY_KEY_BYTES],
			    char out[static LK_RECOVERY_KEY_TEXT + 1])
{
	for (size_t i = 0; i < LK_RECOVERY_KEY_BYTES; i++) {
		place(out, 2 * i, modhex[random[i] >> 4]);
		place(out, 2 * i + 1, modhex[random[i] & 15]);
	}
	out[LK_RECOVERY_KEY_TEXT] = '\0';
}

bool lk_recovery_key_normalize(const char *typed, size_t len,
			       char out[static LK_RECOVERY_KEY_TEXT + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = typed[i];

		if (c == '-' || c == ' ' || c == '\r' || c == '\n')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (n == 40 || c == '\0' || !strchr(modhex, c))
			return false;
		place(out, n++, c);
	}
	out[LK_RECOVERY_KEY_TEXT] = '\0';
	return n == 40;
}
