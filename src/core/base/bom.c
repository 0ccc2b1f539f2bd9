/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns telling byte order marks. */
#include "core/base/bom.h"

#include <string.h>

static bool begins(struct lk_bytes text, const char *mark, size_t len)
{
	return text.len >= len && memcmp(text.data, mark, len) == 0;
}

struct lk_bytes lk_bom_skip(struct lk_bytes text)
{
	if (!begins(text, "\xef\xbb\xbf", 3))
		return text;
	return (struct lk_bytes){ text.data + 3, text.len - 3 };
}

const char *lk_bom_foreign(struct lk_bytes text)
{
	/* The longer ones first: UTF-16's is how UTF-32's begins. */
	static const struct {
		const char *mark;
		size_t len;
		const char *name;
	} table[] = {
		{ "\xff\xfe\0\0", 4, "UTF-32" },
		{ "\0\0\xfe\xff", 4, "UTF-32" },
		{ "\xff\xfe", 2, "UTF-16" },
		{ "\xfe\xff", 2, "UTF-16" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (begins(text, table[i].mark, table[i].len))
			return table[i].name;
	return NULL;
}
