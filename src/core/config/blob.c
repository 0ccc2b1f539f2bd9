/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and writing the header of a configuration blob. */
#include "core/config/blob.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* As PNG's signature does, it shows a transfer that took the file for text:
 * a byte above 127, CR LF, a control-Z, LF. */
static const uint8_t magic[8] = { 0x89, 'L', 'K', 'B', '\r', '\n', 0x1a, '\n' };

/* SEQUENCE of two INTEGERs of one byte. */
#define SIGNATURE_MIN 8u

enum lk_curve lk_suite_curve(enum lk_blob_suite suite)
{
	return suite == LK_SUITE_P256 ? LK_CURVE_P256 : LK_CURVE_P384;
}

enum lk_blob_suite lk_suite_of(enum lk_curve curve)
{
	return curve == LK_CURVE_P256 ? LK_SUITE_P256 : LK_SUITE_P384;
}

size_t lk_suite_key_size(enum lk_blob_suite suite)
{
	return suite == LK_SUITE_P256 ? 16 : 32;
}

const char *lk_suite_name(enum lk_blob_suite suite)
{
	return suite == LK_SUITE_P256 ? "ECDSA P-256, SHA-256, AES-128-CTR"
				      : "ECDSA P-384, SHA-384, AES-256-CTR";
}

static bool all_zero(const uint8_t *data, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= data[i];
	return any == 0;
}

static void read_into(struct lk_reader *r, uint8_t *out, size_t len)
{
	struct lk_bytes b = lk_read_bytes(r, len);

	if (b.data)
		memcpy(out, b.data, len);
}

static int read_preamble(struct lk_reader *r, struct lk_blob_header *ret, struct lk_err *err)
{
	struct lk_bytes start = lk_read_bytes(r, sizeof(magic));
	uint16_t version = lk_read_be16(r);
	uint16_t suite = lk_read_be16(r);
	uint32_t reserved = lk_read_be32(r);

	if (start.len != sizeof(magic) || memcmp(start.data, magic, sizeof(magic)) != 0)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"offset 0: not a configuration blob, which latchkey config seal makes");
	if (r->failed)
		return lk_err_set(err, LK_E_INPUT, 0, "cut short within the header");
	if (version != LK_BLOB_VERSION)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "offset 8: format version %u; this program knows version %u",
				  version, LK_BLOB_VERSION);
	if (suite != LK_SUITE_P384 && suite != LK_SUITE_P256)
		return lk_err_set(err, LK_E_INPUT, 0, "offset 10: suite %u isn't known", suite);
	if (reserved != 0)
		return lk_err_set(err, LK_E_INPUT, 0, "offset 12: the reserved bytes aren't zero");
	ret->suite = (enum lk_blob_suite)suite;
	return LK_OK;
}

static int check_values(const struct lk_blob_header *h, struct lk_err *err)
{
	size_t key = lk_suite_key_size(h->suite);

	if (h->sequence == 0)
		return lk_err_set(err, LK_E_INPUT, 0, "offset 16: sequence 0; the first is 1");
	if (h->plain_len == 0 || h->plain_len > LK_BLOB_PLAIN_MAX)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "offset 32: a content of %" PRIu64 " bytes; 1 to %" PRIu64
				  " are allowed",
				  h->plain_len, LK_BLOB_PLAIN_MAX);
	if (!all_zero(h->wrapped + key, LK_BLOB_KEY_MAX - key))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "offset %zu: bytes after the wrapped key aren't zero", 152 + key);
	return LK_OK;
}

int lk_blob_header_read(const uint8_t *data, size_t len, struct lk_blob_header *ret,
			struct lk_err *err)
{
	struct lk_reader r =
		lk_reader_init(data, len < LK_BLOB_HEADER_SIZE ? len : LK_BLOB_HEADER_SIZE);
	struct lk_blob_header h;
	int rc = read_preamble(&r, &h, err);

