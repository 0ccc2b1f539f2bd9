/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns times, reasons and devices as words and as JSON. */
#include "verifier/device/words.h"

#include <stdio.h>
#include <time.h>

#include "core/base/json_text.h"
#include "verifier/device/history.h"

int64_t lk_vf_now(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *lk_vf_time(int64_t ms, char out[static LK_VF_TIME_TEXT])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	(void)snprintf(out, LK_VF_TIME_TEXT, "never");
	if (ms > 0 && gmtime_r(&seconds, &tm))
		(void)strftime(out, LK_VF_TIME_TEXT, "%Y-%m-%d %H:%M:%S UTC", &tm);
	return out;
}

void lk_vf_reasons_write(const struct lk_appraisal *a, char out[static LK_VF_REASONS_TEXT])
{
	struct lk_json_text j = { .data = out, .cap = LK_VF_REASONS_TEXT - 1 };

	lk_json_text_open(&j, NULL, '{');
	lk_json_text_open(&j, "reasons", '[');
	for (size_t i = 0; i < a->n; i++) {
		const struct lk_reason *r = &a->reason[i];

		lk_json_text_open(&j, NULL, '{');
		lk_json_text_string(&j, "part", lk_part_word(r->part));
		lk_json_text_string(&j, "verdict", lk_verdict_word(r->verdict));
		if (r->pcr != LK_PCR_NONE)
			lk_json_text_uint(&j, "pcr", r->pcr);
		lk_json_text_string(&j, "text", r->text);
		lk_json_text_close(&j, '}');
	}
	lk_json_text_close(&j, ']');
	lk_json_text_close(&j, '}');
	out[j.len] = '\0';
}

static void set_time(struct lk_json *into, const char *key, int64_t ms)
{
	char text[LK_VF_TIME_TEXT];

	if (ms)
		lk_json_set_text(into, key, lk_vf_time(ms, text));
}

void lk_vf_device_json(const struct lk_vf_device *d, struct lk_json *into)
{
	lk_json_set_text(into, "name", d->name);
	lk_json_set_text(into, "id", d->id);
	lk_json_set_text(into, "flavor", d->flavor);
	lk_json_set_bool(into, "proven", d->proof & LK_VF_PROOF_RECORD);
	lk_json_set_bool(into, "certified", d->proof & LK_VF_PROOF_CERTIFICATE);
	lk_json_set_bool(into, "enrolled", d->proof & LK_VF_PROOF_ENROLLED);
	if (d->held)
		lk_json_set_bool(into, "held", true);
	lk_json_set_text(into, "verdict", lk_vf_verdict_word(d->verdict));
	set_time(into, "since", d->changed);
	set_time(into, "seen", d->seen);
	set_time(into, "imported", d->imported);
	set_time(into, "retired", d->retired);
}

static int add_attestation(void *ctx, const struct lk_vf_attestation *a, struct lk_err *err)
{
	struct lk_json *row = lk_json_add_object(ctx);

	(void)err;
	set_time(row, "time", a->at);
	lk_json_set_uint(row, "at", (uint64_t)a->at);
	lk_json_set_uint(row, "boot", (uint64_t)a->boot);
	lk_json_set_text(row, "verdict", lk_vf_verdict_word(a->verdict));
	return LK_OK;
}

int lk_vf_device_json_whole(struct lk_store *s, const struct lk_vf_device *d, struct lk_json *into,
			    struct lk_err *err)
{
	LK_OWNED_VF_FINDINGS f = { LK_BUF_NONE, LK_BUF_NONE };
	LK_OWNED_JSON reasons = NULL;

	LK_TRY(lk_vf_findings_get(s, d->number, &f, err));
	lk_vf_device_json(d, into);
	lk_json_set_uint(into, "boot", (uint64_t)d->boot);
	if (d->state.has_floor[LK_FLOOR_VERSION])
		lk_json_set_uint(into, "version-floor", d->state.floor[LK_FLOOR_VERSION]);
	if (d->state.has_floor[LK_FLOOR_SEQUENCE])
		lk_json_set_uint(into, "sequence-floor", d->state.floor[LK_FLOOR_SEQUENCE]);
	if (f.reasons.len) {
		LK_TRY(lk_json_parse((const char *)f.reasons.data, f.reasons.len, &reasons, err));
		lk_json_share(into, reasons, "reasons");
	}
	return lk_vf_history_list(s, d->number, 100, add_attestation,
				  lk_json_set_array(into, "attestations"), err);
}

void lk_vf_counts_json(const struct lk_vf_counts *c, struct lk_json *into)
{
	lk_json_set_uint(into, "count", (uint64_t)c->devices);
	lk_json_set_uint(into, "trusted", (uint64_t)c->verdict[LK_VERDICT_TRUSTED]);
	lk_json_set_uint(into, "unknown", (uint64_t)c->verdict[LK_VERDICT_UNKNOWN]);
	lk_json_set_uint(into, "untrusted", (uint64_t)c->verdict[LK_VERDICT_UNTRUSTED]);
	lk_json_set_uint(into, "never-seen", (uint64_t)c->never);
	lk_json_set_uint(into, "overdue", (uint64_t)c->overdue);
	lk_json_set_uint(into, "retired", (uint64_t)c->retired);
}
