/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which of an event's words its digest vouches for: what each type's digest covers, by specification and by habit. */
#ifndef LK_CORE_BOOTLOG_EVENT_VOUCH_H
#define LK_CORE_BOOTLOG_EVENT_VOUCH_H

#include "core/bootlog/event_log.h"

/** From the worst to the best. */
enum lk_vouched {
	/* The digest of an event of this type is of its data, and here it is of
	 * something else: the data were changed, or never measured. */
	LK_VOUCHED_ALTERED,
	/* The digest is of what the data only tell of, such as an image; or there is none. */
	LK_VOUCHED_NOT,
	/* It is of a value alone, a variable's or a text's: the name before it isn't measured. */
	LK_VOUCHED_VALUE,
	LK_VOUCHED_ALL,
};

/**
 * lk_event_vouched - what the digest of one bank covers
 * @bank: LK_ALG_SHA1 too
 *
 * (PC Client Platform Firmware Profile 1.06, 10.4.1, by type.) A separator, an
 * action, a version, a partition table and a variable are measured themselves;
 * a variable whole or by its value alone, an old shim's with bytes of chance
 * behind it; a boot loader's text without its NUL or the word before it. An event type itself
 * is never measured, and a PCR's value proves the digests alone.
 *
 * Return: LK_VOUCHED_NOT where a hash failed.
 */
enum lk_vouched lk_event_vouched(const struct lk_event *event, enum lk_alg bank, lk_hash_fn hash);

/** The worst of all banks of ours that the event has; of SHA-1 where it has none of these. */
enum lk_vouched lk_event_vouched_by_all(const struct lk_event *event, lk_hash_fn hash);

/**
 * A separator that stands for an error: its digest is of 1, whatever its data
 * are (10.4.1, EV_SEPARATOR). Of each bank that there is.
 */
bool lk_event_is_error_separator(const struct lk_event *event, lk_hash_fn hash);

/** A section's name, with its NUL, measured by systemd-stub; else its bytes were. */
bool lk_event_is_section_name(const struct lk_event *event, lk_hash_fn hash);

#endif
