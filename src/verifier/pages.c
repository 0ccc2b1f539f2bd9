/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns who may read, which page an address is, and the pages of the fleet. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "page.h"
#include "verifier.h"

#define PER_PAGE      50
#define DAY_MS	      86400000ll
#define WRONG_TOKEN_S 2u
#define DAYS	      7

static int64_t overdue_before(const struct lk_vf_server *s)
{
	return lk_vf_now() - s->settings.overdue_h * 3600000ll;
}

/* A browser that was led here under another name brings another's page along. */
static bool host_is_local(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);

		if (strncasecmp(host, names[i], len) == 0 && (!host[len] || host[len] == ':'))
			return true;
	}
	return false;
}

/* Return: whether @x may read; else it was answered. */
static bool may_read(struct lk_vf_server *s, struct lk_httpd_x *x)
{
	const struct lk_httpd_head *head = lk_httpd_head(x);
	struct lk_err err = { 0 };
	bool good = false;

	if (!head->bearer[0] && lk_httpd_from_local(x) && lk_httpd_is_local(s->settings.pages) &&
	    (strncmp(s->settings.pages, "unix:", 5) == 0 || host_is_local(head->host)))
		return true;
	if (head->bearer[0] && lk_vf_token_check(s->store, head->bearer, &good, &err) != LK_OK) {
		lk_vf_complain(s, &err);
		lk_httpd_answer_text(x, 503, "The database can't be used now.");
		return false;
	}
	if (good)
		return true;
	lk_httpd_answer(
		x,
		&(struct lk_httpd_answer){
			.status = 401,
			.headers =
				"WWW-Authenticate: Basic realm=\"Latchkey: the token is the password\"\r\n",
			.body = { (const uint8_t *)"A token is wanted.\n", 19 },
			.delay_s = head->bearer[0] ? WRONG_TOKEN_S : 0,
		});
	return false;
}

static int answer_json(struct lk_httpd_x *x, const struct lk_json *json, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	LK_TRY(lk_json_write(json, &text, err));
	lk_httpd_answer(x, &(struct lk_httpd_answer){ .status = 200,
						      .type = "application/json",
						      .body = { text.data, text.len } });
	return LK_OK;
}

/* The fleet. */

struct week {
	int64_t from;
	int64_t n[DAYS][3];
	int64_t most;
};

static int take_day(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	struct week *w = ctx;
	int64_t day = c[0].number - w->from, verdict = c[1].number, total = 0;

	(void)err;
	if (day < 0 || day >= DAYS || verdict < 0 || verdict > 2)
		return LK_OK;
	w->n[day][verdict] = c[2].number;
	for (size_t i = 0; i < 3; i++)
		total += w->n[day][i];
	if (total > w->most)
		w->most = total;
	return LK_OK;
}

static int add_chart(struct lk_vf_server *s, struct lk_page *p, struct lk_err *err)
{
	static const char sql[] = "SELECT at / 86400000 AS day, verdict, COUNT(*) FROM attestations"
				  " WHERE at >= CAST($1 AS bigint) GROUP BY day, verdict";
	static const char *const class[] = { "g", "u", "b" };
	struct week w = { .from = lk_vf_now() / DAY_MS - DAYS + 1 };
	const struct lk_value args[] = { lk_value_int(w.from * DAY_MS) };

	LK_TRY(lk_store_run(s->store, &(struct lk_query){ sql, 1, args, take_day, &w }, NULL, err));
	if (!w.most)
		return LK_OK;
	lk_page_add(p, "<h2>Attestations of the last seven days</h2><svg viewBox=\"0 0 420 140\" "
		       "width=\"420\" role=\"img\" aria-label=\"Attestations a day, by verdict\">");
	for (int day = 0; day < DAYS; day++) {
		char date[LK_VF_TIME_TEXT];
		double y = 110;

		(void)lk_vf_time((w.from + day) * DAY_MS, date);
		for (size_t v = 0; v < 3; v++) {
			double h = 100.0 * (double)w.n[day][v] / (double)w.most;

			y -= h;
			lk_page_add(
				p,
				"<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"44\" height=\"%.1f\"><title>%.10s: %" PRId64
				" %s</title></rect>",
				class[v], 60 * day + 8, y, h, date, w.n[day][v],
				lk_vf_verdict_word((int)v));
		}
		lk_page_add(p, "<text x=\"%d\" y=\"128\">%.5s</text>", 60 * day + 12, date + 5);
	}
	lk_page_add(p, "</svg>\n");
	return LK_OK;
}

