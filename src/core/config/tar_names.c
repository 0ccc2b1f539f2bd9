/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns following a tar archive from header to header. */
#include "core/config/tar_names.h"

#include <inttypes.h>
#include <string.h>

/* POSIX.1-1988 ustar, and what GNU tar has in its place (tar.h of each). */
enum {
	NAME = 0,
	NAME_LEN = 100,
	SIZE = 124,
	SIZE_LEN = 12,
	CHECKSUM = 148,
	CHECKSUM_LEN = 8,
	TYPE = 156,
	MAGIC = 257,
	PREFIX = 345,
	PREFIX_LEN = 155,
	GNU_IS_EXTENDED = 482,
	GNU_EXTENSION_IS_EXTENDED = 504,
};

enum { PART_LENGTH, PART_KEY, PART_VALUE };

static int zero_byte(const struct lk_tar_names *t, struct lk_err *err)
{
	return lk_err_set(err, LK_E_INPUT, 0,
			  "archive: at offset %" PRIu64
			  " unpacked: a zero byte within a name, which would be cut there",
			  t->at);
}

/* Octal, or binary where the first bit is set; too large is the largest. */
static uint64_t number(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	if (*p & 0x80) {
		v = *p & 0x3f;
		for (size_t i = 1; i < len; i++)
			v = v >> 55 ? UINT64_MAX >> 1 : v << 8 | p[i];
		return v;
	}
	for (size_t i = 0; i < len; i++) {
		if (p[i] == ' ' && v == 0)
			continue;
		if (p[i] < '0' || p[i] > '7')
			break;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	return v;
}

/* The sum of all bytes, its own field taken for spaces. Some old programs
 * summed signed ones. */
static bool has_checksum(const uint8_t *block)
{
	uint64_t said = number(block + CHECKSUM, CHECKSUM_LEN);
	int64_t as_signed = 0, as_unsigned = 0;

	for (size_t i = 0; i < LK_TAR_BLOCK; i++) {
		uint8_t b = i >= CHECKSUM && i < CHECKSUM + CHECKSUM_LEN ? ' ' : block[i];

		as_unsigned += b;
		as_signed += (int8_t)b;
	}
	return (int64_t)said == as_unsigned || (int64_t)said == as_signed;
}

static bool is_all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

static bool is_cut(const uint8_t *field, size_t len)
{
	const uint8_t *end = memchr(field, 0, len);

	return end && !is_all_zero(end, len - (size_t)(end - field));
}

static void follow(struct lk_tar_names *t, enum lk_tar_stage stage, uint64_t body)
{
	t->stage = stage;
	t->body = body;
	t->padding = (LK_TAR_BLOCK - body % LK_TAR_BLOCK) % LK_TAR_BLOCK;
	t->ended = false;
	memset(&t->record, 0, sizeof(t->record));
}

/* A file, folder, or what will be refused for being another kind. */
static int see_entry(struct lk_tar_names *t, struct lk_err *err)
{
	const uint8_t *b = t->block;
	uint64_t size = t->has_size ? t->size : number(b + SIZE, SIZE_LEN);

	t->has_size = false;
	if (is_cut(b + NAME, NAME_LEN) ||
	    (memcmp(b + MAGIC, "ustar", 6) == 0 && is_cut(b + PREFIX, PREFIX_LEN)))
		return zero_byte(t, err);
	if (b[TYPE] && strchr("12346", b[TYPE])) {
		t->stage = LK_TAR_OVER;
		return LK_OK;
	}
	if (b[TYPE] == 'S' && b[GNU_IS_EXTENDED]) {
		t->stage = LK_TAR_SPARSE;
		t->data = size;
		return LK_OK;
	}
	follow(t, LK_TAR_DATA, size);
	return LK_OK;
}

static int see_header(struct lk_tar_names *t, struct lk_err *err)
{
	const uint8_t *b = t->block;
	uint64_t size = number(b + SIZE, SIZE_LEN);

	if (is_all_zero(b, LK_TAR_BLOCK) || (!t->any && !has_checksum(b))) {
		t->stage = LK_TAR_OVER;
		return LK_OK;
	}
	if (!has_checksum(b))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "archive: at offset %" PRIu64
				  " unpacked: no header, where one has to be",
				  t->at - LK_TAR_BLOCK);
	t->any = true;
	switch (b[TYPE]) {
	case 'x':
	case 'X':
	case 'g':
		t->local = b[TYPE] != 'g';
		follow(t, LK_TAR_PAX, size);
		return LK_OK;
	case 'L':
		follow(t, LK_TAR_NAME, size);
		return LK_OK;
	case 'K':
	case 'V':
		follow(t, LK_TAR_DATA, size);
		return LK_OK;
	default:
		return see_entry(t, err);
	}
}

