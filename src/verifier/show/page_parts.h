/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the pages of logs have alike. */
#ifndef LK_VERIFIER_SHOW_PAGE_PARTS_H
#define LK_VERIFIER_SHOW_PAGE_PARTS_H

#include "verifier/device/boots.h"
#include "verifier/show/page.h"

void lk_page_event_text(const struct lk_log_item *i, struct lk_text_out *ret);
/** "EV_SEPARATOR", or "another type". */
const char *lk_page_event_type(const struct lk_event *e);
void lk_page_event_json(const struct lk_log_item *i, struct lk_json *into);
/** A table of the events that have no partner; nothing where all have one. */
void lk_page_add_missing(struct lk_page *p, const struct lk_log_item *items, size_t n,
			 const char *caption);
/** Which boot it is, and where else its log is; @log: "firmware" or "ima". */
void lk_page_add_boot(struct lk_page *p, const struct lk_page_ask *ask, int64_t since, int64_t boot,
		      int64_t reference, const char *log);
/** What ended reading a log. */
void lk_page_add_trouble(struct lk_page *p, const struct lk_err *trouble);
/** Links to the page before and after; @address has a query, and is escaped. */
void lk_page_add_turns(struct lk_page *p, const char *address, int64_t page, bool more);

#endif
