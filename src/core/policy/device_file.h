/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the device file (latchkey-device(5)): whose TPM this device has, as learned at its installation. */
#ifndef LK_CORE_POLICY_DEVICE_FILE_H
#define LK_CORE_POLICY_DEVICE_FILE_H

#include <stdbool.h>

#include "core/base/paths.h"
#include "core/base/doc.h"
#include "core/policy/policy_key.h"

#define LK_DEVICE_YAML_TEXT 512u /* bytes that one takes, at most */
#define LK_DEVICE_YAML_MAX  4096u
#define LK_DEVICE_ID_SIZE   32u

struct lk_device_file {
	uint8_t id[LK_DEVICE_ID_SIZE]; /* SHA-256 of @root */
	struct lk_name root;	       /* Name of the storage root key */
	struct lk_name policy_key;     /* len 0: it isn't said */
};

/**
 * lk_device_file_make - fills in what follows from the Names
 * @policy_key: len 0 where it isn't known
 *
 * Return: LK_OK or LK_E_SYSTEM.
 */
int lk_device_file_make(const struct lk_name *root, const struct lk_name *policy_key,
			lk_hash_fn hash, struct lk_device_file *ret, struct lk_err *err);

/**
 * lk_device_file_from_doc - from the file's own text
 *
 * Return: LK_OK, or LK_E_INPUT with line and column: a key that isn't known, or a
 * device-id that isn't that of the Name beside it.
 */
int lk_device_file_from_doc(const struct lk_doc *doc, lk_hash_fn hash, struct lk_device_file *ret,
			    struct lk_err *err);

/** The same from a provisioning record; those of before have no policy key's Name. */
int lk_device_file_from_record(const struct lk_doc *record, lk_hash_fn hash,
			       struct lk_device_file *ret, struct lk_err *err);

/** Its text. Return: the length without the NUL. */
size_t lk_device_file_write(const struct lk_device_file *df, char out[static LK_DEVICE_YAML_TEXT]);

/** Hexadecimal, a Name of 34 or 50 bytes whose algorithm has that size. */
int lk_doc_get_name(const struct lk_doc *map, const char *key, struct lk_name *ret,
		    struct lk_err *err);

#endif
