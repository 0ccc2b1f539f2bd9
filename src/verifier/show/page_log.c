/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the page of a firmware's log: each event in words, with that of the last trusted boot beside it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "verifier/device/boots.h"
#include "core/bootlog/event_text.h"
#include "core/bootlog/event_type.h"
#include "core/bootlog/event_vouch.h"
#include "verifier/show/page.h"
#include "verifier/show/page_parts.h"
#include "sys/crypto/crypto.h"
#include "verifier/device/words.h"

#define PER_PAGE 500u

static const char *const vouched[] = { "no: it was changed", "no", "its value", "yes" };

void lk_page_event_text(const struct lk_log_item *i, struct lk_text_out *ret)
{
	lk_event_text(&i->event, lk_crypto_hash, ret);
}

static const char *covered(const struct lk_log_item *i)
{
	return i->note ? "no" : vouched[lk_event_vouched_by_all(&i->event, lk_crypto_hash)];
}

const char *lk_page_event_type(const struct lk_event *e)
{
	const char *type = lk_event_type_name(e->type);

	return type ? type : "another type";
}

/* What the other boot has in this event's place. */
static const char *beside(const struct lk_vf_beside *b, const struct lk_log_item *i)
{
	if (i->note || !b->lists.b)
		return "";
	if (i->partner == LK_MATCH_NONE)
		return "new";
	return i->same ? "same" : "changed";
}

static void add_beside(struct lk_page *p, const struct lk_vf_beside *b, const struct lk_log_item *i)
{
	const char *word = beside(b, i);
	struct lk_text_out words;

	if (strcmp(word, "new") == 0)
		lk_page_add(p, "<b class=\"bad\">not there</b>");
	else if (strcmp(word, "changed") != 0)
		lk_page_add(p, "%s", *word ? "the same" : "");
	else {
		lk_page_event_text(&b->lists.b[i->partner], &words);
		lk_page_add(p, "<b class=\"bad\">other:</b> ");
		lk_page_text(p, words.text);
	}
}

static void add_event(struct lk_page *p, const struct lk_vf_beside *b, const struct lk_log_item *i)
{
	struct lk_text_out words;

	lk_page_event_text(i, &words);
	lk_page_add(p, "<tr><td>%u</td><td>%u</td><td class=\"optional\">%s</td><td>",
		    i->event.number, i->event.pcr, lk_page_event_type(&i->event));
	lk_page_text(p, words.text);
	lk_page_add(p, "</td><td class=\"optional\">%s</td><td>", covered(i));
	add_beside(p, b, i);
	lk_page_add(p, "</td></tr>\n");
}

void lk_page_add_missing(struct lk_page *p, const struct lk_log_item *items, size_t n,
			 const char *caption)
{
	static const char *const columns[] = { "Event", "PCR", "-Type", "What", NULL };
	struct lk_text_out words;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (items[i].note || items[i].partner != LK_MATCH_NONE)
			continue;
		if (!any)
			lk_page_table(p, caption, columns);
		any = true;
		lk_page_event_text(&items[i], &words);
		lk_page_add(p, "<tr><td>%u</td><td>%u</td><td class=\"optional\">%s</td><td>",
			    items[i].event.number, items[i].event.pcr,
			    lk_page_event_type(&items[i].event));
		lk_page_text(p, words.text);
		lk_page_add(p, "</td></tr>\n");
	}
	if (any)
		lk_page_table_end(p);
}

void lk_page_add_turns(struct lk_page *p, const char *address, int64_t page, bool more)
{
	lk_page_add(p, "<p>");
	if (page)
		lk_page_add(p, "<a href=\"%s&amp;page=%" PRId64 "\">before</a> ", address,
			    page - 1);
	if (more)
		lk_page_add(p, "<a href=\"%s&amp;page=%" PRId64 "\">more</a>", address, page + 1);
	lk_page_add(p, "</p>\n");
}

void lk_page_add_boot(struct lk_page *p, const struct lk_page_ask *ask, int64_t since, int64_t boot,
		      int64_t reference, const char *log)
{
	char text[LK_VF_TIME_TEXT];

	lk_page_add(p,
		    "<p>Boot %" PRId64 ", first attested %s. <a href=\"/devices/%s/boots/%" PRId64
		    "/%s.json\">As JSON</a>, <a href=\"/devices/%s/boots/%" PRId64
		    "/%s.bin\">as it was sent</a>",
		    boot, lk_vf_time(since, text), ask->d->id, since, log, ask->d->id, since, log);
	if (reference)
		lk_page_add(
			p,
			", <a href=\"/devices/%s/difference?from=%" PRId64 "&amp;to=%" PRId64
			"\">all that differs from the last trusted boot before it</a>, which was first attested %s.</p>\n",
			ask->d->id, reference, since, lk_vf_time(reference, text));
	else
		lk_page_add(
			p,
			". No boot before this one was trusted, so that nothing stands beside it.</p>\n");
}

void lk_page_add_trouble(struct lk_page *p, const struct lk_err *trouble)
{
	if (!trouble->msg[0])
		return;
	lk_page_add(p, "<p class=\"bad\">The log ends here: ");
	lk_page_text(p, trouble->msg);
	lk_page_add(p, "</p>\n");
}

