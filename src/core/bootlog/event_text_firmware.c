/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns words for what firmware logs of itself. */
#include "core/bootlog/event_text_firmware.h"

#include <string.h>

#include "core/bootlog/event_type.h"
#include "core/base/text.h"

#define SIGNATURE_SIZE 16u
#define BLOB_SIZE      16u /* UEFI_PLATFORM_FIRMWARE_BLOB: base and length */

/* Of at most eight algorithms, as many as there is room for in a line. */
static void add_algorithms(struct lk_reader *r, struct lk_text_out *out)
{
	uint32_t n = lk_read_le32(r);

	lk_text_add(out, ", digests of");
	for (uint32_t i = 0; i < n && i < 8 && !r->failed; i++) {
		uint16_t id = lk_read_le16(r);
		uint16_t size = lk_read_le16(r);
		const char *name = lk_event_alg_name(id);

		if (r->failed)
			break;
		if (name)
			lk_text_add(out, " %s", name);
		else
			lk_text_add(out, " 0x%04x (%u bytes)", id, size);
	}
}

static void add_vendor(struct lk_reader *r, struct lk_text_out *out)
{
	struct lk_bytes vendor = lk_read_bytes(r, lk_read_u8(r));

	if (r->failed || !vendor.len)
		return;
	lk_text_add(out, ", the vendor's ");
	lk_text_add_quoted_any(out, vendor);
}

/* TCG_EfiSpecIDEventStruct (PFP 10.4.5.1), and as TPM 1.2 and the BIOS had it. */
static void add_spec_id(const struct lk_event *event, struct lk_text_out *out)
{
	static const char *const widths[] = { "", ", 32 bits", ", 64 bits" };
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);
	bool with_algorithms = event->data.data[SIGNATURE_SIZE - 2] == '3';
	uint32_t platform;
	unsigned int minor, major, errata, width;

	(void)lk_read_bytes(&r, SIGNATURE_SIZE);
	platform = lk_read_le32(&r);
	minor = lk_read_u8(&r);
	major = lk_read_u8(&r);
	errata = lk_read_u8(&r);
	width = lk_read_u8(&r);
	if (r.failed) {
		lk_text_add(out, ", which is cut off");
		return;
	}
	lk_text_add(out, ", specification %u.%u errata %u, %s%s", major, minor, errata,
		    platform == 0   ? "a client"
		    : platform == 1 ? "a server"
				    : "a platform of another class",
		    width < 3 ? widths[width] : "");
	if (with_algorithms)
		add_algorithms(&r, out);
	add_vendor(&r, out);
}

static void add_no_action(const struct lk_event *event, struct lk_text_out *out)
{
	static const char spec_id[] = "Spec ID Event0";
	struct lk_bytes signature = event->data;
	uint8_t locality;

	if (lk_event_startup_locality(event, &locality)) {
		lk_text_add(out, "the TPM was started at locality %u%s", locality,
			    locality == 4 ? ", by hardware that measures first (H-CRTM)" : "");
		return;
	}
	if (signature.len > SIGNATURE_SIZE)
		signature.len = SIGNATURE_SIZE;
	lk_text_add(out, "note, not measured: ");
	lk_text_add_quoted_any(out, signature);
	if (event->data.len >= SIGNATURE_SIZE &&
	    !memcmp(event->data.data, spec_id, sizeof(spec_id) - 1))
		add_spec_id(event, out);
	else if (event->data.len > SIGNATURE_SIZE)
		lk_text_add(out, ", and %zu bytes", event->data.len - SIGNATURE_SIZE);
}

/* Nothing but what can be seen, and perhaps NULs at its end. */
static bool is_readable(struct lk_bytes data)
{
	while (data.len && !data.data[data.len - 1])
		data.len--;
	for (size_t i = 0, n; i < data.len; i += n) {
		uint32_t c;

		n = lk_text_decode(data.data + i, data.len - i, &c);
		if (!n || !lk_text_is_shown(c))
			return false;
	}
	return true;
}

/* Ends in its NUL, or is letters of which the upper halves are all zero. */
static bool is_wide_text(struct lk_bytes data)
{
	bool zeros = data.len > 2;

	if (lk_text_kind(data) != LK_TEXT_UTF16)
		return false;
	for (size_t i = 1; i < data.len && zeros; i += 2)
		zeros = !data.data[i];
	return zeros || (data.len % 2 == 0 && !data.data[data.len - 1] && !data.data[data.len - 2]);
}

