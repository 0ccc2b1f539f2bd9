/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the header of a configuration blob, byte by byte (latchkey-blob(5)), and the identifiers in it. */
#ifndef LK_CORE_CONFIG_BLOB_H
#define LK_CORE_CONFIG_BLOB_H

#include "core/base/alg.h"
#include "core/base/bytes.h"
#include "core/policy/ecdsa_der.h"
#include "core/policy/policy_key.h"
#include "core/base/rc.h"

#define LK_BLOB_HEADER_SIZE 216u
#define LK_BLOB_VERSION	    1u
#define LK_BLOB_ID_SIZE	    32u
#define LK_BLOB_IV_SIZE	    16u
#define LK_BLOB_KEY_MAX	    32u
#define LK_BLOB_CHECK_SIZE  16u
/** More than any configuration, and far from where sums of it overflow. */
#define LK_BLOB_PLAIN_MAX (UINT64_C(1) << 40)
#define LK_BLOB_SIZE_MAX  (LK_BLOB_HEADER_SIZE + LK_BLOB_PLAIN_MAX + LK_ECDSA_DER_MAX)

/** Which algorithms; each policy key has one. */
enum lk_blob_suite {
	LK_SUITE_P384 = 1, /* ECDSA P-384, SHA-384, AES-256-CTR */
	LK_SUITE_P256 = 2, /* ECDSA P-256, SHA-256, AES-128-CTR */
};

enum lk_curve lk_suite_curve(enum lk_blob_suite suite);
enum lk_blob_suite lk_suite_of(enum lk_curve curve);
/** Bytes of the content key: 32 or 16. */
size_t lk_suite_key_size(enum lk_blob_suite suite);
/** "ECDSA P-384, SHA-384, AES-256-CTR" */
const char *lk_suite_name(enum lk_blob_suite suite);

struct lk_blob_header {
	enum lk_blob_suite suite;
	uint64_t sequence;		     /* at least 1 */
	uint64_t created;		     /* seconds since 1970-01-01 00:00 UTC */
	uint64_t plain_len;		     /* and so of the ciphertext */
	uint8_t target[LK_BLOB_ID_SIZE];     /* device ID; all zero: any device */
	uint8_t policy_key[LK_BLOB_ID_SIZE]; /* lk_policy_key_id */
	uint8_t config_key[LK_BLOB_ID_SIZE]; /* lk_config_key_id */
	uint8_t wrap_iv[LK_BLOB_IV_SIZE];
	/* AES-CFB under the configuration key; the suite's key size of it */
	uint8_t wrapped[LK_BLOB_KEY_MAX];
	uint8_t check[LK_BLOB_CHECK_SIZE]; /* lk_content_key_check */
	uint8_t iv[LK_BLOB_IV_SIZE];	   /* first counter block */
};

/**
 * lk_blob_header_read - the first LK_BLOB_HEADER_SIZE bytes
 * @data: at least what there is of them
 *
 * Nothing of it is to be believed before lk_blob_verify.
 *
 * Return: LK_OK, or LK_E_INPUT with the offset of what is wrong.
 */
int lk_blob_header_read(const uint8_t *data, size_t len, struct lk_blob_header *ret,
			struct lk_err *err);
void lk_blob_header_write(const struct lk_blob_header *header,
			  uint8_t out[static LK_BLOB_HEADER_SIZE]);

/**
 * lk_blob_check_size - does a file of @size bytes fit its header?
 *
 * Return: LK_OK, or LK_E_INPUT for one that is cut short or has bytes that
 * can't belong to a signature.
 */
int lk_blob_check_size(const struct lk_blob_header *header, uint64_t size, struct lk_err *err);

bool lk_blob_for_any(const struct lk_blob_header *header);

/** SHA-256 of the DER SubjectPublicKeyInfo. */
int lk_policy_key_id(const struct lk_policy_key *key, lk_hash_fn hash,
		     uint8_t ret[static LK_BLOB_ID_SIZE], struct lk_err *err);
/** SHA-256 of the AES encryption of one zero block under the key. */
int lk_config_key_id(const uint8_t zero_block[static 16], lk_hash_fn hash,
		     uint8_t ret[static LK_BLOB_ID_SIZE], struct lk_err *err);
/** A device's ID: SHA-256 of its storage root key's Name. */
int lk_device_id(const struct lk_name *root_key, lk_hash_fn hash,
		 uint8_t ret[static LK_BLOB_ID_SIZE], struct lk_err *err);

#endif
