/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an event is, in words that a person can act on. */
#ifndef LK_CORE_BOOTLOG_EVENT_TEXT_H
#define LK_CORE_BOOTLOG_EVENT_TEXT_H

#include "core/bootlog/event_log.h"
#include "core/bootlog/ima_log.h"
#include "core/base/text_out.h"

/** "EV_EFI_GPT_EVENT"; NULL for a type that isn't known. */
const char *lk_event_type_name(uint32_t type);

/**
 * lk_event_text - words for an event
 *
 * They are what the event's data say, which nothing vouches for unless it is
 * what was measured (lk_event_data_is_measured).
 */
void lk_event_text(const struct lk_event *event, lk_hash_fn hash, struct lk_text_out *ret);

void lk_ima_entry_text(const struct lk_ima_entry *entry, struct lk_text_out *ret);

#endif
