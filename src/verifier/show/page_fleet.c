/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the pages of the fleet: how many of what verdict, a week of it, and the list of devices. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/show/page.h"
#include "verifier/device/words.h"

#define PER_PAGE 50
#define DAY_MS	 86400000ll
#define DAYS	 7

int64_t lk_page_overdue_before(const struct lk_vf_server *s)
{
	return lk_vf_now() - s->settings.overdue_h * 3600000ll;
}

/* A week. */

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

static int read_week(struct lk_store *s, struct week *ret, struct lk_err *err)
{
	static const char sql[] = "SELECT at / 86400000 AS day, verdict, COUNT(*) FROM attestations"
				  " WHERE at >= CAST($1 AS bigint) GROUP BY day, verdict";

	*ret = (struct week){ .from = lk_vf_now() / DAY_MS - DAYS + 1 };
	const struct lk_value args[] = { lk_value_int(ret->from * DAY_MS) };

	return lk_store_run(s, &(struct lk_query){ sql, 1, args, take_day, ret }, NULL, err);
}

static void date_of(const struct week *w, int day, char ret[static LK_VF_TIME_TEXT])
{
	(void)lk_vf_time((w->from + day) * DAY_MS, ret);
	ret[10] = '\0';
}

/* For who doesn't see the picture, and for who wants the numbers. */
static void add_week_table(struct lk_page *p, const struct week *w)
{
	static const char *const columns[] = { "Day", "Trusted", "Unknown", "Untrusted", NULL };
	char date[LK_VF_TIME_TEXT];

	lk_page_add(p, "<details><summary>The same in numbers</summary>");
	lk_page_table(p, "Attestations a day, by verdict", columns);
	for (int day = 0; day < DAYS; day++) {
		date_of(w, day, date);
		lk_page_add(p,
			    "<tr><th scope=\"row\">%s</th><td>%" PRId64 "</td><td>%" PRId64
			    "</td><td>%" PRId64 "</td></tr>\n",
			    date, w->n[day][0], w->n[day][1], w->n[day][2]);
	}
	lk_page_table_end(p);
	lk_page_add(p, "</details>\n");
}

static void add_week(struct lk_page *p, const struct week *w)
{
	static const char *const class[] = { "g", "u", "b" };

	lk_page_add(
		p,
		"<h2>Attestations of the last seven days</h2><svg viewBox=\"0 0 420 140\" "
		"width=\"420\" role=\"img\" aria-label=\"Attestations a day, by verdict; at most %" PRId64
		" a day\"><line x1=\"0\" x2=\"420\" y1=\"110\" y2=\"110\"></line>",
		w->most);
	for (int day = 0; day < DAYS; day++) {
		char date[LK_VF_TIME_TEXT];
		double y = 110;

		date_of(w, day, date);
		for (size_t v = 0; v < 3; v++) {
			double h = 100.0 * (double)w->n[day][v] / (double)w->most;

			y -= h;
			lk_page_add(
				p,
				"<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"44\" height=\"%.1f\"><title>%s: %" PRId64
				" %s</title></rect>",
				class[v], 60 * day + 8, y, h, date, w->n[day][v],
				lk_vf_verdict_word((int)v));
		}
		lk_page_add(p, "<text x=\"%d\" y=\"128\">%s</text>", 60 * day + 12, date + 5);
	}
	lk_page_add(p, "</svg>\n");
	add_week_table(p, w);
}

/* The fleet. */

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
	static const char *const columns[] = { "Device",  "Verdict",   "Seen",
					       "-Flavor", "-Identity", NULL };

	lk_page_table(p, caption, columns);
	LK_TRY(lk_vf_device_list(s->store, f, add_row, p, err));
	lk_page_table_end(p);
	return LK_OK;
}

static int json_fleet(const struct lk_page_ask *ask, const struct lk_vf_counts *c,
		      const struct week *w, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	struct lk_json *days = lk_json_set_array(json, "days");

	lk_vf_counts_json(c, json);
	for (int day = 0; day < DAYS; day++) {
		struct lk_json *one = lk_json_add_object(days);
		char date[LK_VF_TIME_TEXT];

		date_of(w, day, date);
		lk_json_set_text(one, "day", date);
		for (int v = 0; v <= LK_VERDICT_UNTRUSTED; v++)
			lk_json_set_uint(one, lk_vf_verdict_word(v), (uint64_t)w->n[day][v]);
	}
	return lk_page_send_json(ask->x, json, err);
}

