/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a blob's header in words, for people and for programs. */
#ifndef LK_HOST_CONFIG_BLOB_TEXT_H
#define LK_HOST_CONFIG_BLOB_TEXT_H

#include "core/config/blob.h"

/** What a header says, in the order that it is shown in. */
enum lk_blob_field {
	LK_BLOB_SUITE,
	LK_BLOB_SEQUENCE,
	LK_BLOB_CREATED,
	LK_BLOB_TARGET,
	LK_BLOB_POLICY_KEY,
	LK_BLOB_CONFIG_KEY,
	LK_BLOB_CONTENT,
	LK_BLOB_FIELDS,
};
#define LK_BLOB_TEXT_MAX 80u

const char *lk_blob_field_name(enum lk_blob_field field);
void lk_blob_field_text(const struct lk_blob_header *header, enum lk_blob_field field,
			char out[static LK_BLOB_TEXT_MAX]);

/** To standard output. @size: of the file. */
void lk_blob_text_print(const struct lk_blob_header *header, uint64_t size);
int lk_blob_text_json(const struct lk_blob_header *header, uint64_t size, struct lk_err *err);

#endif
