/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the frame of the pages, and the escaping of all that stands in them. */
#include "verifier/show/page.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "verifier/device/words.h"

#define PAGE_MAX (8u * 1024u * 1024u)

void lk_page_done(struct lk_page *p)
{
	free(p->data);
}

static void put_text(struct lk_page *p, const char *text, size_t len)
{
	if (p->len + len + 1 > p->cap) {
		size_t cap = 2 * (p->len + len) + 4096;
		char *grown = cap > PAGE_MAX ? NULL : realloc(p->data, cap);

		if (!grown) {
			p->failed = true;
			return;
		}
		p->data = grown;
		p->cap = cap;
	}
	memcpy(p->data + p->len, text, len);
	p->len += len;
	p->data[p->len] = '\0';
}

void lk_page_add(struct lk_page *p, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		p->failed = true;
	else
		put_text(p, text, (size_t)n);
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void lk_page_bytes(struct lk_page *p, struct lk_bytes text)
{
	while (text.len) {
		char shown[LK_TEXT_ESCAPED_MAX];
		size_t n = lk_text_escape(text.data, text.len, shown);
		const char *e = n == 1 ? entity((char)*text.data) : NULL;

		put_text(p, e ? e : shown, strlen(e ? e : shown));
		text.data += n;
		text.len -= n;
	}
}

void lk_page_text(struct lk_page *p, const char *text)
{
	lk_page_bytes(p, (struct lk_bytes){ (const uint8_t *)text, strlen(text) });
}

void lk_page_hex(struct lk_page *p, struct lk_bytes bytes)
{
	lk_page_add(p, "<code>");
	for (size_t i = 0; i < bytes.len; i++)
		lk_page_add(p, "%02x", bytes.data[i]);
	lk_page_add(p, "</code>");
}

void lk_page_address(struct lk_page *p, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    c == '-' || c == '_' || c == '.')
			put_text(p, text, 1);
		else
			lk_page_add(p, "%%%02X", c);
	}
}

void lk_page_time(struct lk_page *p, int64_t ms)
{
	int64_t s = (lk_vf_now() - ms) / 1000;
	char text[LK_VF_TIME_TEXT];

	(void)lk_vf_time(ms, text);
	if (!ms)
		lk_page_add(p, "never");
	else if (s < 120)
		lk_page_add(p, "<time title=\"%s\">%" PRId64 " s ago</time>", text, s < 0 ? 0 : s);
	else if (s < 7200)
		lk_page_add(p, "<time title=\"%s\">%" PRId64 " min ago</time>", text, s / 60);
	else
		lk_page_add(p, "<time>%s</time>", text);
}

void lk_page_verdict(struct lk_page *p, int verdict)
{
	static const char *const class[] = { "good", "unsure", "bad" };
	static const char *const sign[] = { "&#10003;", "?", "&#10007;" };

	if (verdict < 0 || verdict > LK_VERDICT_UNTRUSTED)
		lk_page_add(p, "<span class=\"verdict none\">never seen</span>");
	else
		lk_page_add(
			p,
			"<span class=\"verdict %s\"><span aria-hidden=\"true\">%s</span> %s</span>",
			class[verdict], sign[verdict], lk_vf_verdict_word(verdict));
}

void lk_page_table(struct lk_page *p, const char *caption, const char *const *columns)
{
	/* What can be moved sideways has to be reached by keys, and needs a name. */
	lk_page_add(
		p,
		"<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"%.*s\"><table><caption>%s</caption><thead><tr>",
		(int)strcspn(caption, ".:,"), caption, caption);
	for (; *columns; columns++)
		lk_page_add(p, "<th scope=\"col\"%s>%s</th>",
			    **columns == '-' ? " class=\"optional\"" : "",
			    *columns + (**columns == '-'));
	lk_page_add(p, "</tr></thead><tbody>\n");
}

void lk_page_table_end(struct lk_page *p)
{
	lk_page_add(p, "</tbody></table></div>\n");
}

void lk_page_fact(struct lk_page *p, const char *what)
{
	lk_page_add(p, "<dt>%s</dt><dd>", what);
}

