/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which events of two boots stand for one another: the same, changed, or in one boot alone. */
#ifndef LK_CORE_BOOTLOG_LOG_MATCH_H
#define LK_CORE_BOOTLOG_LOG_MATCH_H

#include "core/bootlog/event_change.h"

#define LK_MATCH_NONE	    SIZE_MAX
#define LK_MATCH_EVENTS_MAX 16384u /* of one firmware's log */

/** An event of a firmware's log, and its partner in the other. */
struct lk_log_item {
	struct lk_event event;
	enum lk_event_kind kind;
	bool note;	/* EV_NO_ACTION: nothing was extended, and it has no partner */
	bool same;	/* the partner's digest is the same */
	size_t partner; /* its place in the other list, or LK_MATCH_NONE */
	struct lk_bytes digest;
};

/**
 * lk_log_items_read - all events of a log
 * @ret: room for @cap items
 * @ret_n: how many there are, also of a log that is malformed further on
 *
 * The digest is that of the best bank that the event has.
 *
 * Return: LK_OK; LK_E_INPUT naming the place, or where there are more than @cap.
 */
int lk_log_items_read(struct lk_bytes log, struct lk_log_item *ret, size_t cap, size_t *ret_n,
		      struct lk_err *err);

/** Two lists, whose partners are set. */
struct lk_log_lists {
	struct lk_log_item *a, *b;
	size_t n_a, n_b;
};

/**
 * lk_log_match - finds partners
 *
 * PCR by PCR, the longest sequence of equal digests that both have; then, between
 * these, events of one kind in their order: such a pair was changed. Of a PCR with
 * more than 512 events that differ the rest stays without partners.
 *
 * Return: LK_OK or LK_E_SYSTEM.
 */
int lk_log_match(const struct lk_log_lists *l, struct lk_err *err);

/** An entry of the kernel's log, by its name and what it measured. */
struct lk_ima_item {
	struct lk_bytes name, digest; /* in the log */
	unsigned int number;
	bool violation;
	enum lk_ima_match {
		LK_IMA_NEW, /* the other log has nothing of this name */
		LK_IMA_SAME,
		LK_IMA_CHANGED /* that name, with other contents alone */
	} match;
};

/** Like lk_log_items_read(); @ret NULL: they are counted. */
int lk_ima_items_read(struct lk_bytes log, struct lk_ima_item *ret, size_t cap, size_t *ret_n,
		      struct lk_err *err);

/**
 * lk_ima_match - what of one log is in another, in whatever order
 *
 * The order in which a running system opens files is chance.
 *
 * Return: LK_OK or LK_E_SYSTEM.
 */
int lk_ima_match(struct lk_ima_item *items, size_t n, const struct lk_ima_item *other,
		 size_t n_other, struct lk_err *err);

#endif
