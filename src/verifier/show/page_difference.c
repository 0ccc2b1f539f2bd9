/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the page of what differs between two boots of a device, in both logs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bootlog/pcr_replay.h"
#include "core/policy/pcr.h"
#include "verifier/show/page_parts.h"
#include "sys/crypto/crypto.h"
#include "verifier/device/words.h"

#define BOOTS_SHOWN 50
#define IMA_SHOWN   500u

struct difference {
	int64_t from, to;
	struct lk_vf_beside firmware; /* a of the boot that is later, b of the earlier */
	struct lk_vf_ima_beside ima;
};

static void difference_freep(struct difference **p)
{
	if (*p) {
		lk_vf_beside_done(&(*p)->firmware);
		lk_vf_ima_beside_done(&(*p)->ima);
	}
	free(*p);
}

static int64_t time_of(const char *query, const char *name)
{
	char text[24] = "", *end;
	long long n = 0;

	if (lk_httpd_query_get(query, name, text, sizeof(text)))
		n = strtoll(text, &end, 10);
	return n > 0 ? n : 0;
}

static int read_both(const struct lk_page_ask *ask, struct difference *d, struct lk_err *err)
{
	const char *query = lk_httpd_head(ask->x)->query;
	int64_t last[2];

	d->from = time_of(query, "from");
	d->to = time_of(query, "to");
	LK_TRY(lk_vf_boots_last(ask->s->store, ask->d->number, last, err));
	d->to = d->to ? d->to : last[0];
	d->from = d->from ? d->from : last[1];
	if (!d->to || !d->from)
		return LK_OK;
	LK_TRY(lk_vf_beside_get(ask->s->store, ask->d->number, d->to, d->from, &d->firmware, err));
	return lk_vf_ima_beside_get(ask->s->store, ask->d->number, d->to, d->from, &d->ima, err);
}

/* The form. */

struct options {
	struct lk_page *p;
	int64_t selected;
};

static int add_option(void *ctx, const struct lk_vf_boot_row *b, struct lk_err *err)
{
	struct options *o = ctx;
	char text[LK_VF_TIME_TEXT];

	(void)err;
	lk_page_add(o->p, "<option value=\"%" PRId64 "\"%s>boot %" PRId64 ", %s, %s</option>",
		    b->since, b->since == o->selected ? " selected" : "", b->boot,
		    lk_vf_time(b->since, text), lk_vf_verdict_word(b->verdict));
	return LK_OK;
}

static int add_choice(const struct lk_page_ask *ask, struct lk_page *p, const char *name,
		      int64_t selected, struct lk_err *err)
{
	struct options o = { p, selected };

	lk_page_add(p, "<div><label for=\"%s\">%s</label><select id=\"%s\" name=\"%s\">", name,
		    strcmp(name, "from") == 0 ? "From" : "To", name, name);
	LK_TRY(lk_vf_boots_list(ask->s->store, ask->d->number, BOOTS_SHOWN, add_option, &o, err));
	lk_page_add(p, "</select></div>");
	return LK_OK;
}

static int add_form(const struct lk_page_ask *ask, struct lk_page *p, const struct difference *d,
		    struct lk_err *err)
{
	lk_page_add(p, "<form action=\"/devices/%s/difference\">", ask->d->id);
	LK_TRY(add_choice(ask, p, "from", d->from, err));
	LK_TRY(add_choice(ask, p, "to", d->to, err));
	lk_page_add(p, "<button>Compare</button></form>\n");
	return LK_OK;
}

/* Firmware. */

static void add_event_pair(struct lk_page *p, const struct lk_log_item *then,
			   const struct lk_log_item *now)
{
	const struct lk_log_item *any = now ? now : then;
	struct lk_text_out words;

	lk_page_add(p, "<tr><td>%u</td><td class=\"optional\">%s</td><td>", any->event.pcr,
		    lk_page_event_type(&any->event));
	if (then) {
		lk_page_event_text(then, &words);
		lk_page_text(p, words.text);
		lk_page_add(p, " <span class=\"dim\">");
		lk_page_hex(p, then->digest);
		lk_page_add(p, "</span>");
	} else {
		lk_page_add(p, "<span class=\"dim\">not there</span>");
	}
	lk_page_add(p, "</td><td>");
	if (now) {
		lk_page_event_text(now, &words);
		lk_page_text(p, words.text);
		lk_page_add(p, " <span class=\"dim\">");
		lk_page_hex(p, now->digest);
		lk_page_add(p, "</span>");
	} else {
		lk_page_add(p, "<span class=\"dim\">not there</span>");
	}
	lk_page_add(p, "</td></tr>\n");
}