static void add_card(struct lk_page *p, const char *query, int64_t n, const char *what,
		     const char *class)
{
	lk_page_add(p, "<li><a href=\"/devices%s\"><b class=\"%s\">%" PRId64 "</b>%s</a></li>",
		    query, class, n, what);
}

static int add_row(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	struct lk_page *p = ctx;

	(void)err;
	lk_page_add(p, "<tr><td><a href=\"/devices/%s\">", d->id);
	lk_page_text(p, d->name);
	lk_page_add(p, "</a></td><td>");
	lk_page_verdict(p, d->verdict);
	lk_page_add(p, "</td><td>");
	lk_page_time(p, d->seen);
	lk_page_add(p, "</td><td class=\"optional\">");
	lk_page_text(p, d->flavor);
	lk_page_add(p, "</td><td class=\"optional\"><code>%.16s</code></td></tr>\n", d->id);
	return LK_OK;
}

static int add_table(struct lk_vf_server *s, struct lk_page *p, const struct lk_vf_filter *f,
		     const char *caption, struct lk_err *err)
{
	lk_page_add(
		p,
		"<div class=\"wide\"><table><caption>%s</caption><thead><tr><th scope=\"col\">Device</th><th scope=\"col\">Verdict</th>"
		"<th scope=\"col\">Seen</th><th scope=\"col\" class=\"optional\">Flavor</th>"
		"<th scope=\"col\" class=\"optional\">Identity</th></tr></thead><tbody>\n",
		caption);
	LK_TRY(lk_vf_device_list(s->store, f, add_row, p, err));
	lk_page_add(p, "</tbody></table></div>\n");
	return LK_OK;
}

static int show_fleet(struct lk_vf_server *s, struct lk_httpd_x *x, struct lk_err *err)
{
	struct lk_vf_filter f = { .text = "", .verdict = LK_VERDICT_UNTRUSTED, .limit = PER_PAGE };
	LK_OWNED_PAGE p = { .data = NULL };
	struct lk_vf_counts c;

	LK_TRY(lk_vf_device_counts(s->store, overdue_before(s), &c, err));
	lk_page_begin(&p, "Fleet");
	lk_page_add(&p, "<ul class=\"cards\">");
	add_card(&p, "", c.devices, "devices", "");
	add_card(&p, "?verdict=trusted", c.verdict[LK_VERDICT_TRUSTED], "trusted", "good");
	add_card(&p, "?verdict=unknown", c.verdict[LK_VERDICT_UNKNOWN], "unknown", "unsure");
	add_card(&p, "?verdict=untrusted", c.verdict[LK_VERDICT_UNTRUSTED], "untrusted", "bad");
	add_card(&p, "?verdict=never", c.never, "never seen", "none");
	add_card(&p, "?verdict=overdue", c.overdue, "overdue", "unsure");
	lk_page_add(&p, "</ul>\n");
	if (c.verdict[LK_VERDICT_UNTRUSTED])
		LK_TRY(add_table(s, &p, &f, "Devices that run what wasn't signed for", err));
	LK_TRY(add_chart(s, &p, err));
	lk_page_send(&p, x);
	return LK_OK;
}

/* Devices. */

static const struct {
	const char *word, *label;
	int verdict;
} choices[] = {
	{ "", "any", LK_VF_ANY_VERDICT },
	{ "trusted", "trusted", LK_VERDICT_TRUSTED },
	{ "unknown", "unknown", LK_VERDICT_UNKNOWN },
	{ "untrusted", "untrusted", LK_VERDICT_UNTRUSTED },
	{ "never", "never seen", LK_VF_NO_VERDICT },
	{ "overdue", "overdue", LK_VF_ANY_VERDICT },
	{ "retired", "retired", LK_VF_ANY_VERDICT },
};
#define N_CHOICES (sizeof(choices) / sizeof(choices[0]))

struct asked {
	char text[LK_VF_NAME_MAX];
	size_t choice;
	int64_t page;
};

static void read_query(const struct lk_vf_server *s, const char *query, struct asked *ret,
		       struct lk_vf_filter *f)
{
	char word[16] = "", page[8] = "";

