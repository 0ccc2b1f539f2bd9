/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns words for what firmware logs of itself: notes, versions, its code and its actions. */
#ifndef LK_CORE_BOOTLOG_EVENT_TEXT_FIRMWARE_H
#define LK_CORE_BOOTLOG_EVENT_TEXT_FIRMWARE_H

#include "core/bootlog/event_log.h"
#include "core/base/text_out.h"

/** Of any type that lk_event_text() has no words for. */
void lk_firmware_event_text(const struct lk_event *event, struct lk_text_out *out);

#endif
