/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the page of one device: where it stands, who it is, its boots and attestations. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/device/boots.h"
#include "verifier/show/page.h"
#include "verifier/device/words.h"

#define SHOWN_BEFORE 100
#define BOOTS_SHOWN  50

static int verdict_of(const char *word)
{
	for (int v = 0; v <= LK_VERDICT_UNTRUSTED; v++)
		if (word && strcmp(word, lk_vf_verdict_word(v)) == 0)
			return v;
	return LK_VF_NO_VERDICT;
}

void lk_page_add_reasons(struct lk_page *p, const struct lk_json *list)
{
	static const char *const columns[] = { "Part", "Verdict", "Why", NULL };

	lk_page_table(p, "Reasons", columns);
	for (size_t i = 0; i < lk_json_count(list); i++) {
		const struct lk_json *r = lk_json_at(list, i);
		const char *part = lk_json_get_text(r, "part");
		const char *why = lk_json_get_text(r, "text");

		lk_page_add(p, "<tr><td class=\"word\">");
		lk_page_text(p, part ? part : "");
		lk_page_add(p, "</td><td>");
		lk_page_verdict(p, verdict_of(lk_json_get_text(r, "verdict")));
		lk_page_add(p, "</td><td>");
		lk_page_text(p, why ? why : "");
		lk_page_add(p, "</td></tr>\n");
	}
	lk_page_table_end(p);
}

static void add_floors(struct lk_page *p, const struct lk_vf_device *d)
{
	for (unsigned int i = 0; i < LK_FLOOR_COUNT; i++)
		if (d->state.has_floor[i]) {
			lk_page_fact(p, i == LK_FLOOR_VERSION ? "Floor of policy versions"
							      : "Floor of configuration sequences");
			lk_page_add(p, "%" PRIu64 ", proven by the TPM", d->state.floor[i]);
			lk_page_fact_end(p);
		}
}

static void add_facts(struct lk_page *p, const struct lk_vf_device *d)
{
	lk_page_add(p, "<dl>");
	lk_page_fact(p, "Verdict");
	lk_page_verdict(p, d->verdict);
	if (d->changed) {
		lk_page_add(p, " since ");
		lk_page_time(p, d->changed);
	}
	lk_page_fact_end(p);
	lk_page_fact(p, "Seen");
	lk_page_time(p, d->seen);
	lk_page_fact_end(p);
	lk_page_fact(p, "Flavor");
	lk_page_text(p, d->flavor);
	lk_page_fact_end(p);
	lk_page_fact(p, "Imported");
	lk_page_time(p, d->imported);
	lk_page_fact_end(p);
	if (d->retired) {
		lk_page_fact(p, "Retired");
		lk_page_time(p, d->retired);
		lk_page_fact_end(p);
	}
	if (d->booted) {
		lk_page_fact(p, "Boot");
		lk_page_add(p, "number %" PRId64 " of this TPM, first attested ", d->boot);
		lk_page_time(p, d->booted);
		lk_page_fact_end(p);
	}
	add_floors(p, d);
	lk_page_add(p, "</dl>\n");
}

/* What it runs: the values that its last quote has proven, by what each stands for. */
static void add_values(struct lk_page *p, const struct lk_vf_device *d)
{
	static const char *const columns[] = { "PCR", "What it stands for", "Value", NULL };
	const struct lk_pcr_values *v = &d->state.values;
	size_t size = lk_alg_size(v->sel.bank);

	if (!d->state.any || !v->sel.mask)
		return;
	lk_page_add(p,
		    "<h2>What it runs</h2><p><a href=\"/devices/%s/firmware\">Firmware's log</a>, "
		    "<a href=\"/devices/%s/ima\">kernel's log</a>, "
		    "<a href=\"/devices/%s/difference\">what differs from the boot before</a></p>\n"
		    "<details><summary>PCR values that the last quote has proven (%s)</summary>",
		    d->id, d->id, d->id, lk_alg_name(v->sel.bank) ? lk_alg_name(v->sel.bank) : "");
	lk_page_table(p, "PCR values", columns);
	for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++) {
		if (!(v->sel.mask >> pcr & 1))
			continue;
		lk_page_add(p, "<tr><td>%u</td><td>%s</td><td>", pcr, lk_pcr_meaning(pcr));
		lk_page_hex(p, (struct lk_bytes){ v->value[pcr], size });
		lk_page_add(p, "</td></tr>\n");
	}
	lk_page_table_end(p);
	lk_page_add(p, "</details>\n");
}