	*ret = (struct asked){ .choice = 0 };
	(void)lk_httpd_query_get(query, "q", ret->text, sizeof(ret->text));
	(void)lk_httpd_query_get(query, "verdict", word, sizeof(word));
	if (lk_httpd_query_get(query, "page", page, sizeof(page)))
		ret->page = strtol(page, NULL, 10) > 0 ? strtol(page, NULL, 10) : 0;
	for (size_t i = 0; i < N_CHOICES; i++)
		if (strcmp(choices[i].word, word) == 0)
			ret->choice = i;
	*f = (struct lk_vf_filter){ .text = ret->text,
				    .verdict = choices[ret->choice].verdict,
				    .offset = ret->page * PER_PAGE,
				    .limit = PER_PAGE };
	f->retired = strcmp(choices[ret->choice].word, "retired") == 0;
	if (strcmp(choices[ret->choice].word, "overdue") == 0)
		f->seen_before = overdue_before(s);
}

static void add_search(struct lk_page *p, const struct asked *a)
{
	lk_page_add(
		p,
		"<form role=\"search\" action=\"/devices\"><div><label for=\"q\">Name or identity</label>"
		"<input id=\"q\" name=\"q\" type=\"search\" maxlength=\"120\" value=\"");
	lk_page_text(p, a->text);
	lk_page_add(
		p,
		"\"></div><div><label for=\"v\">Verdict</label><select id=\"v\" name=\"verdict\">");
	for (size_t i = 0; i < N_CHOICES; i++)
		lk_page_add(p, "<option value=\"%s\"%s>%s</option>", choices[i].word,
			    i == a->choice ? " selected" : "", choices[i].label);
	lk_page_add(p, "</select></div><button>Search</button></form>\n");
}

static void add_turn(struct lk_page *p, const struct asked *a, int64_t page, const char *word)
{
	lk_page_add(p, "<a href=\"/devices?q=");
	lk_page_address(p, a->text);
	lk_page_add(p, "&amp;verdict=%s&amp;page=%" PRId64 "\">%s</a> ", choices[a->choice].word,
		    page, word);
}

static int note_more(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	(void)d;
	(void)err;
	*(bool *)ctx = true;
	return LK_OK;
}

static int show_devices(struct lk_vf_server *s, struct lk_httpd_x *x, struct lk_err *err)
{
	LK_OWNED_PAGE p = { .data = NULL };
	struct lk_vf_filter f;
	struct asked a;
	bool more = false;

	read_query(s, lk_httpd_head(x)->query, &a, &f);
	lk_page_begin(&p, "Devices");
	add_search(&p, &a);
	LK_TRY(add_table(s, &p, &f, "Devices, by name", err));
	f.offset += PER_PAGE;
	f.limit = 1;
	LK_TRY(lk_vf_device_list(s->store, &f, note_more, &more, err));
	lk_page_add(&p, "<p>");
	if (a.page)
		add_turn(&p, &a, a.page - 1, "before");
	if (more)
		add_turn(&p, &a, a.page + 1, "more");
	lk_page_add(&p, "</p>\n");
	lk_page_send(&p, x);
	return LK_OK;
}

static int list_json(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	(void)err;
	lk_vf_device_json(d, lk_json_add_object(ctx));
	return LK_OK;
}

static int json_devices(struct lk_vf_server *s, struct lk_httpd_x *x, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	struct lk_vf_filter f;
	struct asked a;

	read_query(s, lk_httpd_head(x)->query, &a, &f);
	LK_TRY(lk_vf_device_list(s->store, &f, list_json, lk_json_set_array(json, "devices"), err));
	return answer_json(x, json, err);
}

static int json_fleet(struct lk_vf_server *s, struct lk_httpd_x *x, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	struct lk_vf_counts c;

	LK_TRY(lk_vf_device_counts(s->store, overdue_before(s), &c, err));
	lk_vf_counts_json(&c, json);
	return answer_json(x, json, err);
}