/* A text in UTF-16, by the specification; a GUID; or what a vendor takes. */
static void add_version(const struct lk_event *event, struct lk_text_out *out)
{
	struct lk_bytes data = event->data;
	struct lk_bytes begin = { data.data, data.len < 64 ? data.len : 64 };

	lk_text_add(out, "firmware version ");
	if (is_wide_text(data)) {
		lk_text_add_quoted16(out, data);
	} else if (is_readable(data)) {
		lk_text_add_quoted(out, data);
	} else if (data.len == LK_GUID_SIZE) {
		lk_text_add_guid(out, data.data);
	} else {
		lk_text_add_hex(out, begin);
		lk_text_add(out, "%s", begin.len < data.len ? "..." : "");
	}
}

/* A text such as "Boot Guard Measured S-CRTM", or nothing. */
static void add_first_code(const struct lk_event *event, struct lk_text_out *out)
{
	lk_text_add(out, "the firmware's first code");
	if (!event->data.len || !is_readable(event->data))
		return;
	lk_text_add(out, ": ");
	lk_text_add_quoted(out, event->data);
}

static void add_place(struct lk_reader *r, struct lk_text_out *out)
{
	uint64_t base = lk_read_le64(r);
	uint64_t size = lk_read_le64(r);

	if (r->failed)
		lk_text_add(out, "at a place that is cut off");
	else
		lk_text_add(out, "at 0x%llx, %llu bytes", (unsigned long long)base,
			    (unsigned long long)size);
}

/* UEFI_PLATFORM_FIRMWARE_BLOB and BLOB2. */
static void add_blob(const struct lk_event *event, bool described, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);

	lk_text_add(out, "firmware code ");
	if (described) {
		lk_text_add_quoted_any(out, lk_read_bytes(&r, lk_read_u8(&r)));
		lk_text_add(out, " ");
	}
	add_place(&r, out);
}

/* A word such as "ACPI DATA", or a blob. */
static void add_post_code(const struct lk_event *event, struct lk_text_out *out)
{
	if (event->data.len == BLOB_SIZE && !is_readable(event->data)) {
		add_blob(event, false, out);
		return;
	}
	lk_text_add(out, "firmware code ");
	lk_text_add_quoted_any(out, event->data);
}

static void add_tables(const struct lk_event *event, struct lk_text_out *out)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);
	struct lk_bytes name = lk_read_bytes(&r, lk_read_u8(&r));

	lk_text_add(out, "tables that the firmware hands over");
	if (event->type != LK_EV_EFI_HANDOFF_TABLES2 || r.failed || !name.len)
		return;
	lk_text_add(out, ": ");
	lk_text_add_quoted_any(out, name);
}

static void add_other(const struct lk_event *event, struct lk_text_out *out)
{
	const char *name = lk_event_type_name(event->type);

	lk_text_add(out, "%s, %zu bytes", name ? name : "unknown event", event->data.len);
	if (!event->data.len || !is_readable(event->data))
		return;
	lk_text_add(out, ": ");
	lk_text_add_quoted(out, event->data);
}

void lk_firmware_event_text(const struct lk_event *event, struct lk_text_out *out)
{
	switch (event->type) {
	case LK_EV_NO_ACTION:
		add_no_action(event, out);
		break;
	case LK_EV_ACTION:
	case LK_EV_EFI_ACTION:
	case LK_EV_OMIT_BOOT_DEVICE_EVENTS:
		lk_text_add(out, "the firmware says ");
		lk_text_add_quoted_any(out, event->data);
		break;
	case LK_EV_S_CRTM_CONTENTS:
		add_first_code(event, out);
		break;
	case LK_EV_EFI_HCRTM_EVENT:
		lk_text_add(out,
			    "the firmware's first code, which hardware measured before it ran");
		break;
	case LK_EV_S_CRTM_VERSION:
		add_version(event, out);
		break;
	case LK_EV_POST_CODE:
		add_post_code(event, out);
		break;
	case LK_EV_POST_CODE2:
	case LK_EV_EFI_PLATFORM_FIRMWARE_BLOB:
	case LK_EV_EFI_PLATFORM_FIRMWARE_BLOB2:
		add_blob(event, event->type != LK_EV_EFI_PLATFORM_FIRMWARE_BLOB, out);
		break;
	case LK_EV_EFI_HANDOFF_TABLES:
	case LK_EV_EFI_HANDOFF_TABLES2:
		add_tables(event, out);
		break;
	default:
		add_other(event, out);
		break;
	}
}
