/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns putting an HTML page together, in which all that isn't ours is escaped. */
#ifndef LK_VERIFIER_PAGE_H
#define LK_VERIFIER_PAGE_H

#include "server.h"

/** Grows; what can't is left out, and @failed says so. */
struct lk_page {
	char *data;
	size_t len, cap;
	bool failed;
};
#define LK_OWNED_PAGE __attribute__((cleanup(lk_page_done))) struct lk_page
void lk_page_done(struct lk_page *p);

/** Markup of ours. Strings of others go by lk_page_text() alone. */
void lk_page_add(struct lk_page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Text that nothing vouches for: markup escaped, and what isn't seen as lk_text_escape() has it. */
void lk_page_text(struct lk_page *p, const char *text);
/** The same as part of an address: percent-encoded. */
void lk_page_address(struct lk_page *p, const char *text);
/** "3 minutes ago", with the time itself behind it. */
void lk_page_time(struct lk_page *p, int64_t ms);
/** A verdict's word, with a sign of its own besides its colour. */
void lk_page_verdict(struct lk_page *p, int verdict);

/** Begins a page; lk_page_send() ends it. */
void lk_page_begin(struct lk_page *p, const char *title);
void lk_page_send(struct lk_page *p, struct lk_httpd_x *x);

/* One function a page. Return: LK_OK where it has answered; LK_E_OBJECT: there is no such
 * thing; LK_E_IO. */
int lk_page_device(struct lk_vf_server *s, struct lk_httpd_x *x, const struct lk_vf_device *d,
		   struct lk_err *err);
int lk_page_attestation(struct lk_vf_server *s, struct lk_httpd_x *x, const struct lk_vf_device *d,
			int64_t at, struct lk_err *err);
int lk_page_firmware(struct lk_vf_server *s, struct lk_httpd_x *x, const struct lk_vf_device *d,
		     struct lk_err *err);

extern const char lk_page_style[];

#endif
