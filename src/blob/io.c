/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns moving the bytes of a blob. */
#include "blob/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/crypto/crypto.h"
#include "sys/os/secret.h"

int lk_blob_pread(int fd, uint8_t *buf, size_t len, uint64_t offset, struct lk_err *err)
{
	while (len) {
		ssize_t n = pread(fd, buf, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lk_err_set(err, LK_E_IO, (uint32_t)errno,
					  "reading at offset %llu: %s", (unsigned long long)offset,
					  strerror(errno));
		if (n == 0)
			return lk_err_set(err, LK_E_INPUT, 0, "cut short at offset %llu",
					  (unsigned long long)offset);
		buf += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return LK_OK;
}

int lk_blob_pwrite(int fd, const uint8_t *data, size_t len, uint64_t offset, struct lk_err *err)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lk_err_set(err, LK_E_IO, (uint32_t)errno, "writing: %s",
					  strerror(errno));
		data += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return LK_OK;
}

static int move(const struct lk_blob_pump *pump, uint8_t *buf, uint64_t at, size_t len,
		struct lk_err *err)
{
	int rc = lk_blob_pread(pump->from, buf, len, at, err);

	if (rc == LK_OK && pump->copy >= 0)
		rc = lk_blob_pwrite(pump->copy, buf, len, at, err);
	if (rc == LK_OK && pump->hasher)
		rc = lk_hasher_update(pump->hasher, buf, len, err);
	return rc;
}

int lk_blob_pump(const struct lk_blob_pump *pump, const struct lk_progress *progress,
		 struct lk_err *err)
{
	uint8_t *buf = malloc(LK_BLOB_CHUNK);
	int rc = LK_OK;

	if (!buf)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	for (uint64_t at = pump->start; rc == LK_OK && at < pump->end;) {
		uint64_t left = pump->end - at;
		size_t len = left < LK_BLOB_CHUNK ? (size_t)left : LK_BLOB_CHUNK;

		rc = move(pump, buf, at, len, err);
		at += len;
		lk_progress_tell(progress, at, pump->end);
	}
	free(buf);
	return rc;
}

int lk_blob_key_check_value(const struct lk_secret *content_key,
			    uint8_t ret[static LK_BLOB_CHECK_SIZE], struct lk_err *err)
{
	static const char purpose[] = "latchkey:content-key";
	const struct lk_bytes key = { content_key->data, content_key->len };
	const struct lk_bytes text = { (const uint8_t *)purpose, sizeof(purpose) - 1 };
	struct lk_digest mac;

	if (!lk_crypto_hmac(LK_ALG_SHA256, key, text, &mac))
		return lk_err_set(err, LK_E_SYSTEM, 0, "HMAC failed");
	memcpy(ret, mac.data, LK_BLOB_CHECK_SIZE);
	return LK_OK;
}