/* Calls for each pair that differs, those that are missing after those of now. */
static size_t each_difference(const struct lk_log_lists *l,
			      void (*each)(void *ctx, const struct lk_log_item *then,
					   const struct lk_log_item *now),
			      void *ctx)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_a; i++) {
		const struct lk_log_item *now = &l->a[i];

		if (now->note || now->same)
			continue;
		n++;
		if (each)
			each(ctx, now->partner == LK_MATCH_NONE ? NULL : &l->b[now->partner], now);
	}
	for (size_t i = 0; i < l->n_b; i++)
		if (!l->b[i].note && l->b[i].partner == LK_MATCH_NONE) {
			n++;
			if (each)
				each(ctx, &l->b[i], NULL);
		}
	return n;
}

static void add_one(void *ctx, const struct lk_log_item *then, const struct lk_log_item *now)
{
	add_event_pair(ctx, then, now);
}

static void add_firmware(struct lk_page *p, const struct difference *d)
{
	static const char *const columns[] = { "PCR", "-Type", "Then", "Now", NULL };
	const struct lk_vf_beside *b = &d->firmware;

	lk_page_add(p, "<h2>Firmware and boot loader</h2>\n");
	if (!b->logs.firmware.len || !b->other.firmware.len) {
		lk_page_add(p, "<p>One of these boots, or both, came without this log.</p>\n");
		return;
	}
	if (!each_difference(&b->lists, NULL, NULL)) {
		lk_page_add(p, "<p>All %zu events are the same.</p>\n", b->lists.n_a);
		return;
	}
	lk_page_table(p, "Events that differ", columns);
	(void)each_difference(&b->lists, add_one, p);
	lk_page_table_end(p);
	lk_page_add_trouble(p, &b->trouble);
}

/* The PCRs that the firmware's logs come to. */
static void add_pcrs(struct lk_page *p, const struct difference *d)
{
	static const char *const columns[] = { "PCR", "What it stands for", "-Then", "-Now", NULL };
	struct lk_pcr_replay then, now;
	const struct lk_buf *a = &d->firmware.other.firmware, *b = &d->firmware.logs.firmware;
	uint32_t differ;

	lk_pcr_replay_init(&then, LK_ALG_SHA256);
	lk_pcr_replay_init(&now, LK_ALG_SHA256);
	if (!a->len || !b->len ||
	    lk_event_log_replay((struct lk_bytes){ a->data, a->len }, &then, lk_crypto_hash,
				NULL) != LK_OK ||
	    lk_event_log_replay((struct lk_bytes){ b->data, b->len }, &now, lk_crypto_hash, NULL) !=
		    LK_OK)
		return;
	differ = lk_pcr_differing(&then.values, &now.values, 0xffffffu);
	if (!differ)
		return;
	lk_page_table(p, "PCRs that these logs give other values (SHA-256)", columns);
	for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++) {
		if (!(differ >> pcr & 1))
			continue;
		lk_page_add(p, "<tr><td>%u</td><td>%s</td><td class=\"optional\">", pcr,
			    lk_pcr_meaning(pcr));
		lk_page_hex(p, (struct lk_bytes){ then.values.value[pcr], 32 });
		lk_page_add(p, "</td><td class=\"optional\">");
		lk_page_hex(p, (struct lk_bytes){ now.values.value[pcr], 32 });
		lk_page_add(p, "</td></tr>\n");
	}
	lk_page_table_end(p);
}

/* The kernel. */

static void add_ima_list(struct lk_page *p, const struct lk_ima_item *items, size_t n,
			 enum lk_ima_match match, const char *caption)
{
	static const char *const columns[] = { "Entry", "Name", "-Digest", NULL };
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		if (items[i].match != match)
			continue;
		if (!found)
			lk_page_table(p, caption, columns);
		if (found++ >= IMA_SHOWN)
			continue;
		lk_page_add(p, "<tr><td>%u</td><td>", items[i].number);
		lk_page_bytes(p, items[i].name);
		lk_page_add(p, "</td><td class=\"optional\">");
		lk_page_hex(p, (struct lk_bytes){ items[i].digest.data,
						  items[i].digest.len > 64 ? 64
									   : items[i].digest.len });
		lk_page_add(p, "</td></tr>\n");
	}
	if (found)
		lk_page_table_end(p);
	if (found > IMA_SHOWN)
		lk_page_add(p, "<p>%zu more aren't shown.</p>\n", found - IMA_SHOWN);
}