int lk_page_fleet(const struct lk_page_ask *ask, struct lk_err *err)
{
	struct lk_vf_filter f = { .text = "", .verdict = LK_VERDICT_UNTRUSTED, .limit = PER_PAGE };
	LK_OWNED_PAGE p = { .data = NULL };
	struct lk_vf_counts c;
	struct week w;

	LK_TRY(lk_vf_device_counts(ask->s->store, lk_page_overdue_before(ask->s), &c, err));
	LK_TRY(read_week(ask->s->store, &w, err));
	if (ask->json)
		return json_fleet(ask, &c, &w, err);
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
		LK_TRY(add_table(ask->s, &p, &f, "Devices that run what wasn't signed for", err));
	if (w.most)
		add_week(&p, &w);
	lk_page_add(&p, "<p><a href=\"/fleet.json\">The same as JSON</a></p>\n");
	lk_page_send(&p, ask->x);
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

static void read_query(const struct lk_page_ask *ask, struct asked *ret, struct lk_vf_filter *f)
{
	const char *query = lk_httpd_head(ask->x)->query;
	char word[16] = "";

	*ret = (struct asked){ .page = lk_page_number(ask->x) };
	(void)lk_httpd_query_get(query, "q", ret->text, sizeof(ret->text));
	(void)lk_httpd_query_get(query, "verdict", word, sizeof(word));
	for (size_t i = 0; i < N_CHOICES; i++)
		if (strcmp(choices[i].word, word) == 0)
			ret->choice = i;
	*f = (struct lk_vf_filter){ .text = ret->text,
				    .verdict = choices[ret->choice].verdict,
				    .offset = ret->page * PER_PAGE,
				    .limit = PER_PAGE };
	f->retired = strcmp(choices[ret->choice].word, "retired") == 0;
	if (strcmp(choices[ret->choice].word, "overdue") == 0)
		f->seen_before = lk_page_overdue_before(ask->s);
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

static int list_json(void *ctx, const struct lk_vf_device *d, struct lk_err *err)
{
	(void)err;
	lk_vf_device_json(d, lk_json_add_object(ctx));
	return LK_OK;
}

static int json_devices(const struct lk_page_ask *ask, const struct lk_vf_filter *f,
			struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();

	LK_TRY(lk_vf_device_list(ask->s->store, f, list_json, lk_json_set_array(json, "devices"),
				 err));
	return lk_page_send_json(ask->x, json, err);
}

int lk_page_devices(const struct lk_page_ask *ask, struct lk_err *err)
{
	LK_OWNED_PAGE p = { .data = NULL };
	struct lk_vf_filter f;
	struct asked a;
	bool more = false;

	read_query(ask, &a, &f);
	if (ask->json)
		return json_devices(ask, &f, err);
	lk_page_begin(&p, "Devices");
	add_search(&p, &a);
	LK_TRY(add_table(ask->s, &p, &f, "Devices, by name", err));
	f.offset += PER_PAGE;
	f.limit = 1;
	LK_TRY(lk_vf_device_list(ask->s->store, &f, note_more, &more, err));
	lk_page_add(&p, "<p>");
	if (a.page)
		add_turn(&p, &a, a.page - 1, "before");
	if (more)
		add_turn(&p, &a, a.page + 1, "more");
	lk_page_add(&p, "</p>\n");
	lk_page_send(&p, ask->x);
	return LK_OK;
}

/* For Prometheus. */
int lk_page_metrics(const struct lk_page_ask *ask, struct lk_err *err)
{
	const struct lk_vf_server *s = ask->s;
	const struct lk_httpd_counts *h = lk_httpd_counts(s->http);
	LK_OWNED_PAGE p = { .data = NULL };
	struct lk_vf_counts c;

	LK_TRY(lk_vf_device_counts(s->store, lk_page_overdue_before(s), &c, err));
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
	lk_httpd_answer(ask->x,
			&(struct lk_httpd_answer){ .status = 200,
						   .type = "text/plain; version=0.0.4",
						   .body = { (const uint8_t *)p.data, p.len } });
	return LK_OK;
}