static int see_block(struct lk_tar_names *t, struct lk_err *err)
{
	if (t->stage == LK_TAR_HEADER)
		return see_header(t, err);
	if (!t->block[GNU_EXTENSION_IS_EXTENDED])
		follow(t, LK_TAR_DATA, t->data);
	return LK_OK;
}

static bool is_key(const struct lk_tar_record *r, const char *key)
{
	return strlen(key) == r->n_key && memcmp(r->key, key, r->n_key) == 0;
}

/* Values of other keys, such as extended attributes, are any bytes. */
static bool is_name(const struct lk_tar_record *r)
{
	return is_key(r, "path") || is_key(r, "linkpath") || is_key(r, "GNU.sparse.name");
}

static int see_value(struct lk_tar_names *t, uint8_t byte, struct lk_err *err)
{
	struct lk_tar_record *r = &t->record;

	if (r->seen >= r->len) {
		if (is_key(r, "size") && t->local) {
			t->has_size = true;
			t->size = r->number;
		}
		memset(r, 0, sizeof(*r));
		return LK_OK;
	}
	if (byte == 0 && is_name(r))
		return zero_byte(t, err);
	if (byte >= '0' && byte <= '9' && r->number < UINT64_MAX / 16)
		r->number = r->number * 10 + (uint64_t)(byte - '0');
	return LK_OK;
}

static int see_record(struct lk_tar_names *t, uint8_t byte, struct lk_err *err)
{
	struct lk_tar_record *r = &t->record;

	r->seen++;
	if (r->part == PART_VALUE)
		return see_value(t, byte, err);
	if (r->part == PART_LENGTH) {
		if (byte == ' ')
			r->part = PART_KEY;
		else if (byte >= '0' && byte <= '9' && r->len < UINT64_MAX / 16)
			r->len = r->len * 10 + (uint64_t)(byte - '0');
		return LK_OK;
	}
	if (byte == 0)
		return zero_byte(t, err);
	if (byte == '=')
		r->part = PART_VALUE;
	else if (r->n_key < LK_TAR_KEY_MAX)
		r->key[r->n_key++] = (char)byte;
	return LK_OK;
}

static int see_name(struct lk_tar_names *t, uint8_t byte, struct lk_err *err)
{
	if (byte && t->ended)
		return zero_byte(t, err);
	t->ended |= byte == 0;
	return LK_OK;
}

/* How many bytes of what is there are of the body; each is looked at. */
static int see_body(struct lk_tar_names *t, const uint8_t *data, size_t len, size_t *ret,
		    struct lk_err *err)
{
	size_t n = t->body < len ? (size_t)t->body : len;

	for (size_t i = 0; i < n && t->stage != LK_TAR_DATA; i++)
		LK_TRY(t->stage == LK_TAR_PAX ? see_record(t, data[i], err)
					      : see_name(t, data[i], err));
	t->body -= n;
	*ret = n;
	return LK_OK;
}

int lk_tar_names_see(struct lk_tar_names *t, const uint8_t *data, size_t len, struct lk_err *err)
{
	while (t->stage != LK_TAR_OVER) {
		size_t n = 0;

		if (t->stage >= LK_TAR_PAX && t->stage != LK_TAR_SPARSE && !t->body && !t->padding)
			t->stage = LK_TAR_HEADER;
		if (!len)
			break;
		if (t->stage == LK_TAR_HEADER || t->stage == LK_TAR_SPARSE) {
			n = LK_TAR_BLOCK - t->n < len ? LK_TAR_BLOCK - t->n : len;
			memcpy(t->block + t->n, data, n);
			t->n += n;
		} else if (t->body) {
			LK_TRY(see_body(t, data, len, &n, err));
		} else {
			n = t->padding < len ? (size_t)t->padding : len;
			t->padding -= n;
		}
		t->at += n;
		data += n;
		len -= n;
		if (t->n == LK_TAR_BLOCK) {
			t->n = 0;
			LK_TRY(see_block(t, err));
		}
	}
	return LK_OK;
}
