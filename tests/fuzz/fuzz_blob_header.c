/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of a blob's header, of the size that it asks for, and of its signature's DER. */
#include "core/config/blob.h"
#include "fuzz.h"

/* One encoding alone is taken. */
static void read_signature(struct lk_bytes der, enum lk_curve curve)
{
	uint8_t raw[2 * LK_COORD_MAX];
	uint8_t again[LK_ECDSA_DER_MAX];
	size_t len = 0;
	struct lk_err err = { 0 };
	int rc = lk_ecdsa_der_decode(der, curve, raw, &len, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return;
	}
	INVARIANT(len == 2 * lk_curve_size(curve));
	INVARIANT(der.len <= LK_ECDSA_DER_MAX);
	INVARIANT(lk_ecdsa_der_encode((struct lk_bytes){ raw, len }, again) == der.len);
	INVARIANT(memcmp(again, der.data, der.len) == 0);
}

static void check_size(const struct lk_blob_header *h, const uint8_t *data, size_t size)
{
	uint64_t end = LK_BLOB_HEADER_SIZE + h->plain_len;
	struct lk_err err = { 0 };
	int rc = lk_blob_check_size(h, size, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		INVARIANT(size < end + 8 || size > end + LK_ECDSA_DER_MAX);
		return;
	}
	INVARIANT(size >= end + 8 && size <= end + LK_ECDSA_DER_MAX);
	read_signature((struct lk_bytes){ data + end, size - (size_t)end },
		       lk_suite_curve(h->suite));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[LK_BLOB_HEADER_SIZE];
	struct lk_blob_header h;
	struct lk_err err = { 0 };
	int rc = lk_blob_header_read(data, size, &h, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return 0;
	}
	INVARIANT(size >= LK_BLOB_HEADER_SIZE);
	INVARIANT(h.sequence && h.plain_len);
	INVARIANT(lk_suite_of(lk_suite_curve(h.suite)) == h.suite);
	INVARIANT(lk_suite_key_size(h.suite) <= LK_BLOB_KEY_MAX);
	lk_blob_header_write(&h, again);
	INVARIANT(memcmp(again, data, sizeof(again)) == 0);
	check_size(&h, data, size);
	/* Whatever its size: more inputs get to the DER. */
	read_signature((struct lk_bytes){ data + LK_BLOB_HEADER_SIZE, size - LK_BLOB_HEADER_SIZE },
		       lk_suite_curve(h.suite));
	return 0;
}