struct listing {
	struct lk_page *p;
	const char *id;
	size_t n;
};

static void add_boot_links(struct listing *l, const struct lk_vf_boot_row *b)
{
	const struct {
		bool there;
		const char *what, *label;
	} logs[] = {
		{ b->has_firmware, "firmware", "firmware" },
		{ b->has_ima, "ima", "kernel" },
		{ b->has_measured, "measurements.bin", "user space" },
	};

	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
		if (logs[i].there)
			lk_page_add(l->p, "<a href=\"/devices/%s/boots/%" PRId64 "/%s\">%s</a> ",
				    l->id, b->since, logs[i].what, logs[i].label);
}

static int add_boot(void *ctx, const struct lk_vf_boot_row *b, struct lk_err *err)
{
	struct listing *l = ctx;
	char text[LK_VF_TIME_TEXT];

	(void)err;
	l->n++;
	lk_page_add(l->p, "<tr><td>%" PRId64 "</td><td>%s</td><td>", b->boot,
		    lk_vf_time(b->since, text));
	lk_page_verdict(l->p, b->verdict);
	lk_page_add(l->p, "</td><td>");
	add_boot_links(l, b);
	lk_page_add(l->p, "</td></tr>\n");
	return LK_OK;
}

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

static int add_history(struct lk_page *p, struct lk_store *s, const struct lk_vf_device *d,
		       struct lk_err *err)
{
	static const char *const boots[] = { "Boot", "First attested", "Verdict", "Logs", NULL };
	static const char *const attestations[] = { "Time", "Verdict", "Boot", NULL };
	struct listing l = { p, d->id, 0 };

	lk_page_add(p, "<h2>History</h2>\n");
	lk_page_table(p, "Boots", boots);
	LK_TRY(lk_vf_boots_list(s, d->number, BOOTS_SHOWN, add_boot, &l, err));
	lk_page_table_end(p);
	lk_page_table(p, "Attestations", attestations);
	LK_TRY(lk_vf_history_list(s, d->number, SHOWN_BEFORE, add_attestation, &l, err));
	lk_page_table_end(p);
	return LK_OK;
}

int lk_page_device(const struct lk_page_ask *ask, struct lk_err *err)
{
	LK_OWNED_VF_FINDINGS f = { LK_BUF_NONE, LK_BUF_NONE };
	LK_OWNED_JSON json = ask->json ? lk_json_object() : NULL;
	LK_OWNED_JSON kept = NULL;
	LK_OWNED_PAGE p = { .data = NULL };
	const struct lk_vf_device *d = ask->d;

	if (ask->json) {
		LK_TRY(lk_vf_device_json_whole(ask->s->store, d, json, err));
		return lk_page_send_json(ask->x, json, err);
	}
	LK_TRY(lk_vf_findings_get(ask->s->store, d->number, &f, err));
	lk_page_begin(&p, d->name);
	add_facts(&p, d);
	if (f.reasons.len && d->verdict != LK_VF_NO_VERDICT) {
		LK_TRY(lk_json_parse((const char *)f.reasons.data, f.reasons.len, &kept, err));
		lk_page_add_reasons(&p, lk_json_get(kept, "reasons"));
	}
	add_values(&p, d);
	LK_TRY(lk_page_add_identity(&p, ask->s->store, d, err));
	if (d->booted)
		LK_TRY(add_history(&p, ask->s->store, d, err));
	lk_page_add(&p,
		    "<p><a href=\"/devices/%s.json\">The same as JSON</a>; a report of it: "
		    "<a href=\"/devices/%s/report.html\">a page that stands alone</a>, "
		    "<a href=\"/devices/%s/report.json\">JSON</a>, "
		    "<a href=\"/devices/%s/report.jwt\">signed</a></p>\n",
		    d->id, d->id, d->id, d->id);
	lk_page_send(&p, ask->x);
	return LK_OK;
}
