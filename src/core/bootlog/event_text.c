/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns words for events. */
#include "core/bootlog/event_text.h"

#include <string.h>

#include "core/bootlog/device_path.h"
#include "core/bootlog/efi_variable.h"

const char *lk_event_type_name(uint32_t type)
{
	static const char *const bios[] = { "EV_PREBOOT_CERT",
					    "EV_POST_CODE",
					    "EV_UNUSED",
					    "EV_NO_ACTION",
					    "EV_SEPARATOR",
					    "EV_ACTION",
					    "EV_EVENT_TAG",
					    "EV_S_CRTM_CONTENTS",
					    "EV_S_CRTM_VERSION",
					    "EV_CPU_MICROCODE",
					    "EV_PLATFORM_CONFIG_FLAGS",
					    "EV_TABLE_OF_DEVICES",
					    "EV_COMPACT_HASH",
					    "EV_IPL",
					    "EV_IPL_PARTITION_DATA",
					    "EV_NONHOST_CODE",
					    "EV_NONHOST_CONFIG",
					    "EV_NONHOST_INFO",
					    "EV_OMIT_BOOT_DEVICE_EVENTS",
					    "EV_POST_CODE2" };
	static const char *const efi[] = {
		[0x01] = "EV_EFI_VARIABLE_DRIVER_CONFIG",
		[0x02] = "EV_EFI_VARIABLE_BOOT",
		[0x03] = "EV_EFI_BOOT_SERVICES_APPLICATION",
		[0x04] = "EV_EFI_BOOT_SERVICES_DRIVER",
		[0x05] = "EV_EFI_RUNTIME_SERVICES_DRIVER",
		[0x06] = "EV_EFI_GPT_EVENT",
		[0x07] = "EV_EFI_ACTION",
		[0x08] = "EV_EFI_PLATFORM_FIRMWARE_BLOB",
		[0x09] = "EV_EFI_HANDOFF_TABLES",
		[0x0a] = "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
		[0x0b] = "EV_EFI_HANDOFF_TABLES2",
		[0x0c] = "EV_EFI_VARIABLE_BOOT2",
		[0x0d] = "EV_EFI_GPT_EVENT2",
		[0x10] = "EV_EFI_HCRTM_EVENT",
		[0xe0] = "EV_EFI_VARIABLE_AUTHORITY",
		[0xe1] = "EV_EFI_SPDM_FIRMWARE_BLOB",
		[0xe2] = "EV_EFI_SPDM_FIRMWARE_CONFIG",
		[0xe3] = "EV_EFI_SPDM_DEVICE_POLICY",
		[0xe4] = "EV_EFI_SPDM_DEVICE_AUTHORITY",
	};
	const uint32_t base = 0x80000000;

	if (type < sizeof(bios) / sizeof(bios[0]))
		return bios[type];
	if (type >= base && type - base < sizeof(efi) / sizeof(efi[0]))
		return efi[type - base];
	return NULL;
}

static void add_no_action(const struct lk_event *event, struct lk_text_out *out)
{
	struct lk_bytes signature = { event->data.data,
				      event->data.len < 16 ? event->data.len : 16 };
	uint8_t locality;

	if (lk_event_startup_locality(event, &locality)) {
		lk_text_add(out, "the TPM was started at locality %u", locality);
		return;
	}
	lk_text_add(out, "note, not measured: ");
	lk_text_add_quoted(out, signature);
}

static void add_separator(const struct lk_event *event, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);
	uint32_t value = lk_read_le32(&r);

	if (!lk_reader_done(&r)) {
		lk_text_add(out, "separator ");
		lk_text_add_quoted(out, event->data);
	} else if (value == 1) {
		lk_text_add(out, "separator: the firmware had an error");
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
	char name[16] = "";
	size_t n = 0;
	struct lk_bytes with_nul = { (const uint8_t *)name, 0 };
	struct lk_event as_name = *event;

	while (n < sizeof(name) - 1 && 2 * n + 1 < event->data.len && event->data.data[2 * n]) {
		name[n] = (char)event->data.data[2 * n];
		n++;
	}
	with_nul.len = n + 1;
	as_name.data = with_nul;
	lk_text_add(out, "unified kernel image: %s section ",
		    lk_event_data_is_measured(&as_name, hash) ? "name of" : "bytes of");
	lk_text_add_quoted_any(out, event->data);
}

