/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making a configuration blob, for who holds the keys. */
#ifndef LK_BLOB_SEAL_H
#define LK_BLOB_SEAL_H

#include "core/config/blob.h"
#include "core/base/stream.h"
#include "sys/crypto/crypto_sign.h"
#include "sys/os/secret.h"

struct lk_seal {
	const struct lk_private_key *key; /* decides the suite */
	const struct lk_secret *config_key;
	uint64_t sequence;
	uint64_t created;
	uint8_t target[LK_BLOB_ID_SIZE]; /* all zero: any device */
	/** Bytes that @content gives, or UINT64_MAX: as many as there are. */
	uint64_t plain_len;
	const struct lk_progress *progress; /* or NULL */
};

/**
 * lk_blob_seal - encrypt under a fresh content key, and sign
 * @fd: an empty file that can be read and written; whoever gives it its name
 *	syncs it first
 *
 * Where @plain_len is known one pass does; else the ciphertext is read again
 * for its hash.
 *
 * Return: LK_OK, LK_E_INPUT (no content, or not as long as said), an error of
 * @content, LK_E_IO or LK_E_SYSTEM. What @fd then holds is to be thrown away.
 */
int lk_blob_seal(const struct lk_seal *seal, const struct lk_source *content, int fd,
		 struct lk_err *err);

#endif
