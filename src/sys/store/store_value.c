/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns values that go into a database and come out of it. */
#include <string.h>

#include "sys/store/store.h"

struct lk_value lk_value_int(int64_t number)
{
	return (struct lk_value){ .type = LK_VALUE_INT, .number = number };
}

struct lk_value lk_value_text(const char *text)
{
	if (!text)
		return (struct lk_value){ .type = LK_VALUE_NULL };
	return (struct lk_value){ .type = LK_VALUE_TEXT,
				  .bytes = { (const uint8_t *)text, strlen(text) } };
}

struct lk_value lk_value_bytes(struct lk_bytes bytes)
{
	static const uint8_t none[1];

	if (!bytes.data)
		bytes = (struct lk_bytes){ none, 0 };
	return (struct lk_value){ .type = LK_VALUE_BYTES, .bytes = bytes };
}

const char *lk_value_copy(const struct lk_value *v, char *out, size_t cap)
{
	size_t len = v->type == LK_VALUE_TEXT ? v->bytes.len : 0;

	if (len >= cap)
		len = cap - 1;
	if (len)
		memcpy(out, v->bytes.data, len);
	out[len] = '\0';
	return out;
}
