/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the page of reports, and reports to keep. */
#include <stdio.h>
#include <string.h>

#include "verifier/show/page.h"
#include "verifier/settings/state_dir.h"
#include "verifier/show/report.h"
#include "verifier/device/words.h"

/* A server has others to answer: the command makes those of larger fleets. */
#define DEVICES_MAX 10000

int lk_page_reports(const struct lk_page_ask *ask, struct lk_err *err)
{
	static const char *const columns[] = { "Report", "What it is", NULL };
	LK_OWNED_PAGE p = { .data = NULL };
	LK_OWNED_JWS_KEY key = NULL;
	LK_OWNED_BUF pem = LK_BUF_NONE;

	LK_TRY(lk_vf_report_key(&ask->s->settings, &key, err));
	LK_TRY(lk_jws_key_public_pem(key, &pem, err));
	lk_page_begin(&p, "Reports");
	lk_page_table(&p, "Reports of the fleet", columns);
	lk_page_add(
		&p,
		"<tr><td><a href=\"/report.html\">HTML</a></td><td>A page that stands alone, to send or to print</td></tr>\n"
		"<tr><td><a href=\"/report.json\">JSON</a></td><td>All devices with their verdicts</td></tr>\n"
		"<tr><td><a href=\"/report.jwt\">JWT</a></td><td>Attestation results (EAR), signed by this verifier</td></tr>\n");
	lk_page_table_end(&p);
	lk_page_add(
		&p,
		"<p>Those of one device are on its page. At most %d devices go into a report of this way; "
		"<code>latchkey-verifier report</code> makes those of larger fleets.</p>\n"
		"<h2>The key that signs</h2><p>%s; compare it with what <code>latchkey-verifier report-key</code> prints on the server:</p><pre><code>",
		DEVICES_MAX, lk_jws_key_alg(key));
	lk_page_add(&p, "%s</code></pre>\n", (const char *)pem.data);
	lk_page_send(&p, ask->x);
	return LK_OK;
}

static void name_of(const struct lk_page_ask *ask, const char *how, char ret[static 96])
{
	char time[LK_VF_TIME_TEXT];

	(void)lk_vf_time(lk_vf_now(), time);
	(void)snprintf(ret, 96, "latchkey-%.16s-%.10s.%s", ask->d ? ask->d->id : "fleet", time,
		       how);
}

static int send_jwt(const struct lk_page_ask *ask, const struct lk_vf_report *r, const char *name,
		    struct lk_err *err)
{
	LK_OWNED_JWS_KEY key = NULL;
	LK_OWNED_BUF text = LK_BUF_NONE;

	LK_TRY(lk_vf_report_key(&ask->s->settings, &key, err));
	LK_TRY(lk_vf_report_jwt(r, key, &text, err));
	lk_page_send_file(ask->x, name, "application/jwt",
			  (struct lk_bytes){ text.data, text.len });
	return LK_OK;
}

static int send_html(const struct lk_page_ask *ask, const struct lk_vf_report *r, const char *name,
		     struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	LK_TRY(lk_vf_report_html(r, &text, err));
	lk_page_send_file(ask->x, name, "text/html; charset=utf-8",
			  (struct lk_bytes){ text.data, text.len });
	return LK_OK;
}

static int send_report(const struct lk_page_ask *ask, const struct lk_vf_report *r, const char *how,
		       struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	char name[96];

	name_of(ask, how, name);
	if (strcmp(how, "jwt") == 0)
		return send_jwt(ask, r, name, err);
	if (strcmp(how, "html") == 0)
		return send_html(ask, r, name, err);
	LK_TRY(lk_vf_report_json(r, json, err));
	return lk_page_send_json(ask->x, json, err);
}

int lk_page_report(const struct lk_page_ask *ask, const char *how, struct lk_err *err)
{
	const struct lk_vf_report r = { .store = ask->s->store,
					.one = ask->d,
					.overdue_before = lk_page_overdue_before(ask->s),
					.limit = DEVICES_MAX };
	int rc;

	if (strcmp(how, "json") != 0 && strcmp(how, "jwt") != 0 && strcmp(how, "html") != 0)
		return LK_E_OBJECT;
	rc = send_report(ask, &r, how, err);
	if (rc != LK_E_REFUSED)
		return rc;
	lk_httpd_answer_text(
		ask->x, 503,
		"There are more devices than go into a report of this way: latchkey-verifier report makes it.");
	return LK_OK;
}
