/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what sealing and verifying share: whole reads and writes at a place, hashing on the way, the content key's check. */
#ifndef LK_BLOB_IO_H
#define LK_BLOB_IO_H

#include "core/config/blob.h"
#include "core/base/stream.h"
#include "sys/crypto/crypto_stream.h"

/** Long data goes through a buffer of this size. */
#define LK_BLOB_CHUNK (256u * 1024u)

/** Exactly @len bytes at @offset; a file that ends before is LK_E_INPUT. */
int lk_blob_pread(int fd, uint8_t *buf, size_t len, uint64_t offset, struct lk_err *err);
int lk_blob_pwrite(int fd, const uint8_t *data, size_t len, uint64_t offset, struct lk_err *err);

/**
 * lk_blob_pump - bytes [@start, @end) of @from, to where they are wanted
 * @copy: descriptor that gets them at the same offsets; -1: none
 * @hasher: gets them; NULL: none
 */
struct lk_blob_pump {
	int from;
	int copy;
	struct lk_hasher *hasher;
	uint64_t start;
	uint64_t end;
};
int lk_blob_pump(const struct lk_blob_pump *pump, const struct lk_progress *progress,
		 struct lk_err *err);

/** What the header's check of a content key has to be. */
int lk_blob_key_check_value(const struct lk_secret *content_key,
			    uint8_t ret[static LK_BLOB_CHECK_SIZE], struct lk_err *err);

static inline void lk_progress_tell(const struct lk_progress *p, uint64_t done, uint64_t total)
{
	if (p && p->tell)
		p->tell(p->ctx, done, total);
}

#endif
