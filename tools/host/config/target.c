/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and comparing device IDs. */
#include "config/target.h"

#include <string.h>

int lk_target_read(const char *text, uint8_t ret[static LK_BLOB_ID_SIZE], struct lk_err *err)
{
	uint8_t id[LK_BLOB_ID_SIZE], any = 0;
	size_t len = 0;

	if (!lk_hex_decode(text, strlen(text), id, sizeof(id), &len) || len != sizeof(id))
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--target %.80s: expected a device ID of 64 hexadecimal digits",
				  text);
	for (size_t i = 0; i < sizeof(id); i++)
		any |= id[i];
	if (!any)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--target: zeros stand for any device; leave it out for that");
	memcpy(ret, id, sizeof(id));
	return LK_OK;
}

int lk_target_check(const struct lk_blob_header *header,
		    const uint8_t target[static LK_BLOB_ID_SIZE], struct lk_err *err)
{
	char theirs[2 * LK_BLOB_ID_SIZE + 1];

	if (lk_blob_for_any(header) || !memcmp(header->target, target, LK_BLOB_ID_SIZE))
		return LK_OK;
	lk_hex_encode(header->target, LK_BLOB_ID_SIZE, theirs);
	return lk_err_set(err, LK_E_POLICY, 0, "offset 40: for another device, with the ID %s",
			  theirs);
}
