/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an event is, in words that a person can act on. */
#ifndef LK_CORE_BOOTLOG_EVENT_TEXT_H
#define LK_CORE_BOOTLOG_EVENT_TEXT_H

#include "core/bootlog/event_log.h"
#include "core/bootlog/ima_log.h"
#include "core/base/text_out.h"

/**
 * lk_event_text - words for an event
 *
 * They are what the event's data say; lk_event_vouched_by_all() tells whether
 * the digest vouches for them. Of data that aren't what was measured, though
 * events of that type measure theirs, nothing is told but that.
 */
void lk_event_text(const struct lk_event *event, lk_hash_fn hash, struct lk_text_out *ret);

void lk_ima_entry_text(const struct lk_ima_entry *entry, struct lk_text_out *ret);

#endif
