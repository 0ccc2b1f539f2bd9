/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the look at zstd's frame headers (RFC 8878) that comes before a decompressor allocates what they ask for. */
#ifndef LK_CORE_CONFIG_ZSTD_FRAMES_H
#define LK_CORE_CONFIG_ZSTD_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/rc.h"

/** What RFC 8878, 3.1.1.1.2, wants every decoder to have; zstd's levels up to 19 need no more. */
#define LK_ZSTD_WINDOW_MAX (UINT64_C(8) << 20)

enum lk_zstd_stage {
	LK_ZSTD_MAGIC,
	LK_ZSTD_DESCRIPTOR,
	LK_ZSTD_HEADER,
	LK_ZSTD_BLOCK,
	LK_ZSTD_CONTENT,
	LK_ZSTD_OTHER, /* it isn't zstd: nothing is said of it */
};

/** Where a stream is; all zero is its start. */
struct lk_zstd_frames {
	enum lk_zstd_stage stage;
	uint8_t have[16]; /* of what this stage needs */
	size_t n;
	uint64_t skip; /* bytes of a block's content */
	uint64_t at;   /* bytes that were seen */
	bool any;      /* a frame was there before */
	bool checksum; /* four bytes come after the last block */
	bool last;     /* so was the last block's header */
};

/**
 * lk_zstd_frames_see - the next bytes of what may be a zstd stream
 *
 * A stream whose first four bytes are no zstd frame's is let pass: bare, or
 * compressed by something else.
 *
 * Return: LK_OK, or LK_E_INPUT for a frame that wants a window of more than
 * LK_ZSTD_WINDOW_MAX, a skippable frame, or anything but a frame after one.
 */
int lk_zstd_frames_see(struct lk_zstd_frames *z, const uint8_t *data, size_t len,
		       struct lk_err *err);

#endif