static void add_ima(struct lk_page *p, const struct difference *d)
{
	const struct lk_vf_ima_beside *b = &d->ima;

	lk_page_add(p, "<h2>What the kernel has measured</h2>\n");
	if (!b->compared) {
		lk_page_add(
			p,
			"<p>One of these boots, or both, came without this log, or with one that is too long to be compared.</p>\n");
		return;
	}
	lk_page_add(p, "<p>%zu entries then, %zu now.</p>\n", b->n_b, b->n_a);
	add_ima_list(p, b->a, b->n_a, LK_IMA_CHANGED, "Other contents now");
	add_ima_list(p, b->a, b->n_a, LK_IMA_NEW, "New");
	add_ima_list(p, b->b, b->n_b, LK_IMA_NEW, "Not there now");
	lk_page_add_trouble(p, &b->trouble);
}

/* JSON. */

static void json_one(void *ctx, const struct lk_log_item *then, const struct lk_log_item *now)
{
	struct lk_json *one = lk_json_add_object(ctx);

	lk_json_set_text(one, "change", !then ? "new" : !now ? "missing" : "changed");
	if (then)
		lk_page_event_json(then, lk_json_set_object(one, "then"));
	if (now)
		lk_page_event_json(now, lk_json_set_object(one, "now"));
}

static void json_ima(struct lk_json *list, const struct lk_ima_item *items, size_t n, bool now)
{
	for (size_t i = 0, found = 0; i < n && found < IMA_SHOWN; i++) {
		struct lk_text_out name;
		struct lk_json *one;

		if (items[i].match == LK_IMA_SAME || (!now && items[i].match != LK_IMA_NEW))
			continue;
		found++;
		one = lk_json_add_object(list);
		lk_text_out_init(&name);
		lk_text_add_shown(&name, items[i].name);
		lk_json_set_text(one, "change",
				 !now				    ? "missing"
				 : items[i].match == LK_IMA_CHANGED ? "changed"
								    : "new");
		lk_json_set_text(one, "name", name.text);
		lk_json_set_hex(one, "digest", items[i].digest.data, items[i].digest.len);
	}
}

static int json_difference(const struct lk_page_ask *ask, const struct difference *d,
			   struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	struct lk_json *kernel;

	lk_json_set_uint(json, "from", (uint64_t)d->from);
	lk_json_set_uint(json, "to", (uint64_t)d->to);
	(void)each_difference(&d->firmware.lists, json_one, lk_json_set_array(json, "firmware"));
	if (d->ima.compared) {
		kernel = lk_json_set_array(json, "kernel");
		json_ima(kernel, d->ima.a, d->ima.n_a, true);
		json_ima(kernel, d->ima.b, d->ima.n_b, false);
	}
	return lk_page_send_json(ask->x, json, err);
}

int lk_page_difference(const struct lk_page_ask *ask, struct lk_err *err)
{
	__attribute__((cleanup(difference_freep))) struct difference *d = calloc(1, sizeof(*d));
	LK_OWNED_PAGE p = { .data = NULL };

	if (!d)
		return lk_err_set(err, LK_E_SYSTEM, 0, "no memory to compare two boots");
	LK_TRY(read_both(ask, d, err));
	if (ask->json)
		return d->from && d->to ? json_difference(ask, d, err) : LK_E_OBJECT;
	lk_page_begin_below(&p, "difference of two boots", ask->d);
	if (!d->from || !d->to) {
		lk_page_add(&p, "<p>There are no two boots of this device to compare.</p>\n");
		lk_page_send(&p, ask->x);
		return LK_OK;
	}
	LK_TRY(add_form(ask, &p, d, err));
	lk_page_add(&p,
		    "<p><a href=\"/devices/%s/difference.json?from=%" PRId64 "&amp;to=%" PRId64
		    "\">The same as JSON</a></p>\n",
		    ask->d->id, d->from, d->to);
	add_firmware(&p, d);
	add_pcrs(&p, d);
	add_ima(&p, d);
	lk_page_send(&p, ask->x);
	return LK_OK;
}
