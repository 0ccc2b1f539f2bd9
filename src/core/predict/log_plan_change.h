/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the list of events that a plan changes; what a plan is. */
#ifndef LK_CORE_PREDICT_LOG_PLAN_CHANGE_H
#define LK_CORE_PREDICT_LOG_PLAN_CHANGE_H

#include "core/bootlog/event_log.h"

#define LK_PLAN_CHANGES_MAX 128u
#define LK_PLAN_BANKS	    2u /* SHA-256, SHA-384 */

/** An event of the log that is measured otherwise, or not at all. */
struct lk_plan_change {
	unsigned int event; /* its number; 0: it is new */
	unsigned int after; /* a new one: behind that event; 0: after them all */
	uint32_t pcr;
	bool removed;
	struct lk_digest digest[LK_PLAN_BANKS];
	const char *what;	  /* in words */
	struct lk_bytes variable; /* its data then; data NULL: no variable */
};

struct lk_log_plan {
	struct lk_bytes log;
	lk_hash_fn hash;
	struct lk_plan_change changes[LK_PLAN_CHANGES_MAX];
	size_t n;
	bool boot_files; /* image, kernel, initrd or command line is another */
	bool kernel;	 /* that among them */
	bool tells_ima;	 /* a command line with parameters for IMA */
	bool secure_boot_off;
	bool needs_uki;		 /* its kernel would be measured too, and isn't known */
	struct lk_bytes db_more; /* signature lists that db gets */
	struct lk_bytes db_now;	 /* all of it; data NULL: as in the log */
	struct lk_bytes dbx_now;
};

void lk_log_plan_init(struct lk_log_plan *plan, struct lk_bytes log, lk_hash_fn hash);

/** "can't be predicted: @what"; LK_E_REFUSED. */
int lk_log_plan_refuse(struct lk_err *err, const char *what);
/** The change of an event that there is already, or NULL. */
const struct lk_plan_change *lk_log_plan_find(const struct lk_log_plan *plan, unsigned int event);

/* Of the files log_plan_*.c, which put plans together. */

/** All events of that PCR and type are gone after the change. */
int lk_log_plan_remove(struct lk_log_plan *plan, unsigned int pcr, uint32_t type, const char *what,
		       struct lk_err *err);
/** A new one; NULL in @event: extended after all of the log. */
int lk_log_plan_add(struct lk_log_plan *plan, const struct lk_event *event,
		    struct lk_plan_change **ret, struct lk_err *err);
/** The digests over parts. */
int lk_log_plan_digest(const struct lk_log_plan *plan, const struct lk_bytes *parts, size_t n,
		       struct lk_plan_change *change, struct lk_err *err);

#endif
