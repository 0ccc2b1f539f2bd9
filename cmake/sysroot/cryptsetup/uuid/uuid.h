/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the one function of libuuid that opening a volume calls, and there only for its verdict. */
#ifndef LK_SYSROOT_UUID_H
#define LK_SYSROOT_UUID_H

#include <ctype.h>
#include <string.h>

typedef unsigned char uuid_t[16];

/* 0 for 8-4-4-4-12 hexadecimal digits, -1 for anything else; @unused isn't written. */
static inline int uuid_parse(const char *text, uuid_t unused)
{
	(void)unused;
	if (strlen(text) != 36)
		return -1;
	for (int i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return -1;
		} else if (!isxdigit((unsigned char)text[i])) {
			return -1;
		}
	}
	return 0;
}

/* For formatting, of which nothing is linked. */
void uuid_generate(uuid_t uuid);
void uuid_unparse(const uuid_t uuid, char *text);

#endif
