/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns blobs that commands read: the header alone, verified, or decrypted. */
#ifndef LK_HOST_CONFIG_OPENED_H
#define LK_HOST_CONFIG_OPENED_H

#include "blob/blob.h"
#include "config/content.h"

/* Every message names the blob's file. */

struct lk_peeked {
	struct lk_blob_header header;
	uint64_t size; /* of the file */
};
int lk_peek(const char *path, struct lk_peeked *ret, struct lk_err *err);

/** @key: the public policy key's file. */
int lk_verify(const char *path, const char *key, struct lk_verified_blob **ret, struct lk_err *err);

struct lk_opening_keys {
	const char *policy_key; /* files */
	const char *config_key;
};

/** A blob that was verified, with the key to its content. */
struct lk_opened {
	const char *path;
	struct lk_verified_blob *blob;
	struct lk_secret content_key;
	uint64_t plain_len;
};
#define LK_OPENED_NONE	((struct lk_opened){ .blob = NULL })
#define LK_OWNED_OPENED __attribute__((cleanup(lk_opened_done))) struct lk_opened
/**
 * What was verified is what is read after: a file that others can write to is
 * copied first.
 */
int lk_opened_init(const char *path, const struct lk_opening_keys *keys, struct lk_opened *ret,
		   struct lk_err *err);
void lk_opened_done(struct lk_opened *o);
/** lk_content_walk over the content. */
int lk_opened_walk(const struct lk_opened *o, const char *doing,
		   const struct lk_content_visitor *visitor, struct lk_err *err);
/** The archive as it is. */
int lk_opened_copy(const struct lk_opened *o, const struct lk_sink *to, struct lk_err *err);

#endif
