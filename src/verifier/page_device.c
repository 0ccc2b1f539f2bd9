/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the pages of one device: where it stands, one attestation, its firmware's log in words. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/attest/attest.h"
#include "core/bootlog/event_text.h"
#include "core/bootlog/event_type.h"
#include "core/bootlog/event_vouch.h"
#include "history.h"
#include "page.h"
#include "sys/crypto/crypto.h"
#include "verifier.h"

#define EVENTS_SHOWN 2000u
#define SHOWN_BEFORE 100

static int verdict_of(const char *word)
{
	for (int v = 0; v <= LK_VERDICT_UNTRUSTED; v++)
		if (word && strcmp(word, lk_vf_verdict_word(v)) == 0)
			return v;
	return LK_VF_NO_VERDICT;
}

static int add_reasons(struct lk_page *p, const struct lk_buf *text, struct lk_err *err)
{
	LK_OWNED_JSON kept = NULL;
	const struct lk_json *list;

	if (!text->len)
		return LK_OK;
	LK_TRY(lk_json_parse((const char *)text->data, text->len, &kept, err));
	list = lk_json_get(kept, "reasons");
	lk_page_add(
		p,
		"<div class=\"wide\"><table><caption>Reasons</caption><thead><tr><th scope=\"col\">Part</th>"
		"<th scope=\"col\">Verdict</th><th scope=\"col\">Why</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < lk_json_count(list); i++) {
		const struct lk_json *r = lk_json_at(list, i);
		const char *part = lk_json_get_text(r, "part");
		const char *why = lk_json_get_text(r, "text");

		lk_page_add(p, "<tr><td>");
		lk_page_text(p, part ? part : "");
		lk_page_add(p, "</td><td>");
		lk_page_verdict(p, verdict_of(lk_json_get_text(r, "verdict")));
		lk_page_add(p, "</td><td>");
		lk_page_text(p, why ? why : "");
		lk_page_add(p, "</td></tr>\n");
	}
	lk_page_add(p, "</tbody></table></div>\n");
	return LK_OK;
}

static void begin_fact(struct lk_page *p, const char *what)
{
	lk_page_add(p, "<dt>%s</dt><dd>", what);
}

static void end_fact(struct lk_page *p)
{
	lk_page_add(p, "</dd>\n");
}

static void add_facts(struct lk_page *p, const struct lk_vf_device *d)
{
	lk_page_add(p, "<dl>");
	begin_fact(p, "Verdict");
	lk_page_verdict(p, d->verdict);
	if (d->changed) {
		lk_page_add(p, " since ");
		lk_page_time(p, d->changed);
	}
	end_fact(p);
	begin_fact(p, "Seen");
	lk_page_time(p, d->seen);
	end_fact(p);
	begin_fact(p, "Identity");
	lk_page_add(p, "<code>%s</code>", d->id);
	end_fact(p);
	begin_fact(p, "Flavor");
	lk_page_text(p, d->flavor);
	end_fact(p);
	begin_fact(p, "Imported");
	lk_page_time(p, d->imported);
	end_fact(p);
	if (d->retired) {
		begin_fact(p, "Retired");
		lk_page_time(p, d->retired);
		end_fact(p);
	}
	begin_fact(p, "Boot");
	lk_page_add(p, "number %" PRId64 " of this TPM", d->boot);
	end_fact(p);
	for (unsigned int i = 0; i < LK_FLOOR_COUNT; i++)
		if (d->state.has_floor[i]) {
			begin_fact(p, i == LK_FLOOR_VERSION ? "Floor of policy versions"
							    : "Floor of configuration sequences");
			lk_page_add(p, "%" PRIu64 ", proven by the TPM", d->state.floor[i]);
			end_fact(p);
		}
	lk_page_add(p, "</dl>\n");
}

struct listing {
	struct lk_page *p;
	const char *id;
};

static int add_attestation(void *ctx, const struct lk_vf_attestation *a, struct lk_err *err)
{
	struct listing *l = ctx;
	char text[LK_VF_TIME_TEXT];

	(void)err;
	lk_page_add(l->p, "<tr><td><a href=\"/devices/%s/%" PRId64 "\">%s</a></td><td>", l->id,
		    a->at, lk_vf_time(a->at, text));
	lk_page_verdict(l->p, a->verdict);
	lk_page_add(l->p, "</td><td>%" PRId64 "</td></tr>\n", a->boot);
	return LK_OK;
}

int lk_page_device(struct lk_vf_server *s, struct lk_httpd_x *x, const struct lk_vf_device *d,
		   struct lk_err *err)
{
	LK_OWNED_VF_FINDINGS f = { LK_BUF_NONE, LK_BUF_NONE };
	LK_OWNED_PAGE p = { .data = NULL };
	struct listing l = { &p, d->id };

	LK_TRY(lk_vf_findings_get(s->store, d->number, &f, err));
	lk_page_begin(&p, d->name);
	add_facts(&p, d);
	LK_TRY(add_reasons(&p, &f.reasons, err));
	lk_page_add(
		&p,
		"<p><a href=\"/devices/%s/firmware\">Firmware log of this boot</a>, "
		"<a href=\"/devices/%s.json\">the same as JSON</a></p>\n"
		"<div class=\"wide\"><table><caption>Attestations</caption><thead><tr><th scope=\"col\">Time</th>"
		"<th scope=\"col\">Verdict</th><th scope=\"col\">Boot</th></tr></thead><tbody>\n",
		d->id, d->id);
	LK_TRY(lk_vf_history_list(s->store, d->number, SHOWN_BEFORE, add_attestation, &l, err));
	lk_page_add(&p, "</tbody></table></div>\n");
	lk_page_send(&p, x);
	return LK_OK;
}

