/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what remember makes of this boot's event logs. */
#ifndef LK_PROVISION_VOLUME_REMEMBER_EVENTS_H
#define LK_PROVISION_VOLUME_REMEMBER_EVENTS_H

#include "core/bootlog/boot_reference.h"
#include "volume/policies.h"
#include "sys/boot/boot_logs.h"

/** The logs, read once. */
struct lk_event_memory {
	bool looked;
	struct lk_boot_logs logs;
	struct lk_err missing; /* why there are none; rc LK_OK: there are */
};
void lk_event_memory_done(struct lk_event_memory *m);
/** Those that were named by hand are there and whole, or it is LK_E_INPUT. */
int lk_remember_check_logs(struct lk_event_memory *m, const struct lk_options *opts,
			   struct lk_err *err);

/**
 * lk_remember_events - what a refusal is to be compared with
 * @opened: PCR values of the signed policy that opened a volume in this boot,
 *	without the latch's
 * @ret: LK_REFERENCE_MAX bytes
 *
 * Return: LK_OK; LK_E_REFUSED when the logs don't explain these values, or why
 * they can't be read.
 */
int lk_remember_events(struct lk_event_memory *m, const struct lk_options *opts,
		       const struct lk_pcr_values *opened, struct lk_writer *ret,
		       struct lk_err *err);

#endif
