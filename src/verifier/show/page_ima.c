/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the page of the kernel's log: each measurement in words, and whether the last trusted boot had it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/bootlog/event_text.h"
#include "verifier/show/page_parts.h"
#include "verifier/device/device.h"

#define PER_PAGE 500u

/* What is asked for: a part of names, and what differs alone. */
struct asked {
	char text[LK_VF_NAME_MAX];
	bool differing;
	int64_t page;
};

static void read_query(const struct lk_page_ask *ask, struct asked *ret)
{
	const char *query = lk_httpd_head(ask->x)->query;
	char word[16] = "";

	*ret = (struct asked){ .page = lk_page_number(ask->x) };
	(void)lk_httpd_query_get(query, "q", ret->text, sizeof(ret->text));
	(void)lk_httpd_query_get(query, "only", word, sizeof(word));
	ret->differing = strcmp(word, "differing") == 0;
}

static bool is_asked_for(const struct asked *a, const struct lk_vf_ima_beside *b,
			 const struct lk_ima_item *i)
{
	const struct lk_bytes text = { (const uint8_t *)a->text, strlen(a->text) };

	if (a->differing && (!b->compared || i->match == LK_IMA_SAME))
		return false;
	return !text.len || lk_bytes_contain(i->name, text);
}

static const char *word_of(const struct lk_vf_ima_beside *b, const struct lk_ima_item *i)
{
	static const char *const words[] = { "new", "same", "changed" };

	return b->compared ? words[i->match] : "";
}

/* Each entry that is asked for, of this page. */
struct listing {
	const struct lk_vf_ima_beside *b;
	const struct asked *a;
	size_t from, to, n;
	void (*each)(void *ctx, const struct lk_ima_entry *e, const char *beside);
	void *ctx;
};

static void list_entries(struct listing *l)
{
	struct lk_ima_log at;
	struct lk_ima_entry e;
	size_t i = 0;

	if (lk_ima_log_open(l->b->logs.ima.data, l->b->logs.ima.len, &at, NULL) != LK_OK)
		return;
	for (; i < l->b->n_a && lk_ima_log_next(&at, &e, NULL) == LK_OK; i++) {
		if (!is_asked_for(l->a, l->b, &l->b->a[i]))
			continue;
		if (l->n >= l->from && l->n < l->to)
			l->each(l->ctx, &e, word_of(l->b, &l->b->a[i]));
		l->n++;
	}
}

static void add_entry(void *ctx, const struct lk_ima_entry *e, const char *beside)
{
	static const char *const shown[][3] = {
		{ "same", "", "the same" },
		{ "new", "unsure", "not there" },
		{ "changed", "bad", "other contents" },
	};
	struct lk_page *p = ctx;
	struct lk_text_out words;

	lk_ima_entry_text(e, &words);
	lk_page_add(p, "<tr><td>%u</td><td>%u</td><td>", e->number, e->pcr);
	lk_page_text(p, words.text);
	lk_page_add(p, "</td><td class=\"optional\">");
	lk_page_text(p, e->alg);
	lk_page_add(p, " ");
	lk_page_hex(p, e->digest);
	lk_page_add(p, "</td><td>");
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(shown[i][0], beside) == 0)
			lk_page_add(p, "<span class=\"%s\">%s</span>", shown[i][1], shown[i][2]);
	lk_page_add(p, "</td></tr>\n");
}

static void add_json(void *ctx, const struct lk_ima_entry *e, const char *beside)
{
	struct lk_json *one = lk_json_add_object(ctx);
	struct lk_text_out words;

	lk_ima_entry_text(e, &words);
	lk_json_set_uint(one, "number", e->number);
	lk_json_set_uint(one, "pcr", e->pcr);
	lk_json_set_text(one, "template", e->template);
	lk_json_set_text(one, "text", words.text);
	lk_json_set_text(one, "algorithm", e->alg);
	lk_json_set_hex(one, "digest", e->digest.data, e->digest.len);
	if (*beside)
		lk_json_set_text(one, "beside", beside);
}

