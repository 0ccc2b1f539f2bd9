/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what kind of thing an event is of, and in words what became of one between two boots. */
#ifndef LK_CORE_BOOTLOG_EVENT_CHANGE_H
#define LK_CORE_BOOTLOG_EVENT_CHANGE_H

#include "core/bootlog/event_log.h"
#include "core/bootlog/ima_log.h"
#include "core/base/text_out.h"

/** These numbers lie on disks (boot_reference.h): only add. */
enum lk_event_kind {
	LK_KIND_OTHER,
	LK_KIND_SEPARATOR,
	LK_KIND_IMAGE,
	LK_KIND_DRIVER,
	LK_KIND_AUTHORITY, /* what accepted an image */
	LK_KIND_SECURE_BOOT,
	LK_KIND_PK,
	LK_KIND_KEK,
	LK_KIND_DB,
	LK_KIND_DBX,
	LK_KIND_BOOT_ORDER,
	LK_KIND_BOOT_OPTION,
	LK_KIND_PARTITIONS,
	LK_KIND_FIRMWARE,
	LK_KIND_SECTION, /* of a unified kernel image */
	LK_KIND_INITRD,
	LK_KIND_CMDLINE,
	LK_KIND_LOADED_FILE,
	LK_KIND_LOADER_COMMAND,
	LK_KIND_AGGREGATE, /* the first entry of the kernel's log */
	LK_KIND_MEASURED_FILE,
	LK_KIND_COUNT
};

enum lk_event_kind lk_event_kind(const struct lk_event *event);
enum lk_event_kind lk_ima_entry_kind(const struct lk_ima_entry *entry);

/** Certificates and hashes of a list such as db; UNKNOWN for what is no such
 * list, or is one that nothing vouches for. */
#define LK_SIGNATURES_UNKNOWN 0xffffu
unsigned int lk_event_signatures(const struct lk_event *event, lk_hash_fn hash);

enum lk_change { LK_CHANGE_OTHER, LK_CHANGE_NEW, LK_CHANGE_MISSING };

struct lk_event_change {
	enum lk_change change;
	enum lk_event_kind kind; /* of the event that is there, or is missing */
	unsigned int n;		 /* events in a row that are new, or missing */
	unsigned int before;	 /* what lk_event_signatures was */
	/* As it is now, in either log; both NULL where it is missing. */
	const struct lk_event *event;
	const struct lk_ima_entry *entry;
	enum lk_alg bank; /* whose digest is shown */
};

/**
 * lk_event_change_text - "another boot image, sha256 ... "\EFI\BOOT\BOOTX64.EFI""
 *
 * What comes from the logs is bounded, and fit for a terminal.
 */
void lk_event_change_text(const struct lk_event_change *c, lk_hash_fn hash,
			  struct lk_text_out *ret);

#endif
