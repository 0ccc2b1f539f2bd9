/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns names of event types, as the specification of the firmware's log has them. */
#ifndef LK_CORE_BOOTLOG_EVENT_TYPE_H
#define LK_CORE_BOOTLOG_EVENT_TYPE_H

#include <stdint.h>

/** "EV_EFI_GPT_EVENT"; NULL for a type that isn't known. */
const char *lk_event_type_name(uint32_t type);

#endif
