/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a change makes of a log: which events would be measured otherwise, and as what. */
#ifndef LK_CORE_PREDICT_LOG_PLAN_H
#define LK_CORE_PREDICT_LOG_PLAN_H

#include "core/bootlog/event_log.h"
#include "core/predict/uki.h"

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

/*
 * What a change does; Secure Boot's come before those of images, since they
 * decide about what accepts these. Return: LK_OK; LK_E_REFUSED when it can't be told from
 * this log, with what is missing; LK_E_INPUT; LK_E_SYSTEM. The plan is of no
 * more use after an error.
 */

/** Another unified kernel image, started as the one in the log was. */
int lk_log_plan_uki(struct lk_log_plan *plan, const struct lk_uki *uki, struct lk_err *err);
/** Another kernel, started by firmware or boot loader as an EFI image. */
int lk_log_plan_kernel(struct lk_log_plan *plan, const struct lk_pe *kernel, struct lk_err *err);
int lk_log_plan_initrd(struct lk_log_plan *plan, struct lk_bytes initrd, struct lk_err *err);
/** @text: as /proc/cmdline has it. */
int lk_log_plan_cmdline(struct lk_log_plan *plan, struct lk_bytes text, struct lk_err *err);
/** Signature lists that are appended to db; they stay the caller's. */
int lk_log_plan_db(struct lk_log_plan *plan, struct lk_bytes lists, struct lk_err *err);
/** Switched off with its keys kept. */
int lk_log_plan_secure_boot_off(struct lk_log_plan *plan, struct lk_err *err);

/* For these alone. */

/** The change of an event that there is already, or NULL. */
struct lk_plan_change *lk_log_plan_find(struct lk_log_plan *plan, unsigned int event);
/** All events of that PCR and type are gone after the change. */
int lk_log_plan_remove(struct lk_log_plan *plan, unsigned int pcr, uint32_t type, const char *what,
		       struct lk_err *err);
/** A new one; NULL in @event: extended after all of the log. */
int lk_log_plan_add(struct lk_log_plan *plan, const struct lk_event *event,
		    struct lk_plan_change **ret, struct lk_err *err);
/** The digests over parts. */
int lk_log_plan_digest(const struct lk_log_plan *plan, const struct lk_bytes *parts, size_t n,
		       struct lk_plan_change *change, struct lk_err *err);
/** What accepts this image in the place of @old: the same, or it changes too. */
int lk_log_plan_signed(struct lk_log_plan *plan, const struct lk_event *old,
		       const struct lk_pe *image, struct lk_err *err);

#endif
