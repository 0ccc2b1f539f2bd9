/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the firmware's event log, of words for its events, and of its replay. */
#include "core/bootlog/event_text.h"
#include "core/bootlog/event_vouch.h"
#include "core/bootlog/log_explain.h"
#include "core/base/text.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

/* Fit for a terminal, and bounded. */
static void check_text(const struct lk_text_out *out)
{
	INVARIANT(out->len < LK_TEXT_OUT_MAX && out->len == strlen(out->text));
	INVARIANT(lk_text_is_visible(out->text));
}

/* Data that are what was measured are never altered, and what one bank finds
 * altered no other makes good. */
static void check_vouch(const struct lk_event *e)
{
	enum lk_vouched all = lk_event_vouched_by_all(e, lk_crypto_hash);

	if (lk_event_data_is_measured(e, lk_crypto_hash) && e->type != LK_EV_NO_ACTION)
		INVARIANT(all == LK_VOUCHED_ALL);
	for (unsigned int i = 0; i < 2; i++) {
		enum lk_alg bank = i ? LK_ALG_SHA384 : LK_ALG_SHA256;

		if (lk_event_digest(e, bank).len)
			INVARIANT(lk_event_vouched(e, bank, lk_crypto_hash) >= all);
		else
			INVARIANT(lk_event_vouched(e, bank, lk_crypto_hash) == LK_VOUCHED_NOT);
	}
}

static void check_event(const struct lk_event *e, const uint8_t *data, size_t size)
{
	struct lk_text_out out;

	INVARIANT(e->offset < size);
	INVARIANT(e->pcr < LK_PCR_COUNT || e->type == LK_EV_NO_ACTION);
	INVARIANT(e->data.data >= data && e->data.data + e->data.len <= data + size);
	INVARIANT(e->sha256.len == 0 || e->sha256.len == 32);
	INVARIANT(e->sha384.len == 0 || e->sha384.len == 48);
	INVARIANT(e->sha1.len == 0 || e->sha1.len == 20);
	INVARIANT(e->sha512.len == 0 || e->sha512.len == 64);
	check_vouch(e);
	lk_event_text(e, lk_crypto_hash, &out);
	check_text(&out);
}

/* A log is replayed as a whole just when each of its events can be read and
 * has the bank's digest. */
static void replay(const uint8_t *data, size_t size, enum lk_alg bank)
{
	const struct lk_logs logs = { { data, size }, { NULL, 0 } };
	struct lk_pcr_values values = { .sel = { bank, 0xffffff } };
	struct lk_explanation e, again;
	struct lk_err err = { 0 };
	int rc = lk_log_explain(&logs, &values, lk_crypto_hash, &e, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return;
	}
	INVARIANT(lk_log_explain(&logs, &e.pcrs.values, lk_crypto_hash, &again, &err) == LK_OK);
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (lk_explanation_contradicted(&again) & 1u << i)
			INVARIANT(again.what[i] == LK_UNEXPLAINED_ALTERED && again.altered[i]);
	/* What is whole is the same in part. */
	INVARIANT(lk_log_explain_partly(&logs, &e.pcrs.values, lk_crypto_hash, &e, &err) == LK_OK);
	INVARIANT(!memcmp(e.what, again.what, sizeof(e.what)));
}

/* Any log as far as it goes, in either format. */
static void show(const uint8_t *data, size_t size)
{
	const struct lk_logs logs = { { data, size }, { NULL, 0 } };
	struct lk_pcr_values values = { .sel = { LK_ALG_SHA256, 0xffffff } };
	struct lk_explanation e;
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open_any(data, size, &log, NULL);

	INVARIANT(lk_log_explain_partly(&logs, &values, lk_crypto_hash, &e, NULL) == LK_OK);
	if (rc != LK_OK)
		return;
	(void)lk_event_log_is_confidential(&log);
	while (lk_event_log_next(&log, &event, NULL) == LK_OK)
		check_event(&event, data, size);
	INVARIANT(lk_event_log_padding(&log) <= log.rest.left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_event_log log;
	struct lk_event event;
	struct lk_err err = { 0 };
	size_t last = 0;
	int rc;

	show(data, size);
	rc = lk_event_log_open(data, size, &log, &err);
	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return 0;
	}
	while ((rc = lk_event_log_next(&log, &event, &err)) == LK_OK) {
		INVARIANT(event.number == 1 || event.offset > last);
		last = event.offset;
		check_event(&event, data, size);
	}
	if (rc != LK_LOG_END) {
		check_error(rc, LK_E_INPUT, &err);
		INVARIANT(lk_event_log_next(&log, &event, &err) == LK_E_INPUT);
	}
	replay(data, size, LK_ALG_SHA256);
	replay(data, size, LK_ALG_SHA384);
	return 0;
}
