/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns opening a configuration blob: only what was verified can be decrypted. */
#ifndef LK_BLOB_BLOB_H
#define LK_BLOB_BLOB_H

#include "core/config/blob.h"
#include "core/base/stream.h"
#include "sys/os/secret.h"

/** A blob whose signature over every byte has been checked. Holds its file. */
struct lk_verified_blob;
void lk_verified_blob_free(struct lk_verified_blob *blob);
static inline void lk_verified_blob_freep(struct lk_verified_blob **p)
{
	lk_verified_blob_free(*p);
}
#define LK_OWNED_VERIFIED_BLOB                                                                     \
	__attribute__((cleanup(lk_verified_blob_freep))) struct lk_verified_blob *

/**
 * lk_blob_peek - the header of a blob that nothing vouches for yet
 * @fd: a regular file; its offset is left alone
 * @ret_size: the file's size, which fits the header
 *
 * Return: LK_OK, LK_E_INPUT or LK_E_IO.
 */
int lk_blob_peek(int fd, struct lk_blob_header *ret, uint64_t *ret_size, struct lk_err *err);

/**
 * lk_blob_verify - is it whole, and signed by that key?
 * @fd: a regular file that nobody else can write to; owned by the result, and
 *	closed on failure too
 * @progress: over the bytes hashed; NULL: nobody asks
 *
 * Order: structure of the header, size, suite against the key's curve, key
 * identifier, strict DER, and then the signature over all that comes before
 * it. Sequence and target are for who knows the device.
 *
 * Return: LK_OK, LK_E_INPUT (malformed), LK_E_POLICY (not that key's
 * signature), LK_E_IO, LK_E_SYSTEM.
 */
int lk_blob_verify(int fd, const struct lk_policy_key *key, const struct lk_progress *progress,
		   struct lk_verified_blob **ret, struct lk_err *err);
const struct lk_blob_header *lk_verified_blob_header(const struct lk_verified_blob *blob);
/** The digest that the signature is over. */
const struct lk_digest *lk_verified_blob_digest(const struct lk_verified_blob *blob);

/**
 * lk_blob_copy_verify - the same for a file that others can write to
 * @from: read once, from its start; not closed
 * @copy: an empty private file, which receives the bytes; owned by the result
 *	and closed on failure too
 * @max: more bytes than that are LK_E_INPUT, before any is copied
 *
 * What is verified are the bytes that were copied, whatever becomes of @from.
 */
struct lk_blob_copy {
	int from;
	int copy;
	uint64_t max;
};
int lk_blob_copy_verify(const struct lk_blob_copy *copy, const struct lk_policy_key *key,
			const struct lk_progress *progress, struct lk_verified_blob **ret,
			struct lk_err *err);

/**
 * lk_blob_unwrap - the content key, by the configuration key itself
 *
 * The TPM does the same: lk_tpm_config_unwrap, after which
 * lk_blob_content_key_check says whether it was the right key.
 *
 * Return: LK_OK, LK_E_POLICY for another configuration key.
 */
int lk_blob_unwrap(const struct lk_verified_blob *blob, const struct lk_secret *config_key,
		   struct lk_secret *ret, struct lk_err *err);
/** LK_OK, or LK_E_POLICY: it isn't the content key of this blob. */
int lk_blob_content_key_check(const struct lk_blob_header *header,
			      const struct lk_secret *content_key, struct lk_err *err);

/** The content, decrypted in pieces; may be opened again to read it twice. */
struct lk_blob_content;
int lk_blob_content_open(const struct lk_verified_blob *blob, const struct lk_secret *content_key,
			 const struct lk_progress *progress, struct lk_blob_content **ret,
			 struct lk_err *err);
/** Valid as long as the content is open. */
struct lk_source lk_blob_content_source(struct lk_blob_content *content);
void lk_blob_content_free(struct lk_blob_content *content);
static inline void lk_blob_content_freep(struct lk_blob_content **p)
{
	lk_blob_content_free(*p);
}
#define LK_OWNED_BLOB_CONTENT                                                                      \
	__attribute__((cleanup(lk_blob_content_freep))) struct lk_blob_content *

#endif
