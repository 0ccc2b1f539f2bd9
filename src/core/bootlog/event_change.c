/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns kinds of events, and words for what became of one. */
#include "core/bootlog/event_change.h"

#include <string.h>

#include "core/bootlog/efi_variable.h"
#include "core/bootlog/event_text.h"
#include "core/base/text.h"

/* For what comes after an event's own words: a digest, mostly. */
#define ROOM_AFTER (2 * LK_DIGEST_MAX + 32u)

static const char *const nouns[LK_KIND_COUNT] = {
	[LK_KIND_OTHER] = "an event",
	[LK_KIND_SEPARATOR] = "a separator",
	[LK_KIND_IMAGE] = "a boot image",
	[LK_KIND_DRIVER] = "a driver",
	[LK_KIND_AUTHORITY] = "what accepted an image",
	[LK_KIND_SECURE_BOOT] = "whether Secure Boot is on",
	[LK_KIND_PK] = "the Secure Boot platform key PK",
	[LK_KIND_KEK] = "the Secure Boot key list KEK",
	[LK_KIND_DB] = "the Secure Boot database db",
	[LK_KIND_DBX] = "the Secure Boot revocation list dbx",
	[LK_KIND_BOOT_ORDER] = "the boot order",
	[LK_KIND_BOOT_OPTION] = "a boot option",
	[LK_KIND_PARTITIONS] = "a partition table (GPT)",
	[LK_KIND_FIRMWARE] = "firmware code",
	[LK_KIND_SECTION] = "a section of the unified kernel image",
	[LK_KIND_INITRD] = "an initrd",
	[LK_KIND_CMDLINE] = "a command line",
	[LK_KIND_LOADED_FILE] = "a file that the boot loader read",
	[LK_KIND_LOADER_COMMAND] = "a boot loader command",
	[LK_KIND_AGGREGATE] = "boot_aggregate",
	[LK_KIND_MEASURED_FILE] = "a file that the kernel measured",
};

static enum lk_event_kind variable_kind(const struct lk_event *event)
{
	static const struct {
		const char *name;
		enum lk_event_kind kind;
	} known[] = {
		{ "SecureBoot", LK_KIND_SECURE_BOOT },
		{ "PK", LK_KIND_PK },
		{ "KEK", LK_KIND_KEK },
		{ "db", LK_KIND_DB },
		{ "dbx", LK_KIND_DBX },
		{ "BootOrder", LK_KIND_BOOT_ORDER },
	};
	struct lk_efi_variable var;

	if (!lk_efi_variable_read(event->data, &var))
		return LK_KIND_OTHER;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (lk_utf16_equals(var.name, known[i].name))
			return known[i].kind;
	return event->pcr == 1 && event->type != LK_EV_EFI_VARIABLE_DRIVER_CONFIG
		       ? LK_KIND_BOOT_OPTION
		       : LK_KIND_OTHER;
}

static enum lk_event_kind tag_kind(const struct lk_event *event)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);

	switch (lk_read_le32(&r)) {
	case LK_TAG_INITRD:
		return LK_KIND_INITRD;
	case LK_TAG_LOAD_OPTIONS:
		return LK_KIND_CMDLINE;
	default:
		return LK_KIND_OTHER;
	}
}

static enum lk_event_kind loader_kind(const struct lk_event *event)
{
	switch (event->pcr) {
	case LK_PCR_COMMANDS:
		return LK_KIND_LOADER_COMMAND;
	case LK_PCR_FILES:
		return LK_KIND_LOADED_FILE;
	case LK_PCR_KERNEL_IMAGE:
		return LK_KIND_SECTION;
	case LK_PCR_KERNEL_CONFIG:
		return LK_KIND_CMDLINE;
	default:
		return LK_KIND_OTHER;
	}
}

