/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns putting an HTML page together, in which all that isn't ours is escaped. */
#ifndef LK_VERIFIER_SHOW_PAGE_H
#define LK_VERIFIER_SHOW_PAGE_H

#include "verifier/serve/server.h"
#include "sys/format/json.h"

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
/** The same of bytes. */
void lk_page_bytes(struct lk_page *p, struct lk_bytes text);
void lk_page_hex(struct lk_page *p, struct lk_bytes bytes);
/** The same as part of an address: percent-encoded. */
void lk_page_address(struct lk_page *p, const char *text);
/** "3 minutes ago", with the time itself behind it. */
void lk_page_time(struct lk_page *p, int64_t ms);
/** A verdict's word, with a sign of its own besides its colour. */
void lk_page_verdict(struct lk_page *p, int verdict);

/**
 * lk_page_table - begins a table that has the page's width, or is moved sideways in itself
 * @columns: their heads, NULL at the end; one that begins with "-" isn't for narrow screens,
 *	and its cells have the class "optional"
 */
void lk_page_table(struct lk_page *p, const char *caption, const char *const *columns);
void lk_page_table_end(struct lk_page *p);
/** A fact of a list: a heading, and what comes until lk_page_fact_end(). */
void lk_page_fact(struct lk_page *p, const char *what);
void lk_page_fact_end(struct lk_page *p);

/** Begins a page; lk_page_send() ends it. */
void lk_page_begin(struct lk_page *p, const char *title);
/** The same, below a device's page. */
void lk_page_begin_below(struct lk_page *p, const char *title, const struct lk_vf_device *d);
void lk_page_send(struct lk_page *p, struct lk_httpd_x *x);
/** A page that stands alone, its style within: for lk_page_end_alone(). */
void lk_page_begin_alone(struct lk_page *p, const char *title);
void lk_page_end_alone(struct lk_page *p);

/* What else an answer may be. */
int lk_page_send_json(struct lk_httpd_x *x, const struct lk_json *json, struct lk_err *err);
/** A file to keep; @name is of ours, letters, digits and - _ . alone. */
void lk_page_send_file(struct lk_httpd_x *x, const char *name, const char *type,
		       struct lk_bytes bytes);

/** A page of a list that is too long for one, as "page" of the query, from 0. */
int64_t lk_page_number(const struct lk_httpd_x *x);

/** What one page is asked for. */
struct lk_page_ask {
	struct lk_vf_server *s;
	struct lk_httpd_x *x;
	const struct lk_vf_device *d; /* NULL: of the fleet */
	bool json;
};

/* One function a page. Return: LK_OK where it has answered; LK_E_OBJECT: there is no such
 * thing; LK_E_IO; LK_E_SYSTEM. */
int lk_page_fleet(const struct lk_page_ask *ask, struct lk_err *err);
int lk_page_devices(const struct lk_page_ask *ask, struct lk_err *err);
int lk_page_metrics(const struct lk_page_ask *ask, struct lk_err *err);
int lk_page_device(const struct lk_page_ask *ask, struct lk_err *err);
int lk_page_attestation(const struct lk_page_ask *ask, int64_t at, struct lk_err *err);
/** @what: "quote" or "signature", as the TPM has made it. */
int lk_page_attestation_raw(const struct lk_page_ask *ask, int64_t at, const char *what,
			    struct lk_err *err);
/* @since: of the boot; 0: that of now. */
int lk_page_firmware(const struct lk_page_ask *ask, int64_t since, struct lk_err *err);
int lk_page_ima(const struct lk_page_ask *ask, int64_t since, struct lk_err *err);
/** @what: "firmware.bin", "ima.bin" or "measurements.bin". */
int lk_page_log_raw(const struct lk_page_ask *ask, int64_t since, const char *what,
		    struct lk_err *err);
/** Of the boots "from" and "to" of the query; without them the last two. */
int lk_page_difference(const struct lk_page_ask *ask, struct lk_err *err);
int lk_page_reports(const struct lk_page_ask *ask, struct lk_err *err);
/** @how: "json", "jwt" or "html"; of one device, or of the fleet. */
int lk_page_report(const struct lk_page_ask *ask, const char *how, struct lk_err *err);

/** Parts that several pages have. */
void lk_page_add_reasons(struct lk_page *p, const struct lk_json *reasons);
/** The identity and certificates of a device, of its record. */
int lk_page_add_identity(struct lk_page *p, struct lk_store *s, const struct lk_vf_device *d,
			 struct lk_err *err);
/** Before this time a device was last seen that is overdue. */
int64_t lk_page_overdue_before(const struct lk_vf_server *s);

extern const char lk_page_style[];

#endif
