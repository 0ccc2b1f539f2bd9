/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the events of the last good boot in few bytes, to tell a later one's from. Nothing in it is trusted: a lie costs a wrong word. */
#ifndef LK_CORE_BOOTLOG_BOOT_REFERENCE_H
#define LK_CORE_BOOTLOG_BOOT_REFERENCE_H

#include "core/bootlog/event_change.h"
#include "core/bootlog/log_explain.h"

#define LK_REFERENCE_EVENTS_MAX	    256u
#define LK_REFERENCE_PCR_EVENTS_MAX 96u /* no PCR crowds out the others */
#define LK_REFERENCE_DIGEST	    4u	/* bytes of each */

/** A boot's logs, and what they come to. */
struct lk_boot_view {
	struct lk_logs logs;
	struct lk_explanation explained;
	lk_hash_fn hash;
};

/** One event, of either log, as little of it as tells it from another. */
struct lk_boot_event {
	unsigned int number; /* in its log, from 1; 0 in a reference */
	bool ima;	     /* which log; unset in a reference */
	uint8_t kind;	     /* enum lk_event_kind */
	uint16_t signatures; /* lk_event_signatures */
	uint8_t digest[LK_REFERENCE_DIGEST];
};

/** Those of one PCR, in order; of more than fit the first. */
#define LK_PCR_EVENTS_MAX 512u
struct lk_pcr_events {
	size_t n;
	bool more;
	struct lk_boot_event event[LK_PCR_EVENTS_MAX];
	struct lk_digest digest[LK_PCR_EVENTS_MAX]; /* all of each */
};

/**
 * lk_pcr_events_read - events of one PCR; of the kernel's log as far as the
 *	explanation goes, or all where it doesn't reach the value
 *
 * Return: LK_OK, LK_E_INPUT or LK_E_SYSTEM.
 */
int lk_pcr_events_read(const struct lk_boot_view *view, unsigned int pcr, struct lk_pcr_events *ret,
		       struct lk_err *err);

struct lk_reference_pcr {
	bool present;
	bool more;			    /* there were more events than those here */
	uint8_t value[LK_REFERENCE_DIGEST]; /* that the PCR had */
	size_t first;
	size_t n;
};

struct lk_boot_reference {
	struct lk_reference_pcr pcr[LK_PCR_COUNT];
	size_t n;
	struct lk_boot_event event[LK_REFERENCE_EVENTS_MAX];
};

/*
 * As bytes: a version (1); then for each PCR, ascending, its number (with 0x80:
 * more events than those here), its value's first 4 bytes, how many events (2
 * bytes, big-endian), and for each its kind (1), its signatures (2) and the
 * first 4 bytes of its digest.
 */
#define LK_REFERENCE_MAX                                                                           \
	(1u + LK_PCR_COUNT * (3u + LK_REFERENCE_DIGEST) +                                          \
	 LK_REFERENCE_EVENTS_MAX * (3u + LK_REFERENCE_DIGEST))

/**
 * lk_boot_reference_make - of a boot whose log explains the values
 * @opened: PCR values of the signed policy that opened the volume, without the
 *	latch's; @view is explained by these
 * @ret: at least LK_REFERENCE_MAX bytes free
 *
 * PCRs 0 to 9 are part of it too where boot_aggregate vouches for them.
 *
 * Return: LK_OK, LK_E_REFUSED naming a PCR that the logs don't explain,
 * LK_E_INPUT or LK_E_SYSTEM.
 */
int lk_boot_reference_make(const struct lk_boot_view *view, const struct lk_pcr_values *opened,
			   struct lk_writer *ret, struct lk_err *err);

/** False for bytes that are none; @ret is untouched then. */
bool lk_boot_reference_parse(struct lk_bytes bytes, struct lk_boot_reference *ret);

#endif
