/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-verifier report and report-key, and reports as JSON and as a page that stands alone. */
#include "verifier/show/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/device/history.h"
#include "verifier/settings/state_dir.h"
#include "verifier/show/page.h"
#include "sys/os/log.h"
#include "verifier/verifier.h"
#include "verifier/device/words.h"

#define REASONS_SHOWN 500
#define LISTED	      5000

/* JSON. */

struct listing {
	const struct lk_vf_report *r;
	struct lk_json *into;
	int64_t n;
};

static int add_json(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	struct listing *l = ctx;

	if (l->n++ >= l->r->limit)
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "there are more devices than a report of this way may have");
	lk_vf_device_json(d, lk_json_add_object(l->into));
	return LK_OK;
}

int lk_vf_report_json(const struct lk_vf_report *r, struct lk_json *into, struct lk_err *err)
{
	const struct lk_vf_filter all = { .text = "",
					  .verdict = LK_VF_ANY_VERDICT,
					  .limit = INT64_MAX };
	struct listing l = { .r = r };
	struct lk_vf_counts c;
	char time[LK_VF_TIME_TEXT];

	lk_json_set_text(into, "time", lk_vf_time(lk_vf_now(), time));
	if (r->one)
		return lk_vf_device_json_whole(r->store, r->one, into, err);
	LK_TRY(lk_vf_device_counts(r->store, r->overdue_before, &c, err));
	lk_vf_counts_json(&c, into);
	l.into = lk_json_set_array(into, "devices");
	return lk_vf_device_list(r->store, &all, add_json, &l, err);
}

/* A page that stands alone. */

struct html {
	const struct lk_vf_report *r;
	struct lk_page *p;
	int64_t n;
};

static int add_reasons(const struct html *h, const struct lk_vf_device *d, struct lk_err *err)
{
	LK_OWNED_VF_FINDINGS f = { LK_BUF_NONE, LK_BUF_NONE };
	LK_OWNED_JSON kept = NULL;

	LK_TRY(lk_vf_findings_get(h->r->store, d->number, &f, err));
	if (!f.reasons.len)
		return LK_OK;
	LK_TRY(lk_json_parse((const char *)f.reasons.data, f.reasons.len, &kept, err));
	lk_page_add_reasons(h->p, lk_json_get(kept, "reasons"));
	return LK_OK;
}

static int add_bad(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	struct html *h = ctx;
	char text[LK_VF_TIME_TEXT];

	if (h->n++ >= REASONS_SHOWN)
		return LK_OK;
	lk_page_add(h->p, "<h3>");
	lk_page_text(h->p, d->name);
	lk_page_add(h->p, "</h3><p>");
	lk_page_verdict(h->p, d->verdict);
	lk_page_add(h->p, " since %s; identity <code>%s</code></p>\n", lk_vf_time(d->changed, text),
		    d->id);
	return add_reasons(h, d, err);
}

static int add_row(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	struct html *h = ctx;
	char text[LK_VF_TIME_TEXT];

	(void)err;
	if (h->n++ >= LISTED)
		return LK_OK;
	lk_page_add(h->p, "<tr><td>");
	lk_page_text(h->p, d->name);
	lk_page_add(h->p, "</td><td>");
	lk_page_verdict(h->p, d->verdict);
	lk_page_add(h->p, "</td><td>%s%s</td><td class=\"optional\">", lk_vf_time(d->seen, text),
		    d->seen && d->seen < h->r->overdue_before ? ", overdue" : "");
	lk_page_text(h->p, d->flavor);
	lk_page_add(h->p, "</td><td class=\"optional\"><code>%.16s</code></td></tr>\n", d->id);
	return LK_OK;
}

static void say_left_out(struct lk_page *p, int64_t n, int64_t shown)
{
	if (n > shown)
		lk_page_add(p, "<p>%" PRId64 " more aren't listed.</p>\n", n - shown);
}

static int add_fleet(const struct lk_vf_report *r, struct lk_page *p, struct lk_err *err)
{
	static const char *const columns[] = { "Device",  "Verdict",   "Seen",
					       "-Flavor", "-Identity", NULL };
	struct lk_vf_filter f = { .text = "", .limit = INT64_MAX };
	struct html bad = { r, p, 0 }, all = { r, p, 0 };
	struct lk_vf_counts c;

	LK_TRY(lk_vf_device_counts(r->store, r->overdue_before, &c, err));
	lk_page_add(p,
		    "<p>%" PRId64 " devices: %" PRId64 " trusted, %" PRId64 " unknown, %" PRId64
		    " untrusted, %" PRId64 " never seen; %" PRId64 " overdue; %" PRId64
		    " retired.</p>\n",
		    c.devices, c.verdict[LK_VERDICT_TRUSTED], c.verdict[LK_VERDICT_UNKNOWN],
		    c.verdict[LK_VERDICT_UNTRUSTED], c.never, c.overdue, c.retired);
	lk_page_add(p, "<h2>What isn't trusted</h2>\n");
	f.verdict = LK_VERDICT_UNTRUSTED;
	LK_TRY(lk_vf_device_list(r->store, &f, add_bad, &bad, err));
	f.verdict = LK_VERDICT_UNKNOWN;
	LK_TRY(lk_vf_device_list(r->store, &f, add_bad, &bad, err));
	lk_page_add(p, bad.n ? "" : "<p>None.</p>\n");
	say_left_out(p, bad.n, REASONS_SHOWN);
	lk_page_add(p, "<h2>All devices</h2>\n");
	lk_page_table(p, "Devices, by name", columns);
	f.verdict = LK_VF_ANY_VERDICT;
	LK_TRY(lk_vf_device_list(r->store, &f, add_row, &all, err));
	lk_page_table_end(p);
	say_left_out(p, all.n, LISTED);
	return LK_OK;
}