static void add_hex(struct lk_page *p, struct lk_bytes bytes)
{
	lk_page_add(p, "<code>");
	for (size_t i = 0; i < bytes.len; i++)
		lk_page_add(p, "%02x", bytes.data[i]);
	lk_page_add(p, "</code>");
}

static void add_quote(struct lk_page *p, struct lk_bytes quote)
{
	char mask[LK_PCR_MASK_TEXT];
	struct lk_attest a;

	if (lk_attest_parse(quote, LK_ATTEST_QUOTE, &a, NULL) != LK_OK)
		return;
	lk_pcr_mask_format(a.quote.sel.mask, mask);
	lk_page_add(p, "<h2>The quote</h2><dl><dt>PCRs</dt><dd>%s of %s</dd>", mask,
		    lk_alg_name(a.quote.sel.bank) ? lk_alg_name(a.quote.sel.bank) : "another bank");
	lk_page_add(p, "<dt>Boot</dt><dd>%" PRIu32 ", resumed %" PRIu32 " times</dd>",
		    a.reset_count, a.restart_count);
	lk_page_add(p, "<dt>TPM's clock</dt><dd>%" PRIu64 " ms%s</dd>", a.clock,
		    a.safe ? "" : " (since a power cut)");
	lk_page_add(p, "<dt>TPM's firmware</dt><dd>%016" PRIx64 "</dd><dt>Digest</dt><dd>",
		    a.firmware);
	add_hex(p, a.quote.digest);
	lk_page_add(p, "</dd><dt>Nonce</dt><dd>");
	add_hex(p, a.extra);
	lk_page_add(p, "</dd></dl>\n");
}

int lk_page_attestation(struct lk_vf_server *s, struct lk_httpd_x *x, const struct lk_vf_device *d,
			int64_t at, struct lk_err *err)
{
	LK_OWNED_VF_EVIDENCE e = { .quote = LK_BUF_NONE };
	LK_OWNED_PAGE p = { .data = NULL };
	char text[LK_VF_TIME_TEXT];

	LK_TRY(lk_vf_evidence_get(s->store, d->number, at, &e, err));
	lk_page_begin(&p, d->name);
	lk_page_add(&p, "<p>Attested %s: ", lk_vf_time(at, text));
	lk_page_verdict(&p, e.a.verdict);
	lk_page_add(&p, ". <a href=\"/devices/%s\">All of this device</a></p>\n", d->id);
	LK_TRY(add_reasons(&p, &e.reasons, err));
	add_quote(&p, (struct lk_bytes){ e.quote.data, e.quote.len });
	lk_page_add(
		&p,
		"<details><summary>As the TPM signed it (hexadecimal)</summary><p>TPMS_ATTEST: ");
	add_hex(&p, (struct lk_bytes){ e.quote.data, e.quote.len });
	lk_page_add(&p, "</p><p>TPMT_SIGNATURE: ");
	add_hex(&p, (struct lk_bytes){ e.signature.data, e.signature.len });
	lk_page_add(&p, "</p></details>\n");
	lk_page_send(&p, x);
	return LK_OK;
}

static void add_event(struct lk_page *p, const struct lk_event *e)
{
	static const char *const vouched[] = { "no: it was changed", "no", "its value", "yes" };
	const char *type = lk_event_type_name(e->type);
	struct lk_text_out words;

	lk_event_text(e, lk_crypto_hash, &words);
	lk_page_add(p, "<tr><td>%u</td><td>%u</td><td class=\"optional\">%s</td><td>", e->number,
		    e->pcr, type ? type : "another type");
	lk_page_text(p, words.text);
	lk_page_add(p, "</td><td>%s</td></tr>\n",
		    vouched[lk_event_vouched_by_all(e, lk_crypto_hash)]);
}

int lk_page_firmware(struct lk_vf_server *s, struct lk_httpd_x *x, const struct lk_vf_device *d,
		     struct lk_err *err)
{
	LK_OWNED_VF_LOGS logs = { .found = false };
	LK_OWNED_PAGE p = { .data = NULL };
	struct lk_event_log log;
	struct lk_event event;
	struct lk_err why = { 0 };
	unsigned int n = 0;
	int rc;

	LK_TRY(lk_vf_logs_get(s->store, d->number, d->booted, &logs, err));
	if (!logs.firmware.len)
		return LK_E_OBJECT;
	lk_page_begin(&p, d->name);
	lk_page_add(
		&p,
		"<p>The firmware's log of boot %" PRId64
		". <a href=\"/devices/%s\">All of this device</a></p>\n"
		"<div class=\"wide\"><table><caption>What was measured, in order. The last column says whether the "
		"digest, which the TPM has signed for, covers these words.</caption><thead><tr><th scope=\"col\">Event</th>"
		"<th scope=\"col\">PCR</th><th scope=\"col\" class=\"optional\">Type</th><th scope=\"col\">What</th>"
		"<th scope=\"col\">Covered</th></tr></thead><tbody>\n",
		logs.boot, d->id);
	rc = lk_event_log_open_any(logs.firmware.data, logs.firmware.len, &log, &why);
	while (rc == LK_OK && n++ < EVENTS_SHOWN) {
		rc = lk_event_log_next(&log, &event, &why);
		if (rc == LK_OK)
			add_event(&p, &event);
	}
	lk_page_add(&p, "</tbody></table></div>\n");
	if (rc == LK_E_INPUT) {
		lk_page_add(&p, "<p class=\"bad\">The log ends here: ");
		lk_page_text(&p, why.msg);
		lk_page_add(&p, "</p>\n");
	}
	if (rc == LK_OK)
		lk_page_add(&p, "<p>More events than are shown.</p>\n");
	lk_page_send(&p, x);
	return LK_OK;
}