static int show_metrics(struct lk_vf_server *s, struct lk_httpd_x *x, struct lk_err *err)
{
	const struct lk_httpd_counts *h = lk_httpd_counts(s->http);
	LK_OWNED_PAGE p = { .data = NULL };
	struct lk_vf_counts c;

	LK_TRY(lk_vf_device_counts(s->store, overdue_before(s), &c, err));
	lk_page_add(&p, "# TYPE latchkey_devices gauge\n");
	for (int v = 0; v <= LK_VERDICT_UNTRUSTED; v++)
		lk_page_add(&p, "latchkey_devices{verdict=\"%s\"} %" PRId64 "\n",
			    lk_vf_verdict_word(v), c.verdict[v]);
	lk_page_add(&p, "latchkey_devices{verdict=\"never\"} %" PRId64 "\n", c.never);
	lk_page_add(&p,
		    "# TYPE latchkey_devices_overdue gauge\nlatchkey_devices_overdue %" PRId64 "\n",
		    c.overdue);
	lk_page_add(&p,
		    "# TYPE latchkey_attestations_total counter\n"
		    "latchkey_attestations_total{result=\"accepted\"} %" PRIu64 "\n"
		    "latchkey_attestations_total{result=\"refused\"} %" PRIu64 "\n"
		    "latchkey_attestations_total{result=\"unavailable\"} %" PRIu64 "\n",
		    s->accepted, s->refused, s->unavailable);
	lk_page_add(
		&p,
		"# TYPE latchkey_transactions_total counter\nlatchkey_transactions_total %" PRIu64
		"\n",
		s->batches);
	lk_page_add(&p,
		    "# TYPE latchkey_connections gauge\nlatchkey_connections %u\n"
		    "# TYPE latchkey_connections_ended_total counter\n"
		    "latchkey_connections_ended_total{why=\"slow\"} %" PRIu64 "\n"
		    "latchkey_connections_ended_total{why=\"evicted\"} %" PRIu64 "\n",
		    h->open, h->timed_out, h->evicted);
	lk_page_add(&p,
		    "# TYPE latchkey_start_time_seconds gauge\nlatchkey_start_time_seconds %" PRId64
		    "\n",
		    s->started / 1000);
	lk_httpd_answer(x, &(struct lk_httpd_answer){ .status = 200,
						      .type = "text/plain; version=0.0.4",
						      .body = { (const uint8_t *)p.data, p.len } });
	return LK_OK;
}

/* "/devices/IDENTITY", "/devices/IDENTITY.json", "/devices/IDENTITY/firmware", "/devices/IDENTITY/TIME". */
static int show_one(struct lk_vf_server *s, struct lk_httpd_x *x, const char *rest,
		    struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	char id[LK_VF_ID_TEXT];
	struct lk_vf_device d;
	char *end;
	int64_t at;

	if (strlen(rest) < LK_VF_ID_TEXT - 1)
		return LK_E_OBJECT;
	(void)snprintf(id, sizeof(id), "%s", rest);
	rest += LK_VF_ID_TEXT - 1;
	LK_TRY(lk_vf_device_find(s->store, id, &d, err));
	if (!*rest)
		return lk_page_device(s, x, &d, err);
	if (strcmp(rest, "/firmware") == 0)
		return lk_page_firmware(s, x, &d, err);
	if (strcmp(rest, ".json") == 0) {
		LK_TRY(lk_vf_device_json_whole(s->store, &d, json, err));
		return answer_json(x, json, err);
	}
	at = *rest == '/' ? strtoll(rest + 1, &end, 10) : 0;
	return at > 0 && !*end ? lk_page_attestation(s, x, &d, at, err) : LK_E_OBJECT;
}

static int show_style(struct lk_httpd_x *x)
{
	lk_httpd_answer(x, &(struct lk_httpd_answer){ .status = 200,
						      .type = "text/css",
						      .body = { (const uint8_t *)lk_page_style,
								strlen(lk_page_style) } });
	return LK_OK;
}

static int route(struct lk_vf_server *s, struct lk_httpd_x *x, const char *path, struct lk_err *err)
{
	LK_TRY(lk_store_ready(s->store, err));
	if (strcmp(path, "/") == 0)
		return show_fleet(s, x, err);
	if (strcmp(path, "/fleet.json") == 0)
		return json_fleet(s, x, err);
	if (strcmp(path, "/devices") == 0)
		return show_devices(s, x, err);
	if (strcmp(path, "/devices.json") == 0)
		return json_devices(s, x, err);
	if (strcmp(path, "/metrics") == 0)
		return show_metrics(s, x, err);
	if (strcmp(path, "/style.css") == 0)
		return show_style(x);
	if (strncmp(path, "/devices/", 9) == 0)
		return show_one(s, x, path + 9, err);
	return LK_E_OBJECT;
}

void lk_vf_pages(void *ctx, struct lk_httpd_x *x)
{
	const struct lk_httpd_head *head = lk_httpd_head(x);
	struct lk_err err = { 0 };
	int rc;

	if (head->method != LK_HTTPD_GET && head->method != LK_HTTPD_HEAD) {
		lk_httpd_answer_text(x, 405, "Pages are read: use GET.");
		return;
	}
	if (!may_read(ctx, x))
		return;
	rc = route(ctx, x, head->path, &err);
	if (rc == LK_OK)
		return;
	if (rc == LK_E_OBJECT) {
		lk_httpd_answer_text(x, 404, "There is nothing at this address.");
		return;
	}
	lk_vf_complain(ctx, &err);
	lk_httpd_answer_text(x, 503, "The database can't be used now.");
}