static int add_device(const struct lk_vf_report *r, struct lk_page *p, struct lk_err *err)
{
	struct html h = { r, p, 0 };
	const struct lk_vf_device *d = r->one;
	char text[LK_VF_TIME_TEXT];

	lk_page_add(p, "<p>");
	lk_page_verdict(p, d->verdict);
	if (d->changed)
		lk_page_add(p, " since %s", lk_vf_time(d->changed, text));
	lk_page_add(p, "; seen %s; flavor ", lk_vf_time(d->seen, text));
	lk_page_text(p, d->flavor);
	lk_page_add(p, "</p>\n");
	if (d->verdict != LK_VF_NO_VERDICT)
		LK_TRY(add_reasons(&h, d, err));
	return lk_page_add_identity(p, r->store, d, err);
}

int lk_vf_report_html(const struct lk_vf_report *r, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_PAGE p = { .data = NULL };
	char title[LK_VF_NAME_MAX + 32], text[LK_VF_TIME_TEXT];

	(void)snprintf(title, sizeof(title), "%s: attestation report",
		       r->one ? r->one->name : "Fleet");
	lk_page_begin_alone(&p, title);
	lk_page_add(&p, "<p>Of %s, by latchkey-verifier " LK_VERSION ".</p>\n",
		    lk_vf_time(lk_vf_now(), text));
	LK_TRY(r->one ? add_device(r, &p, err) : add_fleet(r, &p, err));
	lk_page_end_alone(&p);
	if (p.failed)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory for the report");
	*ret = (struct lk_buf){ (uint8_t *)p.data, p.len };
	p = (struct lk_page){ .data = NULL };
	return LK_OK;
}

/* The commands. */

static int print_buf(const struct lk_buf *text)
{
	(void)fwrite(text->data, 1, text->len, stdout);
	if (text->len && text->data[text->len - 1] != '\n')
		(void)putchar('\n');
	return LK_OK;
}

static int print_line(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	char seen[LK_VF_TIME_TEXT];

	(void)ctx;
	(void)err;
	printf("%-10s  %.16s  %-23s  ", lk_vf_verdict_word(d->verdict), d->id,
	       lk_vf_time(d->seen, seen));
	lk_print_shown(stdout, d->name);
	(void)putchar('\n');
	return LK_OK;
}

static int print_text(const struct lk_vf_report *r, struct lk_err *err)
{
	struct lk_vf_filter bad = { .text = "",
				    .verdict = LK_VERDICT_UNTRUSTED,
				    .limit = INT64_MAX };
	struct lk_vf_counts c;

	if (r->one)
		return print_line(NULL, r->one, err);
	LK_TRY(lk_vf_device_counts(r->store, r->overdue_before, &c, err));
	printf("%" PRId64 " device%s: %" PRId64 " trusted, %" PRId64 " unknown, %" PRId64
	       " untrusted, %" PRId64 " never seen; %" PRId64 " overdue; %" PRId64 " retired\n",
	       c.devices, c.devices == 1 ? "" : "s", c.verdict[LK_VERDICT_TRUSTED],
	       c.verdict[LK_VERDICT_UNKNOWN], c.verdict[LK_VERDICT_UNTRUSTED], c.never, c.overdue,
	       c.retired);
	LK_TRY(lk_vf_device_list(r->store, &bad, print_line, NULL, err));
	bad.verdict = LK_VERDICT_UNKNOWN;
	return lk_vf_device_list(r->store, &bad, print_line, NULL, err);
}

static int print_report(const struct lk_vf_options *o, const struct lk_vf_settings *settings,
			const struct lk_vf_report *r, struct lk_err *err)
{
	LK_OWNED_JWS_KEY key = NULL;
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_JSON json = o->json ? lk_json_object() : NULL;

	if (o->json) {
		LK_TRY(lk_vf_report_json(r, json, err));
		LK_TRY(lk_json_write(json, &text, err));
	} else if (o->jwt) {
		LK_TRY(lk_vf_report_key(settings, &key, err));
		LK_TRY(lk_vf_report_jwt(r, key, &text, err));
	} else if (o->html) {
		LK_TRY(lk_vf_report_html(r, &text, err));
	} else {
		return print_text(r, err);
	}
	return print_buf(&text);
}

int lk_vf_report(const struct lk_vf_options *o, struct lk_err *err)
{
	struct lk_vf_report r = { .limit = INT64_MAX };
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	struct lk_vf_device d;

	if (o->json + o->jwt + o->html > 1)
		return lk_err_set(err, LK_E_USAGE, 0, "--json, --jwt, --html: one of them");
	LK_TRY(lk_vf_open(o, &settings, &store, err));
	r.store = store;
	r.overdue_before = lk_vf_now() - settings.overdue_h * 3600000ll;
	if (o->n) {
		LK_TRY(lk_vf_device_find(store, o->operands[0], &d, err));
		r.one = &d;
	}
	return print_report(o, &settings, &r, err);
}

int lk_vf_report_show_key(const struct lk_vf_options *o, struct lk_err *err)
{
	LK_OWNED_JSON json = o->json ? lk_json_object() : NULL;
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_JWS_KEY key = NULL;
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	LK_TRY(lk_vf_report_key(&settings, &key, err));
	if (o->json) {
		LK_TRY(lk_vf_report_jwk(key, json, err));
		LK_TRY(lk_json_write(json, &text, err));
	} else {
		LK_TRY(lk_jws_key_public_pem(key, &text, err));
	}
	return print_buf(&text);
}
