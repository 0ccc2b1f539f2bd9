/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the firmware's event log, of words for its events, and of its replay. */
#include "core/bootlog/event_text.h"
#include "core/bootlog/log_explain.h"
#include "core/base/text.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

/* Fit for a terminal, and bounded. */
static void check_text(const struct lk_text_out *out)
{
	INVARIANT(out->len < LK_TEXT_OUT_MAX && out->len == strlen(out->text));
	for (size_t i = 0; i < out->len;) {
		size_t n = lk_text_character((const uint8_t *)out->text + i, out->len - i);

		INVARIANT(n);
		i += n;
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
	INVARIANT(lk_explanation_contradicted(&again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_event_log log;
	struct lk_event event;
	struct lk_err err = { 0 };
	size_t last = 0;
	int rc = lk_event_log_open(data, size, &log, &err);

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