static int json_log(const struct lk_page_ask *ask, const struct lk_vf_beside *b,
		    const int64_t since[static 2], struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	const struct lk_log_lists *l = &b->lists;
	struct lk_json *events;

	lk_json_set_uint(json, "boot", (uint64_t)b->logs.boot);
	lk_json_set_uint(json, "since", (uint64_t)since[0]);
	if (since[1])
		lk_json_set_uint(json, "reference", (uint64_t)since[1]);
	events = lk_json_set_array(json, "events");
	for (size_t i = 0; i < l->n_a; i++) {
		struct lk_json *one = lk_json_add_object(events);
		const char *word = beside(b, &l->a[i]);

		lk_page_event_json(&l->a[i], one);
		lk_json_set_text(one, "covered", covered(&l->a[i]));
		if (*word)
			lk_json_set_text(one, "beside", word);
	}
	events = lk_json_set_array(json, "missing");
	for (size_t i = 0; i < l->n_b; i++)
		if (!l->b[i].note && l->b[i].partner == LK_MATCH_NONE)
			lk_page_event_json(&l->b[i], lk_json_add_object(events));
	if (b->trouble.msg[0])
		lk_json_set_text(json, "error", b->trouble.msg);
	return lk_page_send_json(ask->x, json, err);
}

void lk_page_event_json(const struct lk_log_item *i, struct lk_json *into)
{
	struct lk_text_out words;

	lk_page_event_text(i, &words);
	lk_json_set_uint(into, "number", i->event.number);
	lk_json_set_uint(into, "pcr", i->event.pcr);
	lk_json_set_text(into, "type", lk_page_event_type(&i->event));
	lk_json_set_text(into, "text", words.text);
	lk_json_set_hex(into, "digest", i->digest.data, i->digest.len);
}

static void add_log(struct lk_page *p, const struct lk_page_ask *ask, const struct lk_vf_beside *b,
		    int64_t since)
{
	static const char *const columns[] = { "Event", "PCR",	    "-Type",
					       "What",	"-Covered", "In the last trusted boot",
					       NULL };
	int64_t page = lk_page_number(ask->x);
	size_t from = (size_t)page * PER_PAGE, to = from + PER_PAGE;
	char address[128];

	lk_page_table(
		p,
		"What was measured, in order. \"Covered\" says whether the digest, which the TPM has signed for, covers these words.",
		columns);
	for (size_t i = from; i < to && i < b->lists.n_a; i++)
		add_event(p, b, &b->lists.a[i]);
	lk_page_table_end(p);
	(void)snprintf(address, sizeof(address), "/devices/%s/boots/%" PRId64 "/firmware?all=1",
		       ask->d->id, since);
	if (to >= b->lists.n_a) {
		lk_page_add_trouble(p, &b->trouble);
		lk_page_add_missing(p, b->lists.b, b->lists.n_b,
				    "In the last trusted boot, and not in this one");
	}
	lk_page_add_turns(p, address, page, to < b->lists.n_a);
}

int lk_page_firmware(const struct lk_page_ask *ask, int64_t since, struct lk_err *err)
{
	LK_OWNED_VF_BESIDE b = { .lists = { .a = NULL } };
	LK_OWNED_PAGE p = { .data = NULL };
	int64_t boots[2] = { since ? since : ask->d->booted, 0 };

	LK_TRY(lk_vf_boots_trusted_before(ask->s->store, ask->d->number, boots[0], &boots[1], err));
	LK_TRY(lk_vf_beside_get(ask->s->store, ask->d->number, boots[0], boots[1], &b, err));
	if (!b.logs.firmware.len)
		return LK_E_OBJECT;
	if (ask->json)
		return json_log(ask, &b, boots, err);
	lk_page_begin_below(&p, "the firmware's log", ask->d);
	lk_page_add_boot(&p, ask, boots[0], b.logs.boot, boots[1], "firmware");
	add_log(&p, ask, &b, boots[0]);
	lk_page_send(&p, ask->x);
	return LK_OK;
}

int lk_page_log_raw(const struct lk_page_ask *ask, int64_t since, const char *what,
		    struct lk_err *err)
{
	LK_OWNED_VF_LOGS logs = { .found = false };
	const struct lk_buf *b = &logs.ima;
	char name[LK_VF_ID_TEXT + 64];

	if (!since)
		since = ask->d->booted;
	if (strcmp(what, "ima.bin") == 0)
		LK_TRY(lk_vf_logs_get_ima(ask->s->store, ask->d->number, since, &logs, err));
	else
		LK_TRY(lk_vf_logs_get(ask->s->store, ask->d->number, since, &logs, err));
	if (strcmp(what, "firmware.bin") == 0)
		b = &logs.firmware;
	else if (strcmp(what, "measurements.bin") == 0)
		b = &logs.measured;
	if (!logs.found || !b->len)
		return LK_E_OBJECT;
	(void)snprintf(name, sizeof(name), "%.16s-%" PRId64 "-%s", ask->d->id, since, what);
	lk_page_send_file(ask->x, name, "application/octet-stream",
			  (struct lk_bytes){ b->data, b->len });
	return LK_OK;
}
