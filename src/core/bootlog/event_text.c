/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns words for events. */
#include "core/bootlog/event_text.h"

#include <string.h>

#include "core/bootlog/device_path.h"
#include "core/bootlog/efi_variable.h"
#include "core/bootlog/event_text_firmware.h"
#include "core/bootlog/event_vouch.h"

static void add_separator(const struct lk_event *event, lk_hash_fn hash, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);
	uint32_t value = lk_read_le32(&r);

	if (lk_event_is_error_separator(event, hash) || (lk_reader_done(&r) && value == 1)) {
		lk_text_add(out, "separator: the firmware had an error");
	} else if (!lk_reader_done(&r)) {
		lk_text_add(out, "separator ");
		lk_text_add_quoted_any(out, event->data);
	} else {
		lk_text_add(out, "separator: %s",
			    event->pcr == 7 ? "the Secure Boot settings end"
					    : "the firmware's own part ends");
	}
}

static void add_tagged(const struct lk_event *event, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);
	uint32_t tag = lk_read_le32(&r);
	uint32_t len = lk_read_le32(&r);
	struct lk_bytes data = { r.data, len < r.left ? len : r.left };

	if (r.failed)
		lk_text_add(out, "tagged event that is cut off");
	else if (tag == LK_TAG_INITRD)
		lk_text_add(out, "initrd, as the kernel loaded it");
	else if (tag == LK_TAG_LOAD_OPTIONS)
		lk_text_add(out, "command line, as the kernel was given it");
	else {
		lk_text_add(out, "tagged event 0x%08x: ", tag);
		lk_text_add_quoted_any(out, data);
	}
}

/* systemd-stub: for each section its name, with a NUL, and then its bytes. */
static void add_section(const struct lk_event *event, lk_hash_fn hash, struct lk_text_out *out)
{
	lk_text_add(out, "unified kernel image: %s section ",
		    lk_event_is_section_name(event, hash) ? "name of" : "bytes of");
	lk_text_add_quoted_any(out, event->data);
}

static void add_ipl(const struct lk_event *event, bool measured, lk_hash_fn hash,
		    struct lk_text_out *out)
{
	if (event->pcr == LK_PCR_KERNEL_IMAGE) {
		add_section(event, hash, out);
		return;
	}
	if (event->pcr == LK_PCR_COMMANDS)
		lk_text_add(out, "boot loader command ");
	else if (event->pcr == LK_PCR_FILES)
		lk_text_add(out, "file that the boot loader read ");
	else if (event->pcr == LK_PCR_KERNEL_CONFIG)
		lk_text_add(out, measured ? "kernel command line " : "for the kernel, called ");
	else if (event->pcr == LK_PCR_SHIM)
		lk_text_add(out, "shim's ");
	else
		lk_text_add(out, "boot loader ");
	lk_text_add_quoted_any(out, event->data);
}

/* UEFI_IMAGE_LOAD_EVENT (10.2.3). */
static void add_image(const char *what, const struct lk_event *event, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);
	uint64_t path_len;

	(void)lk_read_bytes(&r, 24); /* address, length, link-time address */
	path_len = lk_read_le64(&r);
	lk_text_add(out, "%s", what);
	if (r.failed || path_len > r.left)
		lk_text_add(out, ", whose path is cut off");
	else
		lk_device_path_text(lk_read_bytes(&r, (size_t)path_len), out);
}

/* UEFI_GPT_DATA (10.2.4): the header of the table, and how many partitions. */
static void add_gpt(const struct lk_event *event, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);
	struct lk_bytes guid;
	uint64_t n;

	(void)lk_read_bytes(&r, 56);
	guid = lk_read_bytes(&r, LK_GUID_SIZE);
	(void)lk_read_bytes(&r, 20);
	n = lk_read_le64(&r);
	if (r.failed) {
		lk_text_add(out, "partition table that is cut off");
		return;
	}
	lk_text_add(out, "partition table of disk ");
	lk_text_add_guid(out, guid.data);
	lk_text_add(out, ": %llu partitions", (unsigned long long)n);
}

static void add_variable(const struct lk_event *event, bool named, struct lk_text_out *out)
{
	struct lk_efi_variable var;
	size_t stray;

	if (!lk_efi_variable_read_any(event->data, &var, &stray)) {
		lk_text_add(out, "variable whose lengths aren't right");
		return;
	}
	lk_efi_variable_text(&var, event->type == LK_EV_EFI_VARIABLE_AUTHORITY, named, out);
	if (stray)
		lk_text_add(out, ", and %zu bytes after it that mean nothing", stray);
}

/* Nothing of such data is told: whoever changed them chose the words. */
static void add_altered(const struct lk_event *event, struct lk_text_out *out)
{
	lk_text_add(out, "%zu bytes that are NOT what was measured, so nothing of them is told",
		    event->data.len);
}

void lk_event_text(const struct lk_event *event, lk_hash_fn hash, struct lk_text_out *ret)
{
	enum lk_vouched vouched = lk_event_vouched_by_all(event, hash);

	lk_text_out_init(ret);
	if (vouched == LK_VOUCHED_ALTERED) {
		add_altered(event, ret);
		return;
	}
	switch (event->type) {
	case LK_EV_SEPARATOR:
		add_separator(event, hash, ret);
		break;
	case LK_EV_EVENT_TAG:
		add_tagged(event, ret);
		break;
	case LK_EV_IPL:
		add_ipl(event, vouched == LK_VOUCHED_ALL, hash, ret);
		break;
	case LK_EV_EFI_VARIABLE_DRIVER_CONFIG:
	case LK_EV_EFI_VARIABLE_BOOT:
	case LK_EV_EFI_VARIABLE_BOOT2:
	case LK_EV_EFI_VARIABLE_AUTHORITY:
	case LK_EV_EFI_SPDM_DEVICE_POLICY:
	case LK_EV_EFI_SPDM_DEVICE_AUTHORITY:
		add_variable(event, vouched == LK_VOUCHED_ALL, ret);
		break;
	case LK_EV_EFI_BOOT_SERVICES_APPLICATION:
		add_image("boot image", event, ret);
		break;
	case LK_EV_EFI_BOOT_SERVICES_DRIVER:
	case LK_EV_EFI_RUNTIME_SERVICES_DRIVER:
		add_image("driver", event, ret);
		break;
	case LK_EV_EFI_GPT_EVENT:
	case LK_EV_EFI_GPT_EVENT2:
		add_gpt(event, ret);
		break;
	default:
		lk_firmware_event_text(event, ret);
		break;
	}
}

void lk_ima_entry_text(const struct lk_ima_entry *entry, struct lk_text_out *ret)
{
	struct lk_bytes name = { (const uint8_t *)entry->template, strlen(entry->template) };

	lk_text_out_init(ret);
	if (entry->violation)
		lk_text_add(ret, "violation: changed while it was measured, ");
	if (!entry->name.len) {
		lk_text_add(ret, "entry of template ");
		lk_text_add_quoted(ret, name);
		return;
	}
	if (lk_ima_is_boot_aggregate(entry))
		lk_text_add(ret, "boot_aggregate: the PCRs before the kernel, in ");
	else if (entry->buffer.len)
		lk_text_add(ret, "data ");
	else
		lk_text_add(ret, "file ");
	if (lk_ima_is_boot_aggregate(entry)) {
		lk_text_add(ret, "%s", entry->alg);
		return;
	}
	lk_text_add_quoted(ret, entry->name);
	if (entry->signature.len)
		lk_text_add(ret, ", signed");
}