	if (rc != LK_OK)
		return rc;
	h.sequence = lk_read_be64(&r);
	h.created = lk_read_be64(&r);
	h.plain_len = lk_read_be64(&r);
	read_into(&r, h.target, sizeof(h.target));
	read_into(&r, h.policy_key, sizeof(h.policy_key));
	read_into(&r, h.config_key, sizeof(h.config_key));
	read_into(&r, h.wrap_iv, sizeof(h.wrap_iv));
	read_into(&r, h.wrapped, sizeof(h.wrapped));
	read_into(&r, h.check, sizeof(h.check));
	read_into(&r, h.iv, sizeof(h.iv));
	if (!lk_reader_done(&r))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "cut short within the header: %zu bytes, it has %u", len,
				  LK_BLOB_HEADER_SIZE);
	rc = check_values(&h, err);
	if (rc == LK_OK)
		*ret = h;
	return rc;
}

void lk_blob_header_write(const struct lk_blob_header *header,
			  uint8_t out[static LK_BLOB_HEADER_SIZE])
{
	struct lk_writer w = lk_writer_init(out, LK_BLOB_HEADER_SIZE);

	lk_write_bytes(&w, magic, sizeof(magic));
	lk_write_be16(&w, LK_BLOB_VERSION);
	lk_write_be16(&w, (uint16_t)header->suite);
	lk_write_be32(&w, 0);
	lk_write_be64(&w, header->sequence);
	lk_write_be64(&w, header->created);
	lk_write_be64(&w, header->plain_len);
	lk_write_bytes(&w, header->target, sizeof(header->target));
	lk_write_bytes(&w, header->policy_key, sizeof(header->policy_key));
	lk_write_bytes(&w, header->config_key, sizeof(header->config_key));
	lk_write_bytes(&w, header->wrap_iv, sizeof(header->wrap_iv));
	lk_write_bytes(&w, header->wrapped, sizeof(header->wrapped));
	lk_write_bytes(&w, header->check, sizeof(header->check));
	lk_write_bytes(&w, header->iv, sizeof(header->iv));
	assert(!w.failed && w.len == LK_BLOB_HEADER_SIZE);
}

int lk_blob_check_size(const struct lk_blob_header *header, uint64_t size, struct lk_err *err)
{
	/* plain_len is bounded: no sum here overflows. */
	uint64_t signed_len = LK_BLOB_HEADER_SIZE + header->plain_len;

	if (size < signed_len + SIGNATURE_MIN)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "cut short: %" PRIu64
				  " bytes, with the signature it has more than %" PRIu64,
				  size, signed_len + SIGNATURE_MIN - 1);
	if (size > signed_len + LK_ECDSA_DER_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "offset %" PRIu64 ": bytes after the end",
				  signed_len + LK_ECDSA_DER_MAX);
	return LK_OK;
}

bool lk_blob_for_any(const struct lk_blob_header *header)
{
	return all_zero(header->target, sizeof(header->target));
}

static int sha256(struct lk_bytes data, lk_hash_fn hash, uint8_t ret[static LK_BLOB_ID_SIZE],
		  struct lk_err *err)
{
	struct lk_digest digest;

	if (!hash(LK_ALG_SHA256, &data, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	memcpy(ret, digest.data, LK_BLOB_ID_SIZE);
	return LK_OK;
}

int lk_policy_key_id(const struct lk_policy_key *key, lk_hash_fn hash,
		     uint8_t ret[static LK_BLOB_ID_SIZE], struct lk_err *err)
{
	uint8_t spki[LK_SPKI_MAX];
	size_t len = lk_policy_key_to_spki(key, spki);

	return sha256((struct lk_bytes){ spki, len }, hash, ret, err);
}

int lk_config_key_id(const uint8_t zero_block[static 16], lk_hash_fn hash,
		     uint8_t ret[static LK_BLOB_ID_SIZE], struct lk_err *err)
{
	return sha256((struct lk_bytes){ zero_block, 16 }, hash, ret, err);
}

int lk_device_id(const struct lk_name *root_key, lk_hash_fn hash,
		 uint8_t ret[static LK_BLOB_ID_SIZE], struct lk_err *err)
{
	return sha256((struct lk_bytes){ root_key->data, root_key->len }, hash, ret, err);
}