enum lk_event_kind lk_event_kind(const struct lk_event *event)
{
	switch (event->type) {
	case LK_EV_SEPARATOR:
		return LK_KIND_SEPARATOR;
	case LK_EV_EVENT_TAG:
		return tag_kind(event);
	case LK_EV_IPL:
		return loader_kind(event);
	case LK_EV_EFI_VARIABLE_AUTHORITY:
		return LK_KIND_AUTHORITY;
	case LK_EV_EFI_VARIABLE_DRIVER_CONFIG:
	case LK_EV_EFI_VARIABLE_BOOT:
	case LK_EV_EFI_VARIABLE_BOOT2:
		return variable_kind(event);
	case LK_EV_EFI_BOOT_SERVICES_APPLICATION:
		return LK_KIND_IMAGE;
	case LK_EV_EFI_BOOT_SERVICES_DRIVER:
	case LK_EV_EFI_RUNTIME_SERVICES_DRIVER:
		return LK_KIND_DRIVER;
	case LK_EV_EFI_GPT_EVENT:
		return LK_KIND_PARTITIONS;
	case LK_EV_S_CRTM_CONTENTS:
	case LK_EV_S_CRTM_VERSION:
	case LK_EV_EFI_PLATFORM_FIRMWARE_BLOB:
	case LK_EV_EFI_PLATFORM_FIRMWARE_BLOB2:
		return LK_KIND_FIRMWARE;
	default:
		return LK_KIND_OTHER;
	}
}

enum lk_event_kind lk_ima_entry_kind(const struct lk_ima_entry *entry)
{
	return lk_ima_is_boot_aggregate(entry) ? LK_KIND_AGGREGATE : LK_KIND_MEASURED_FILE;
}

static bool is_list(enum lk_event_kind kind)
{
	return kind >= LK_KIND_PK && kind <= LK_KIND_DBX;
}

/* How many of each kind; false when the list is malformed. */
static bool count_signatures(const struct lk_event *event,
			     unsigned int n[static LK_SIGNATURE_OTHER + 1])
{
	struct lk_efi_variable var;
	struct lk_efi_signatures at;
	struct lk_efi_signature sig;

	memset(n, 0, (LK_SIGNATURE_OTHER + 1) * sizeof(*n));
	if (!lk_efi_variable_read(event->data, &var))
		return false;
	lk_efi_signatures_open(var.data, &at);
	while (lk_efi_signatures_next(&at, &sig))
		n[sig.kind]++;
	return !at.rest.failed;
}

unsigned int lk_event_signatures(const struct lk_event *event, lk_hash_fn hash)
{
	unsigned int n[LK_SIGNATURE_OTHER + 1];
	size_t sum;

	if (!is_list(lk_event_kind(event)) || !count_signatures(event, n) ||
	    !lk_event_data_is_measured(event, hash))
		return LK_SIGNATURES_UNKNOWN;
	sum = (size_t)n[0] + n[1] + n[2];
	return sum < LK_SIGNATURES_UNKNOWN ? (unsigned int)sum : LK_SIGNATURES_UNKNOWN;
}

static void add_digest(const struct lk_event_change *c, struct lk_text_out *out)
{
	lk_text_add(out, ", %s ", lk_alg_name(c->bank));
	lk_text_add_hex(out, lk_event_digest(c->event, c->bank));
}

/* As many characters as there is room for. */
static void add_cut(const char *text, struct lk_text_out *out)
{
	size_t room = LK_TEXT_OUT_MAX - ROOM_AFTER - out->len;
	size_t len = strlen(text);
	size_t n = 0;

	if (out->len + ROOM_AFTER >= LK_TEXT_OUT_MAX)
		room = 0;
	while (n < len) {
		size_t more = lk_text_character((const uint8_t *)text + n, len - n);

		if (!more || n + more > room)
			break;
		n += more;
	}
	lk_text_add(out, "%.*s%s", (int)n, text, n < len ? "..." : "");
}

static void add_text(const struct lk_event_change *c, lk_hash_fn hash, const char *after,
		     struct lk_text_out *out)
{
	struct lk_text_out text;
	const char *at;

	if (c->entry)
		lk_ima_entry_text(c->entry, &text);
	else
		lk_event_text(c->event, hash, &text);
	at = after ? strstr(text.text, after) : NULL;
	add_cut(at ? at + strlen(after) : text.text, out);
}

