/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the page of one attestation: its reasons, and the quote as the TPM signed it, decoded and to keep. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/attest/attest.h"
#include "verifier/device/history.h"
#include "verifier/show/page.h"
#include "verifier/device/words.h"

static const char *bank_of(const struct lk_attest *a)
{
	const char *name = lk_alg_name(a->quote.sel.bank);

	return name ? name : "another bank";
}

static void add_quote(struct lk_page *p, struct lk_bytes quote)
{
	char mask[LK_PCR_MASK_TEXT];
	struct lk_attest a = { 0 };

	if (lk_attest_parse(quote, LK_ATTEST_QUOTE, &a, NULL) != LK_OK)
		return;
	lk_pcr_mask_format(a.quote.sel.mask, mask);
	lk_page_add(p, "<h2>The quote</h2><dl>");
	lk_page_fact(p, "PCRs");
	lk_page_add(p, "%s of %s", mask, bank_of(&a));
	lk_page_fact_end(p);
	lk_page_fact(p, "Boot");
	lk_page_add(p, "%" PRIu32 ", resumed %" PRIu32 " times", a.reset_count, a.restart_count);
	lk_page_fact_end(p);
	lk_page_fact(p, "TPM's clock");
	lk_page_add(p, "%" PRIu64 " ms%s", a.clock, a.safe ? "" : " (since a power cut)");
	lk_page_fact_end(p);
	lk_page_fact(p, "TPM's firmware");
	lk_page_add(p, "%016" PRIx64, a.firmware);
	lk_page_fact_end(p);
	lk_page_fact(p, "Digest");
	lk_page_hex(p, a.quote.digest);
	lk_page_fact_end(p);
	lk_page_fact(p, "Nonce");
	lk_page_hex(p, a.extra);
	lk_page_fact_end(p);
	lk_page_fact(p, "Signer (qualified Name)");
	lk_page_hex(p, a.signer);
	lk_page_fact_end(p);
	lk_page_add(p, "</dl>\n");
}

static void quote_json(struct lk_bytes quote, struct lk_json *into)
{
	char mask[LK_PCR_MASK_TEXT];
	struct lk_attest a = { 0 };

	if (lk_attest_parse(quote, LK_ATTEST_QUOTE, &a, NULL) != LK_OK)
		return;
	lk_pcr_mask_format(a.quote.sel.mask, mask);
	lk_json_set_text(into, "pcrs", mask);
	lk_json_set_text(into, "bank", bank_of(&a));
	lk_json_set_uint(into, "boot", a.reset_count);
	lk_json_set_uint(into, "resumed", a.restart_count);
	lk_json_set_uint(into, "clock", a.clock);
	lk_json_set_bool(into, "safe", a.safe);
	lk_json_set_hex(into, "digest", a.quote.digest.data, a.quote.digest.len);
	lk_json_set_hex(into, "nonce", a.extra.data, a.extra.len);
}

static int json_attestation(const struct lk_page_ask *ask, const struct lk_vf_evidence *e,
			    const struct lk_json *kept, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	char text[LK_VF_TIME_TEXT];

	lk_json_set_text(json, "device", ask->d->id);
	lk_json_set_text(json, "name", ask->d->name);
	lk_json_set_uint(json, "at", (uint64_t)e->a.at);
	lk_json_set_text(json, "time", lk_vf_time(e->a.at, text));
	lk_json_set_text(json, "verdict", lk_vf_verdict_word(e->a.verdict));
	if (kept)
		lk_json_share(json, kept, "reasons");
	quote_json(lk_buf_bytes(&e->quote), lk_json_set_object(json, "quoted"));
	lk_json_set_hex(json, "quote", e->quote.data, e->quote.len);
	lk_json_set_hex(json, "signature", e->signature.data, e->signature.len);
	return lk_page_send_json(ask->x, json, err);
}

static void add_raw(struct lk_page *p, const struct lk_page_ask *ask,
		    const struct lk_vf_evidence *e)
{
	char address[LK_VF_ID_TEXT + 64];

	(void)snprintf(address, sizeof(address), "/devices/%s/%" PRId64, ask->d->id, e->a.at);
	lk_page_add(
		p,
		"<p>To keep: <a href=\"%s/quote\">the quote</a> (TPMS_ATTEST), "
		"<a href=\"%s/signature\">its signature</a> (TPMT_SIGNATURE), "
		"<a href=\"%s.json\">all of this as JSON</a></p>\n"
		"<details><summary>As the TPM signed it (hexadecimal)</summary><p>TPMS_ATTEST: ",
		address, address, address);
	lk_page_hex(p, lk_buf_bytes(&e->quote));
	lk_page_add(p, "</p><p>TPMT_SIGNATURE: ");
	lk_page_hex(p, lk_buf_bytes(&e->signature));
	lk_page_add(p, "</p></details>\n");
}

int lk_page_attestation(const struct lk_page_ask *ask, int64_t at, struct lk_err *err)
{
	LK_OWNED_VF_EVIDENCE e = { .quote = LK_BUF_NONE };
	LK_OWNED_PAGE p = { .data = NULL };
	LK_OWNED_JSON kept = NULL;
	char text[LK_VF_TIME_TEXT];

	LK_TRY(lk_vf_evidence_get(ask->s->store, ask->d->number, at, &e, err));
	if (e.reasons.len)
		LK_TRY(lk_json_parse((const char *)e.reasons.data, e.reasons.len, &kept, err));
	if (ask->json)
		return json_attestation(ask, &e, kept, err);
	lk_page_begin_below(&p, "an attestation", ask->d);
	lk_page_add(&p, "<p>Attested %s: ", lk_vf_time(at, text));
	lk_page_verdict(&p, e.a.verdict);
	lk_page_add(&p, "</p>\n");
	if (kept)
		lk_page_add_reasons(&p, lk_json_get(kept, "reasons"));
	add_quote(&p, lk_buf_bytes(&e.quote));
	add_raw(&p, ask, &e);
	lk_page_send(&p, ask->x);
	return LK_OK;
}

int lk_page_attestation_raw(const struct lk_page_ask *ask, int64_t at, const char *what,
			    struct lk_err *err)
{
	LK_OWNED_VF_EVIDENCE e = { .quote = LK_BUF_NONE };
	char name[LK_VF_ID_TEXT + 64];

	LK_TRY(lk_vf_evidence_get(ask->s->store, ask->d->number, at, &e, err));
	(void)snprintf(name, sizeof(name), "%.16s-%" PRId64 ".%s", ask->d->id, at, what);
	lk_page_send_file(ask->x, name, "application/octet-stream",
			  lk_buf_bytes(strcmp(what, "quote") == 0 ? &e.quote : &e.signature));
	return LK_OK;
}