static void add_ipl(const struct lk_event *event, lk_hash_fn hash, struct lk_text_out *out)
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
		lk_text_add(out, "kernel command line ");
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

static void add_blob(const struct lk_event *event, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);
	uint64_t base, size;

	lk_text_add(out, "firmware code ");
	if (event->type == LK_EV_EFI_PLATFORM_FIRMWARE_BLOB2) {
		lk_text_add_quoted(out, lk_read_bytes(&r, lk_read_u8(&r)));
		lk_text_add(out, " ");
	}
	base = lk_read_le64(&r);
	size = lk_read_le64(&r);
	if (r.failed)
		lk_text_add(out, "at a place that is cut off");
	else
		lk_text_add(out, "at 0x%llx, %llu bytes", (unsigned long long)base,
			    (unsigned long long)size);
}

static void add_variable(const struct lk_event *event, struct lk_text_out *out)
{
	struct lk_efi_variable var;

	if (lk_efi_variable_read(event->data, &var))
		lk_efi_variable_text(&var, event->type == LK_EV_EFI_VARIABLE_AUTHORITY, out);
	else
		lk_text_add(out, "variable whose lengths aren't right");
}

static void add_other(const struct lk_event *event, struct lk_text_out *out)
{
	const char *name = lk_event_type_name(event->type);

	lk_text_add(out, "%s, %zu bytes", name ? name : "unknown event", event->data.len);
}

static void add_firmware(const struct lk_event *event, struct lk_text_out *out)
{
	switch (event->type) {
	case LK_EV_ACTION:
	case LK_EV_EFI_ACTION:
		lk_text_add(out, "the firmware says ");
		lk_text_add_quoted(out, event->data);
		break;
	case LK_EV_S_CRTM_CONTENTS:
		lk_text_add(out, "the firmware's first code");
		break;
	case LK_EV_S_CRTM_VERSION:
		lk_text_add(out, "firmware version ");
		lk_text_add_quoted_any(out, event->data);
		break;
	case LK_EV_EFI_PLATFORM_FIRMWARE_BLOB:
	case LK_EV_EFI_PLATFORM_FIRMWARE_BLOB2:
		add_blob(event, out);
		break;
	case LK_EV_EFI_HANDOFF_TABLES:
	case LK_EV_EFI_HANDOFF_TABLES2:
		lk_text_add(out, "tables that the firmware hands over");
		break;
	case LK_EV_EFI_GPT_EVENT:
		add_gpt(event, out);
		break;
	default:
		add_other(event, out);
		break;
	}
}

void lk_event_text(const struct lk_event *event, lk_hash_fn hash, struct lk_text_out *ret)
{
	lk_text_out_init(ret);
	switch (event->type) {
	case LK_EV_NO_ACTION:
		add_no_action(event, ret);
		break;
	case LK_EV_SEPARATOR:
		add_separator(event, ret);
		break;
	case LK_EV_EVENT_TAG:
		add_tagged(event, ret);
		break;
	case LK_EV_IPL:
		add_ipl(event, hash, ret);
		break;
	case LK_EV_EFI_VARIABLE_DRIVER_CONFIG:
	case LK_EV_EFI_VARIABLE_BOOT:
	case LK_EV_EFI_VARIABLE_BOOT2:
	case LK_EV_EFI_VARIABLE_AUTHORITY:
		add_variable(event, ret);
		break;
	case LK_EV_EFI_BOOT_SERVICES_APPLICATION:
		add_image("boot image", event, ret);
		break;
	case LK_EV_EFI_BOOT_SERVICES_DRIVER:
	case LK_EV_EFI_RUNTIME_SERVICES_DRIVER:
		add_image("driver", event, ret);
		break;
	default:
		add_firmware(event, ret);
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