/* "a certificate", "3 hashes", "12 entries" */
static void add_number(const struct lk_event_change *c, unsigned int by, struct lk_text_out *out)
{
	static const char *const units[][2] = {
		{ "a certificate", "certificates" },
		{ "a hash", "hashes" },
		{ "an entry", "entries" },
	};
	unsigned int n[LK_SIGNATURE_OTHER + 1];
	unsigned int unit = 2;

	(void)count_signatures(c->event, n);
	if (n[LK_SIGNATURE_CERTIFICATE] && n[1] + n[2] == 0)
		unit = 0;
	else if (n[LK_SIGNATURE_SHA256] && n[0] + n[2] == 0)
		unit = 1;
	if (by == 1)
		lk_text_add(out, "%s", units[unit][0]);
	else
		lk_text_add(out, "%u %s", by, units[unit][1]);
}

static void add_list(const struct lk_event_change *c, lk_hash_fn hash, struct lk_text_out *out)
{
	unsigned int now = lk_event_signatures(c->event, hash);

	lk_text_add(out, "%s ", nouns[c->kind]);
	if (now == LK_SIGNATURES_UNKNOWN || c->before == LK_SIGNATURES_UNKNOWN) {
		lk_text_add(out, "is another");
		return;
	}
	if (now == c->before) {
		lk_text_add(out, "is another, with as many entries");
	} else {
		lk_text_add(out, "has ");
		add_number(c, now > c->before ? now - c->before : c->before - now, out);
		lk_text_add(out, now > c->before ? " more" : " fewer");
	}
	lk_text_add(out, " (now ");
	add_text(c, hash, "\": ", out);
	lk_text_add(out, ")");
}

static void add_other(const struct lk_event_change *c, lk_hash_fn hash, struct lk_text_out *out)
{
	if (is_list(c->kind)) {
		add_list(c, hash, out);
	} else if (c->kind == LK_KIND_SECURE_BOOT) {
		add_text(c, hash, NULL, out);
		if (strstr(out->text, "Secure Boot is "))
			lk_text_add(out, ", and was %s", strstr(out->text, "is on") ? "off" : "on");
	} else if (c->kind == LK_KIND_IMAGE || c->kind == LK_KIND_DRIVER) {
		const char *what = c->kind == LK_KIND_IMAGE ? "boot image" : "driver";

		lk_text_add(out, "another %s", what);
		add_digest(c, out);
		add_text(c, hash, what, out);
	} else if (c->kind == LK_KIND_INITRD) {
		lk_text_add(out, "another initrd");
		add_digest(c, out);
	} else if (c->kind == LK_KIND_CMDLINE) {
		lk_text_add(out, "another command line");
		if (c->event->type == LK_EV_IPL)
			add_text(c, hash, "command line", out);
	} else {
		lk_text_add(out, "changed: ");
		add_text(c, hash, NULL, out);
	}
}

void lk_event_change_text(const struct lk_event_change *c, lk_hash_fn hash, struct lk_text_out *ret)
{
	lk_text_out_init(ret);
	if (c->change == LK_CHANGE_MISSING || (!c->event && !c->entry)) {
		if (c->n > 1)
			lk_text_add(ret, "%u events are missing, the first: ", c->n);
		else
			lk_text_add(ret, "missing: ");
		lk_text_add(ret, "%s", nouns[c->kind]);
		return;
	}
	if (c->change == LK_CHANGE_OTHER && c->event) {
		add_other(c, hash, ret);
		return;
	}
	if (c->change == LK_CHANGE_OTHER)
		lk_text_add(ret, "changed: ");
	else if (c->n > 1)
		lk_text_add(ret, "%u events are new, the first: ", c->n);
	else
		lk_text_add(ret, "new: ");
	add_text(c, hash, NULL, ret);
	if (c->event && (c->kind == LK_KIND_IMAGE || c->kind == LK_KIND_DRIVER))
		add_digest(c, ret);
}