static int json_log(const struct lk_page_ask *ask, struct listing *l, const int64_t since[static 2],
		    struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();

	lk_json_set_uint(json, "boot", (uint64_t)l->b->logs.boot);
	lk_json_set_uint(json, "since", (uint64_t)since[0]);
	if (since[1] && l->b->compared)
		lk_json_set_uint(json, "reference", (uint64_t)since[1]);
	l->each = add_json;
	l->ctx = lk_json_set_array(json, "entries");
	list_entries(l);
	lk_json_set_uint(json, "count", l->n);
	if (l->b->trouble.msg[0])
		lk_json_set_text(json, "error", l->b->trouble.msg);
	return lk_page_send_json(ask->x, json, err);
}

static void add_search(struct lk_page *p, const struct lk_page_ask *ask, const struct asked *a,
		       int64_t since)
{
	lk_page_add(p,
		    "<form role=\"search\" action=\"/devices/%s/boots/%" PRId64
		    "/ima\"><div><label for=\"q\">Part of a name</label>"
		    "<input id=\"q\" name=\"q\" type=\"search\" maxlength=\"120\" value=\"",
		    ask->d->id, since);
	lk_page_text(p, a->text);
	lk_page_add(
		p,
		"\"></div><div><label for=\"o\">Show</label><select id=\"o\" name=\"only\"><option value=\"\">all</option>"
		"<option value=\"differing\"%s>what the last trusted boot hadn't</option></select></div><button>Search</button></form>\n",
		a->differing ? " selected" : "");
}

static void add_address(const struct lk_page_ask *ask, const struct asked *a, int64_t since,
			struct lk_page *ret)
{
	lk_page_add(ret, "/devices/%s/boots/%" PRId64 "/ima?q=", ask->d->id, since);
	lk_page_address(ret, a->text);
	lk_page_add(ret, "&amp;only=%s", a->differing ? "differing" : "");
}

static int show_log(const struct lk_page_ask *ask, struct listing *l, const int64_t since[static 2],
		    struct lk_err *err)
{
	static const char *const columns[] = {
		"Entry", "PCR", "What", "-Digest", "In the last trusted boot", NULL
	};
	LK_OWNED_PAGE p = { .data = NULL };
	LK_OWNED_PAGE address = { .data = NULL };

	lk_page_begin_below(&p, "the kernel's log", ask->d);
	lk_page_add_boot(&p, ask, since[0], l->b->logs.boot, since[1], "ima");
	if (since[1] && !l->b->compared)
		lk_page_add(
			&p,
			"<p>The last trusted boot has no such log, or one of both is too long to be compared.</p>\n");
	add_search(&p, ask, l->a, since[0]);
	lk_page_table(&p, "What the kernel has measured, in order (IMA)", columns);
	l->each = add_entry;
	l->ctx = &p;
	list_entries(l);
	lk_page_table_end(&p);
	lk_page_add(&p, "<p>%zu of %zu entries fit what was asked for.</p>\n", l->n, l->b->n_a);
	lk_page_add_trouble(&p, &l->b->trouble);
	add_address(ask, l->a, since[0], &address);
	if (address.failed)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory to show a log");
	lk_page_add_turns(&p, address.data, l->a->page, l->to < l->n);
	lk_page_send(&p, ask->x);
	return LK_OK;
}

int lk_page_ima(const struct lk_page_ask *ask, int64_t since, struct lk_err *err)
{
	LK_OWNED_VF_IMA_BESIDE b = { .a = NULL };
	int64_t boots[2] = { since ? since : ask->d->booted, 0 };
	struct listing l = { .b = &b };
	struct asked a;

	read_query(ask, &a);
	LK_TRY(lk_vf_boots_trusted_before(ask->s->store, ask->d->number, boots[0], &boots[1], err));
	LK_TRY(lk_vf_ima_beside_get(ask->s->store, ask->d->number, boots[0], boots[1], &b, err));
	if (!b.logs.ima.len)
		return LK_E_OBJECT;
	l.a = &a;
	l.from = (size_t)a.page * PER_PAGE;
	l.to = l.from + PER_PAGE;
	return ask->json ? json_log(ask, &l, boots, err) : show_log(ask, &l, boots, err);
}
