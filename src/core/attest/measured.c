/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading user space's measurements. */
#include "core/attest/measured.h"

#include <string.h>

#include "core/base/json_read.h"

#define RECORD_SEPARATOR 0x1e

void lk_measured_open(struct lk_bytes log, enum lk_alg bank, struct lk_measured_log *ret)
{
	*ret = (struct lk_measured_log){ .rest = log, .bank = bank };
}

static int read_digests(struct lk_bytes array, enum lk_alg bank, struct lk_digest *ret,
			struct lk_err *err)
{
	struct lk_bytes object;
	int rc;

	while ((rc = lk_json_array_next(&array, &object, err)) == LK_OK) {
		struct lk_json_field f[] = {
			{ .key = "hashAlg", .kind = LK_JSON_STRING, .max = 16 },
			{ .key = "digest", .kind = LK_JSON_STRING, .max = 128 },
		};
		const char *name = lk_alg_name(bank);
		size_t len = 0;

		LK_TRY(lk_json_read(object, false, f, 2, err));
		if (f[0].text.len != strlen(name) ||
		    memcmp(f[0].text.data, name, f[0].text.len) != 0)
			continue;
		if (!lk_hex_decode((const char *)f[1].text.data, f[1].text.len, ret->data,
				   sizeof(ret->data), &len) ||
		    len != lk_alg_size(bank))
			return lk_err_set(err, LK_E_INPUT, 0, "digest: not one of %s", name);
		ret->len = (uint16_t)len;
	}
	return rc == LK_JSON_END ? LK_OK : rc;
}

static int read_record(struct lk_bytes record, enum lk_alg bank, struct lk_measured *ret,
		       struct lk_err *err)
{
	struct lk_json_field f[] = {
		{ .key = "pcr", .kind = LK_JSON_UINT, .max = LK_PCR_COUNT - 1 },
		{ .key = "digests", .kind = LK_JSON_ARRAY, .max = LK_MEASURED_RECORD_MAX },
		{ .key = "content",
		  .kind = LK_JSON_OBJECT,
		  .max = LK_MEASURED_RECORD_MAX,
		  .optional = true },
	};
	struct lk_json_field text = { .key = "string",
				      .kind = LK_JSON_TEXT,
				      .max = LK_MEASURED_RECORD_MAX,
				      .optional = true };

	LK_TRY(lk_json_read(record, false, f, 3, err));
	ret->pcr = (unsigned int)f[0].number;
	LK_TRY(read_digests(f[1].text, bank, &ret->digest, err));
	if (f[2].present)
		LK_TRY(lk_json_read(f[2].text, false, &text, 1, err));
	ret->text = text.text;
	return LK_OK;
}

int lk_measured_next(struct lk_measured_log *log, struct lk_measured *ret, struct lk_err *err)
{
	struct lk_measured m = { .number = log->number + 1 };
	struct lk_bytes record;
	const uint8_t *end;
	int rc;

	if (!log->rest.len)
		return LK_MEASURED_END;
	if (*log->rest.data != RECORD_SEPARATOR)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "record %u: it doesn't begin with a record separator", m.number);
	record = (struct lk_bytes){ log->rest.data + 1, log->rest.len - 1 };
	end = record.len ? memchr(record.data, RECORD_SEPARATOR, record.len) : NULL;
	if (end)
		record.len = (size_t)(end - record.data);
	rc = record.len > LK_MEASURED_RECORD_MAX
		     ? lk_err_set(err, LK_E_INPUT, 0, "longer than any that is written")
		     : read_record(record, log->bank, &m, err);
	if (rc != LK_OK) {
		lk_err_prefix(err, "record %u", m.number);
		return rc;
	}
	log->rest.data += record.len + 1;
	log->rest.len -= record.len + 1;
	log->number = m.number;
	*ret = m;
	return LK_OK;
}

int lk_measured_replay(struct lk_bytes log, unsigned int latch, struct lk_pcr_replay *r,
		       lk_hash_fn hash, bool *ret_latched, struct lk_err *err)
{
	static const char text[] = LK_LATCH_TEXT;
	const struct lk_bytes closed = { (const uint8_t *)text, sizeof(text) - 1 };
	struct lk_measured_log at;
	struct lk_measured m;
	struct lk_digest want;
	bool seen = false, latched = false;
	int rc;

	if (!hash(r->values.sel.bank, &closed, 1, &want))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	lk_measured_open(log, r->values.sel.bank, &at);
	while ((rc = lk_measured_next(&at, &m, err)) == LK_OK) {
		if (!m.digest.len)
			continue;
		if (m.pcr == latch && !seen) {
			seen = true;
			latched = lk_digest_equal(&m.digest, &want);
		}
		if (!lk_pcr_replay_extend(r, m.pcr,
					  (struct lk_bytes){ m.digest.data, m.digest.len }, hash))
			return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	}
	*ret_latched = latched;
	return rc == LK_MEASURED_END ? LK_OK : rc;
}
