/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns following a boot through its event log. */
#include "core/predict/boot_course.h"

#include <string.h>

/* Of Linux's EFI stub. */
static bool is_tag(const struct lk_event *event, uint32_t tag)
{
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);

	return event->type == LK_EV_EVENT_TAG && event->pcr == LK_PCR_FILES &&
	       lk_read_le32(&r) == tag && !r.failed;
}

static bool is_image(const struct lk_event *event)
{
	return event->type == LK_EV_EFI_BOOT_SERVICES_APPLICATION && event->pcr == LK_PCR_BOOT;
}

/*
 * QEMU's -kernel, as OVMF gets it (its QemuKernelLoaderFsMedia.h). QEMU fills
 * in the boot protocol's fields in the kernel's header: addresses, the initrd's
 * size.
 */
static bool is_of_emulator(const struct lk_event *event)
{
	static const uint8_t node[] = {
		4,    3,    20,	  0,	0x72, 0xf7, 0x28, 0x14, 0x4a, 0xb6,
		0x1e, 0x44, 0xb8, 0xc3, 0x9e, 0xbd, 0xd7, 0xf8, 0x93, 0xc7
	};
	struct lk_reader r = lk_reader_init(event->data.data, event->data.len);
	struct lk_bytes first;

	/* UEFI_IMAGE_LOAD_EVENT: four numbers, and then the path. */
	(void)lk_read_bytes(&r, 32);
	first = lk_read_bytes(&r, sizeof(node));
	return !r.failed && !memcmp(first.data, node, sizeof(node));
}

static void take(const struct lk_event *event, struct lk_boot_course *c, lk_hash_fn hash)
{
	bool ipl = event->type == LK_EV_IPL;

	if (is_image(event)) {
		c->last_image = *event;
		c->emulator = is_of_emulator(event);
		c->image_after_stub |= c->sections;
	} else if (ipl && event->pcr == LK_PCR_KERNEL_IMAGE) {
		if (!c->sections)
			c->stub = c->last_image;
		c->sections = true;
	} else if (is_tag(event, LK_TAG_INITRD)) {
		c->initrd = *event;
	} else if (is_tag(event, LK_TAG_LOAD_OPTIONS)) {
		c->load_options = *event;
	} else if (ipl && (event->pcr == LK_PCR_COMMANDS || event->pcr == LK_PCR_FILES)) {
		c->loader_measures = true;
	} else if (event->pcr == LK_PCR_EXTENSIONS || event->pcr == LK_PCR_KERNEL_CONFIG) {
		if (ipl && event->pcr == LK_PCR_KERNEL_CONFIG && !c->cmdline.number &&
		    lk_event_data_is_measured(event, hash))
			c->cmdline = *event;
		else
			c->extensions = true;
	}
}

int lk_boot_course_follow(struct lk_bytes bytes, lk_hash_fn hash, struct lk_boot_course *ret,
			  struct lk_err *err)
{
	struct lk_boot_course c = { .sections = false };
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(bytes.data, bytes.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc == LK_OK)
			take(&event, &c, hash);
	}
	if (rc != LK_LOG_END)
		return rc;
	*ret = c;
	return LK_OK;
}
