/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns following a zstd stream from frame to frame, by the lengths in it. */
#include "core/config/zstd_frames.h"

#include <inttypes.h>

#define FRAME	      0xFD2FB528u
#define SKIPPABLE     0x184D2A50u /* and the 15 numbers after it */
#define BLOCK_RLE     1u
#define BLOCK_INVALID 3u

static uint64_t little_endian(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	while (len--)
		v = v << 8 | p[len];
	return v;
}

/* Sizes of the header's parts after its descriptor (RFC 8878, 3.1.1.1.1). */
static size_t window_bytes(uint8_t descriptor)
{
	return descriptor & 0x20 ? 0 : 1;
}

static size_t dictionary_bytes(uint8_t descriptor)
{
	static const uint8_t sizes[] = { 0, 1, 2, 4 };

	return sizes[descriptor & 3];
}

static size_t content_size_bytes(uint8_t descriptor)
{
	if (descriptor >> 6 == 0)
		return descriptor & 0x20 ? 1 : 0;
	return (size_t)1 << (descriptor >> 6);
}

/* How many bytes this stage waits for. */
static size_t wanted(const struct lk_zstd_frames *z)
{
	switch (z->stage) {
	case LK_ZSTD_MAGIC:
		return 4;
	case LK_ZSTD_DESCRIPTOR:
		return 1;
	case LK_ZSTD_HEADER:
		return 1 + window_bytes(z->have[0]) + dictionary_bytes(z->have[0]) +
		       content_size_bytes(z->have[0]);
	default:
		return 3;
	}
}

static int see_magic(struct lk_zstd_frames *z, struct lk_err *err)
{
	uint32_t magic = (uint32_t)little_endian(z->have, 4);

	z->n = 0;
	z->stage = magic == FRAME ? LK_ZSTD_DESCRIPTOR : LK_ZSTD_OTHER;
	if ((magic & 0xFFFFFFF0u) == SKIPPABLE)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "archive: at offset %" PRIu64 ": a skippable zstd frame",
				  z->at - 4);
	if (magic != FRAME && z->any)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "archive: bytes after the compressed data, at offset %" PRIu64,
				  z->at - 4);
	z->any = true;
	return LK_OK;
}

static int see_header(struct lk_zstd_frames *z, struct lk_err *err)
{
	uint8_t d = z->have[0];
	size_t len = content_size_bytes(d);
	uint64_t window;

	if (window_bytes(d)) {
		window = UINT64_C(1) << (10 + (z->have[1] >> 3));
		window += window / 8 * (z->have[1] & 7u);
	} else {
		window = little_endian(z->have + 1 + dictionary_bytes(d), len);
		window += len == 2 ? 256 : 0;
	}
	z->checksum = d & 4;
	z->n = 0;
	z->stage = LK_ZSTD_BLOCK;
	if (window <= LK_ZSTD_WINDOW_MAX)
		return LK_OK;
	return lk_err_set(
		err, LK_E_INPUT, 0,
		"archive: zstd with a window of %" PRIu64 " bytes; at most %" PRIu64
		" are allowed: compress it with level 19 or lower, and without --long or --ultra",
		window, LK_ZSTD_WINDOW_MAX);
}

static int see_block(struct lk_zstd_frames *z, struct lk_err *err)
{
	uint32_t head = (uint32_t)little_endian(z->have, 3);
	uint32_t type = head >> 1 & 3;

	if (type == BLOCK_INVALID)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "archive: at offset %" PRIu64 ": no such kind of zstd block",
				  z->at - 3);
	z->n = 0;
	z->last = head & 1;
	z->skip = type == BLOCK_RLE ? 1 : head >> 3;
	if (z->last && z->checksum)
		z->skip += 4;
	z->stage = LK_ZSTD_CONTENT;
	return LK_OK;
}

static int see_whole(struct lk_zstd_frames *z, struct lk_err *err)
{
	switch (z->stage) {
	case LK_ZSTD_MAGIC:
		return see_magic(z, err);
	case LK_ZSTD_DESCRIPTOR:
		z->stage = LK_ZSTD_HEADER;
		return wanted(z) == z->n ? see_header(z, err) : LK_OK;
	case LK_ZSTD_HEADER:
		return see_header(z, err);
	default:
		return see_block(z, err);
	}
}

static void end_of_content(struct lk_zstd_frames *z)
{
	if (z->stage == LK_ZSTD_CONTENT && z->skip == 0)
		z->stage = z->last ? LK_ZSTD_MAGIC : LK_ZSTD_BLOCK;
}

int lk_zstd_frames_see(struct lk_zstd_frames *z, const uint8_t *data, size_t len,
		       struct lk_err *err)
{
	while (len && z->stage != LK_ZSTD_OTHER) {
		size_t n = 1;

		if (z->stage == LK_ZSTD_CONTENT) {
			n = z->skip < len ? (size_t)z->skip : len;
			z->skip -= n;
		} else {
			z->have[z->n++] = *data;
		}
		data += n;
		len -= n;
		z->at += n;
		if (z->stage != LK_ZSTD_CONTENT && z->n == wanted(z))
			LK_TRY(see_whole(z, err));
		end_of_content(z);
	}
	return LK_OK;
}
