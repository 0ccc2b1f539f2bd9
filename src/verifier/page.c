/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the look of the pages, and the escaping of all that stands in them. */
#include "page.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "verifier.h"

#define PAGE_MAX (8u * 1024u * 1024u)

void lk_page_done(struct lk_page *p)
{
	free(p->data);
}

static void put(struct lk_page *p, const char *text, size_t len)
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
		put(p, text, (size_t)n);
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

void lk_page_text(struct lk_page *p, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		char shown[LK_TEXT_ESCAPED_MAX];
		size_t n = lk_text_escape((const uint8_t *)text, left, shown);
		const char *e = n == 1 ? entity(*text) : NULL;

		put(p, e ? e : shown, strlen(e ? e : shown));
		text += n;
		left -= n;
	}
}

void lk_page_address(struct lk_page *p, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    c == '-' || c == '_' || c == '.')
			put(p, text, 1);
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

/* Contrast of text is at least 4.5:1 in both. */
const char lk_page_style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1a1a1a;--dim:#595959;--line:#d0d0d0;--link:#0b4f9e;"
	"--good:#146c2e;--unsure:#7a4b00;--bad:#a8071a;--card:#f5f5f5}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#151515;--fg:#ececec;--dim:#a8a8a8;--line:#3c3c3c;"
	"--link:#8ab8f5;--good:#6fd58a;--unsure:#f0b95a;--bad:#ff8a8a;--card:#202020}}\n"
	"*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--bg);"
	"color:var(--fg);font:16px/1.5 system-ui,sans-serif}\n"
	"a{color:var(--link)}a:focus-visible,input:focus-visible,select:focus-visible,button:focus-visible"
	"{outline:3px solid var(--link);outline-offset:2px}\n"
	"nav{display:flex;gap:1rem;border-bottom:1px solid var(--line);padding-bottom:.5rem;flex-wrap:wrap}\n"
	"h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem}\n"
	".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.75rem;padding:0;list-style:none}\n"
	".cards li{background:var(--card);padding:.75rem;border-radius:.4rem}.cards b{display:block;font-size:1.8rem}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--dim)}\n"
	"th,td{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;"
	"overflow-wrap:anywhere}\n"
	".good{color:var(--good)}.unsure{color:var(--unsure)}.bad{color:var(--bad)}.none,.dim{color:var(--dim)}\n"
	".verdict{font-weight:600;white-space:nowrap}code{font-size:.85rem;overflow-wrap:anywhere}\n"
	"form{display:flex;gap:.5rem;flex-wrap:wrap;align-items:end;margin:1rem 0}label{display:block}\n"
	"input,select,button{font:inherit;padding:.35rem;background:var(--bg);color:var(--fg);border:1px solid var(--dim)}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\n"
	"svg .g{fill:var(--good)}svg .u{fill:var(--unsure)}svg .b{fill:var(--bad)}svg text{fill:var(--dim);font-size:12px}\n"
	"@media(max-width:40rem){dl{grid-template-columns:1fr}.optional{display:none}}\n";

void lk_page_begin(struct lk_page *p, const char *title)
{
	lk_page_add(
		p,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
		"<link rel=\"stylesheet\" href=\"/style.css\"><link rel=\"icon\" href=\"data:,\"><title>");
	lk_page_text(p, title);
	lk_page_add(
		p,
		" - Latchkey</title></head><body>\n<nav aria-label=\"Pages\"><a href=\"/\">Fleet</a>"
		"<a href=\"/devices\">Devices</a></nav>\n<main><h1>");
	lk_page_text(p, title);
	lk_page_add(p, "</h1>\n");
}

#define SECURITY                                                                                   \
	"Content-Security-Policy: default-src 'none'; style-src 'self'; img-src data:; "           \
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"                          \
	"Referrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"

void lk_page_send(struct lk_page *p, struct lk_httpd_x *x)
{
	lk_page_add(p, "</main></body></html>\n");
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
