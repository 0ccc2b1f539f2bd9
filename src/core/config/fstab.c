/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading mount points out of fstab(5). */
#include "core/config/fstab.h"

#include <string.h>

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct lk_bytes take_line(struct lk_bytes *rest)
{
	const uint8_t *end = memchr(rest->data, '\n', rest->len);
	struct lk_bytes line = { rest->data, end ? (size_t)(end - rest->data) : rest->len };
	size_t used = line.len + (end ? 1 : 0);

	rest->data += used;
	rest->len -= used;
	return line;
}

static struct lk_bytes take_field(struct lk_bytes *line)
{
	struct lk_bytes field;

	while (line->len && is_blank(line->data[0])) {
		line->data++;
		line->len--;
	}
	field = (struct lk_bytes){ line->data, 0 };
	while (field.len < line->len && !is_blank(field.data[field.len]))
		field.len++;
	line->data += field.len;
	line->len -= field.len;
	return field;
}

static bool is_octal(const uint8_t *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' &&
	       p[2] <= '7';
}

/* A blank in a name is written \040, and each other character may be. */
static uint8_t take_character(struct lk_bytes *field)
{
	size_t used = 1;
	uint8_t c = field->data[0];

	if (c == '\\' && field->len >= 4 && is_octal(field->data + 1)) {
		c = (uint8_t)((field->data[1] - '0') << 6 | (field->data[2] - '0') << 3 |
			      (field->data[3] - '0'));
		used = 4;
	}
	field->data += used;
	field->len -= used;
	return c;
}

static bool decode(struct lk_bytes field, char ret[static LK_FSTAB_POINT_MAX])
{
	size_t n = 0;

	while (field.len) {
		uint8_t c = take_character(&field);

		if (c == '\0' || n + 1 >= LK_FSTAB_POINT_MAX)
			return false;
		if (c != '/' || n == 0 || ret[n - 1] != '/')
			ret[n++] = (char)c;
	}
	if (n > 1 && ret[n - 1] == '/')
		n--;
	ret[n] = '\0';
	return n > 1 && ret[0] == '/';
}

bool lk_fstab_next(struct lk_bytes *rest, char ret[static LK_FSTAB_POINT_MAX])
{
	char point[LK_FSTAB_POINT_MAX];

	while (rest->len) {
		struct lk_bytes line = take_line(rest);
		struct lk_bytes source = take_field(&line);

		if (source.len == 0 || source.data[0] == '#' || !decode(take_field(&line), point))
			continue;
		memcpy(ret, point, strlen(point) + 1);
		return true;
	}
	return false;
}
