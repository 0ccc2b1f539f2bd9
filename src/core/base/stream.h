/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns how long data is handed on in pieces: where it comes from, where it goes, how far it is. */
#ifndef LK_CORE_BASE_STREAM_H
#define LK_CORE_BASE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/rc.h"

/** Where bytes come from. */
struct lk_source {
	/**
	 * Fills up to @cap bytes; *@ret_len 0 is the end, and only then.
	 * Return: LK_OK or an error, after which the source isn't used again.
	 */
	int (*read)(void *ctx, uint8_t *buf, size_t cap, size_t *ret_len, struct lk_err *err);
	void *ctx;
};

/** Where bytes go. */
struct lk_sink {
	/** Takes all of @len bytes, or fails. */
	int (*write)(void *ctx, const uint8_t *data, size_t len, struct lk_err *err);
	void *ctx;
};

/** Who wants to know how far long work is; @tell may be NULL. */
struct lk_progress {
	/** @done of @total bytes; @total 0: not known. */
	void (*tell)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

#endif