void lk_page_fact_end(struct lk_page *p)
{
	lk_page_add(p, "</dd>\n");
}

static void begin_head(struct lk_page *p, const char *title)
{
	lk_page_add(
		p,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
	lk_page_text(p, title);
	lk_page_add(p, " - Latchkey</title>");
}

static void begin(struct lk_page *p, const char *title, const struct lk_vf_device *d)
{
	begin_head(p, title);
	lk_page_add(
		p,
		"<link rel=\"stylesheet\" href=\"/style.css\"><link rel=\"icon\" href=\"data:,\"></head><body>\n"
		"<a class=\"skip\" href=\"#content\">To the content</a>\n"
		"<nav aria-label=\"Pages\"><a href=\"/\">Fleet</a><a href=\"/devices\">Devices</a>"
		"<a href=\"/reports\">Reports</a>");
	if (d) {
		lk_page_add(p, "<a href=\"/devices/%s\">", d->id);
		lk_page_text(p, d->name);
		lk_page_add(p, "</a>");
	}
	lk_page_add(p, "</nav>\n<main id=\"content\" tabindex=\"-1\"><h1>");
	lk_page_text(p, title);
	lk_page_add(p, "</h1>\n");
}

void lk_page_begin(struct lk_page *p, const char *title)
{
	begin(p, title, NULL);
}

void lk_page_begin_below(struct lk_page *p, const char *title, const struct lk_vf_device *d)
{
	char whole[LK_VF_NAME_MAX + 64];

	(void)snprintf(whole, sizeof(whole), "%s: %.50s", d->name, title);
	begin(p, whole, d);
}

void lk_page_begin_alone(struct lk_page *p, const char *title)
{
	begin_head(p, title);
	lk_page_add(p, "<style>");
	put_text(p, lk_page_style, strlen(lk_page_style));
	lk_page_add(p, "</style></head><body>\n<main><h1>");
	lk_page_text(p, title);
	lk_page_add(p, "</h1>\n");
}

void lk_page_end_alone(struct lk_page *p)
{
	lk_page_add(p, "</main></body></html>\n");
}

#define SECURITY                                                                                   \
	"Content-Security-Policy: default-src 'none'; style-src 'self'; img-src data:; "           \
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"                          \
	"Referrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"

void lk_page_send(struct lk_page *p, struct lk_httpd_x *x)
{
	lk_page_end_alone(p);
	if (p->failed) {
		lk_httpd_answer_text(x, 503, "The page is too long, or memory is short.");
		return;
	}
	lk_httpd_answer(x, &(struct lk_httpd_answer){
				   .status = 200,
				   .type = "text/html; charset=utf-8",
				   .headers = SECURITY,
				   .body = { (const uint8_t *)p->data, p->len },
			   });
}

int lk_page_send_json(struct lk_httpd_x *x, const struct lk_json *json, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	LK_TRY(lk_json_write(json, &text, err));
	lk_httpd_answer(x, &(struct lk_httpd_answer){ .status = 200,
						      .type = "application/json",
						      .headers = SECURITY,
						      .body = { text.data, text.len } });
	return LK_OK;
}

void lk_page_send_file(struct lk_httpd_x *x, const char *name, const char *type,
		       struct lk_bytes bytes)
{
	char headers[512];

	/* A page that is looked at where it comes from may do no more than the others. */
	(void)snprintf(headers, sizeof(headers),
		       "Content-Disposition: attachment; filename=\"%s\"\r\n"
		       "Content-Security-Policy: default-src 'none'; sandbox\r\n",
		       name);
	lk_httpd_answer(x,
			&(struct lk_httpd_answer){
				.status = 200, .type = type, .headers = headers, .body = bytes });
}

int64_t lk_page_number(const struct lk_httpd_x *x)
{
	char page[8] = "";
	long n = 0;

	if (lk_httpd_query_get(lk_httpd_head(x)->query, "page", page, sizeof(page)))
		n = strtol(page, NULL, 10);
	return n > 0 ? n : 0;
}
