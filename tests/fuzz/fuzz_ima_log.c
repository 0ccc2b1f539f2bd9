/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the kernel's IMA log, of words for its entries, and of its replay. */
#include "core/base/text.h"
#include "core/bootlog/event_text.h"
#include "core/bootlog/log_explain.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static void check_inside(struct lk_bytes inner, struct lk_bytes outer)
{
	INVARIANT(!inner.len ||
		  (inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len));
}

static void check_entry(const struct lk_ima_entry *e, struct lk_bytes log)
{
	struct lk_text_out out;
	struct lk_digest digest;

	INVARIANT(e->pcr < LK_PCR_COUNT && e->template_sha1.len == 20);
	INVARIANT(strlen(e->template) <= LK_IMA_TEMPLATE_MAX);
	INVARIANT(strlen(e->alg) <= LK_IMA_ALG_NAME_MAX);
	check_inside(e->template_sha1, log);
	check_inside(e->data, log);
	check_inside(e->digest, e->data);
	check_inside(e->name, e->data);
	check_inside(e->signature, e->data);
	check_inside(e->buffer, e->data);
	INVARIANT(!memchr(e->name.data ? e->name.data : (const uint8_t *)"", '\0', e->name.len));
	lk_ima_entry_text(e, &out);
	INVARIANT(out.len == strlen(out.text) && out.len < LK_TEXT_OUT_MAX);
	INVARIANT(lk_text_is_visible(out.text));
	INVARIANT(!e->violation || lk_ima_entry_is_whole(e, lk_crypto_hash));
	INVARIANT(lk_ima_entry_digest(e, LK_ALG_SHA384, LK_IMA_OWN_HASH, lk_crypto_hash, &digest) &&
		  digest.len == 48);
	INVARIANT(lk_ima_entry_digest(e, LK_ALG_SHA256, LK_IMA_PADDED_SHA1, lk_crypto_hash,
				      &digest) &&
		  digest.len == 32);
}

static int walk(struct lk_bytes bytes, struct lk_err *err)
{
	struct lk_ima_log log;
	struct lk_ima_entry entry;
	size_t next = 0;
	int rc = lk_ima_log_open(bytes.data, bytes.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_ima_log_next(&log, &entry, err);
		if (rc != LK_OK)
			break;
		INVARIANT(entry.offset == next);
		next = bytes.len - log.rest.left;
		INVARIANT(next > entry.offset);
		check_entry(&entry, bytes);
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lk_bytes bytes = { data, size };
	struct lk_pcr_replay r;
	struct lk_err err = { 0 };
	const struct lk_logs alone = { { NULL, 0 }, bytes };
	struct lk_pcr_values values = { .sel = { LK_ALG_SHA384, 0xffffff } };
	struct lk_explanation e;
	int rc = walk(bytes, &err);

	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	INVARIANT(lk_log_explain_partly(&alone, &values, lk_crypto_hash, &e, NULL) == LK_OK);
	lk_pcr_replay_init(&r, LK_ALG_SHA256);
	INVARIANT(lk_ima_log_replay(bytes, LK_IMA_OWN_HASH, &r, lk_crypto_hash, &err) == rc);
	return 0;
}
