/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the bounds of a LUKS2 header's JSON areas (LUKS2 On-Disk Format 1.1.3, 2). */
#include "core/luks/luks_area.h"

#include <string.h>

/* A refusal before libcryptsetup sees the header: json-c makes some 2 GiB of an
 * area of 4 MiB that is full of empty objects. */
#define refuse_area(err, ...) lk_err_set(err, LK_E_HEADER, 0, __VA_ARGS__)

size_t lk_luks_copy_size(const uint8_t *head, size_t len)
{
	struct lk_reader r = lk_reader_init(head, len);
	uint64_t size;

	(void)lk_read_bytes(&r, 8); /* magic and version */
	size = lk_read_be64(&r);
	return r.failed || size <= LK_LUKS_BINARY_SIZE || size > LK_LUKS_COPY_MAX ? 0
										  : (size_t)size;
}

static bool has(struct lk_bytes data, size_t at, const uint8_t magic[static 6])
{
	return data.len >= 8 && at <= data.len - 8 && memcmp(data.data + at, magic, 6) == 0;
}

bool lk_luks_is_first(struct lk_bytes data)
{
	static const uint8_t magic[] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };

	return has(data, 0, magic);
}

bool lk_luks_is_second(struct lk_bytes data, size_t at)
{
	static const uint8_t magic[] = { 'S', 'K', 'U', 'L', 0xba, 0xbe };

	return has(data, at, magic);
}

struct counts {
	size_t containers;
	size_t marks;
};

static struct counts count(const uint8_t *text, size_t len)
{
	static const uint8_t zeros[16];
	struct counts c = { 0, 0 };

	for (size_t i = 0; i < len; i++) {
		/* Nearly all of an area is. */
		while (len - i > sizeof(zeros) && !memcmp(text + i, zeros, sizeof(zeros)))
			i += sizeof(zeros);
		c.containers += text[i] == '{' || text[i] == '[';
		c.marks += text[i] == ',' || text[i] == ':';
	}
	return c;
}

int lk_luks_area_check(struct lk_bytes data, size_t at, struct lk_err *err)
{
	size_t size = lk_luks_copy_size(data.data + at, data.len - at);
	const uint8_t *json = data.data + at + LK_LUKS_BINARY_SIZE;
	struct counts c;
	size_t len;

	if (!size)
		return refuse_area(err,
				   "the header copy at %zu says that it is larger than %u bytes",
				   at, LK_LUKS_COPY_MAX);
	if (size > data.len - at)
		size = data.len - at;
	if (size <= LK_LUKS_BINARY_SIZE)
		return LK_OK;
	len = size - LK_LUKS_BINARY_SIZE;
	if (len > LK_LUKS_JSON_MAX && !memchr(json, '\0', LK_LUKS_JSON_MAX + 1))
		return refuse_area(err,
				   "the JSON of the header copy at %zu is longer than %u bytes", at,
				   LK_LUKS_JSON_MAX);
	c = count(json, len);
	if (c.containers > LK_LUKS_CONTAINERS_MAX || c.marks > LK_LUKS_JSON_MARKS_MAX)
		return refuse_area(
			err,
			"the JSON of the header copy at %zu has %zu braces, and %zu commas and colons; at most %u and %u are read",
			at, c.containers, c.marks, LK_LUKS_CONTAINERS_MAX, LK_LUKS_JSON_MARKS_MAX);
	return LK_OK;
}

int lk_luks_areas_check(struct lk_bytes data, struct lk_err *err)
{
	/* An impossible size alone is no refusal here: libcryptsetup passes such a
	 * copy over without reading its JSON. */
	if (lk_luks_is_first(data) && lk_luks_copy_size(data.data, data.len))
		LK_TRY(lk_luks_area_check(data, 0, err));
	for (size_t at = LK_LUKS_SECOND_OFFSET; at <= LK_LUKS_COPY_MAX && at < data.len; at *= 2)
		if (lk_luks_is_second(data, at) && lk_luks_copy_size(data.data + at, data.len - at))
			LK_TRY(lk_luks_area_check(data, at, err));
	return LK_OK;
}
