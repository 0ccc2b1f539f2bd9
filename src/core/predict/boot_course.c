/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns following a boot through its event log. */
#include "core/predict/boot_course.h"

#include <string.h>

#include "core/predict/uki.h"

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

/* What is known of a boot on its way through the log. */
struct following {
	struct lk_boot_course c;
	lk_hash_fn hash;
	unsigned int n_sections; /* events in PCR 11 */
	unsigned int n_after;	 /* images after these */
	unsigned int n_images;
	bool stub_ended; /* something that isn't of PCR 11 came after it */
	bool left;	 /* an image gave the machine back to the firmware */
};

static void doubt(struct following *f, const char *why)
{
	if (!f->c.unsure)
		f->c.unsure = why;
}

/* The firmware's boot manager, before an image and after it came back. */
static bool is_said(const struct lk_event *event, const char *words)
{
	size_t len = strlen(words);

	return event->pcr == LK_PCR_BOOT && event->type == LK_EV_EFI_ACTION &&
	       event->data.len >= len && !memcmp(event->data.data, words, len);
}

static void take_image(const struct lk_event *event, struct following *f)
{
	struct lk_boot_course *c = &f->c;

	if (f->left)
		doubt(f, "an image was started that came back, and another one after it (PCR 4)");
	if (c->sections && f->n_after++)
		doubt(f,
		      "several images were started after the unified kernel image (PCR 4), where its kernel alone is expected");
	f->n_images++;
	c->last_image = *event;
	c->emulator = is_of_emulator(event);
	c->image_after_stub |= c->sections;
}

/* A name that its digest is of, with its NUL, and then contents. */
static bool is_section_name(const struct lk_event *event, lk_hash_fn hash)
{
	const char *name;

	for (size_t i = 0; (name = lk_uki_section_name(i)); i++) {
		struct lk_event named = *event;

		named.data = (struct lk_bytes){ (const uint8_t *)name, strlen(name) + 1 };
		if (lk_event_data_is_measured(&named, hash))
			return true;
	}
	return false;
}

static void take_section(const struct lk_event *event, struct following *f)
{
	struct lk_boot_course *c = &f->c;

	if (event->type != LK_EV_IPL) {
		doubt(f, "something is measured into PCR 11 that isn't a section of the image");
		return;
	}
	if (!c->sections)
		c->stub = c->last_image;
	if (c->image_after_stub || f->stub_ended)
		doubt(f, "sections are measured at several times (PCR 11)");
	if (f->n_sections++ % 2 == 0 && !is_section_name(event, f->hash))
		doubt(f, "PCR 11 isn't made of section names and contents by turns");
	c->sections = true;
}

/* Which of both it is says the event's data, which nothing vouches for. Kernels measure
 * them in either order. */
static void take_file(const struct lk_event *event, struct following *f)
{
	struct lk_boot_course *c = &f->c;
	bool initrd = is_tag(event, LK_TAG_INITRD);
	bool options = is_tag(event, LK_TAG_LOAD_OPTIONS);

	if (event->type == LK_EV_IPL)
		c->loader_measures = true;
	else if (!initrd && !options)
		doubt(f, "something is measured into PCR 9 that isn't known");
	else if ((initrd ? c->initrd : c->load_options).number)
		doubt(f, "an initrd or a command line is measured twice by the kernel (PCR 9)");
	if (initrd)
		c->initrd = *event;
	if (options)
		c->load_options = *event;
}

static void take_configuration(const struct lk_event *event, struct following *f)
{
	struct lk_boot_course *c = &f->c;

	if (event->type == LK_EV_IPL && event->pcr == LK_PCR_KERNEL_CONFIG && !c->cmdline.number &&
	    lk_event_data_is_measured(event, f->hash))
		c->cmdline = *event;
	else
		c->extensions = true;
}

static void take_course_event(const struct lk_event *event, struct following *f)
{
	if (event->type == LK_EV_NO_ACTION || event->type == LK_EV_SEPARATOR)
		return;
	f->stub_ended |= f->c.sections && event->pcr != LK_PCR_KERNEL_IMAGE;
	f->left |= f->n_images && (is_said(event, "Returning from EFI Application") ||
				   is_said(event, "Calling EFI Application"));
	if (is_image(event))
		take_image(event, f);
	else if (event->pcr == LK_PCR_KERNEL_IMAGE)
		take_section(event, f);
	else if (event->pcr == LK_PCR_FILES)
		take_file(event, f);
	else if (event->pcr == LK_PCR_COMMANDS)
		f->c.loader_measures = true;
	else if (event->pcr == LK_PCR_EXTENSIONS || event->pcr == LK_PCR_KERNEL_CONFIG)
		take_configuration(event, f);
}

/* The boot loader's word for the command line is the kernel's. */
static void check_cmdline(struct following *f)
{
	struct lk_event options = f->c.load_options;

	if (f->n_sections % 2)
		doubt(f, "PCR 11 isn't made of section names and contents by turns");
	if (!options.number || !f->c.cmdline.number)
		return;
	options.data = f->c.cmdline.data;
	if (!lk_event_data_is_measured(&options, f->hash))
		doubt(f,
		      "the command line that the boot loader measured (PCR 12) isn't the one that the kernel did (PCR 9)");
}

int lk_boot_course_follow(struct lk_bytes bytes, lk_hash_fn hash, struct lk_boot_course *ret,
			  struct lk_err *err)
{
	struct following f = { .hash = hash };
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(bytes.data, bytes.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc == LK_OK)
			take_course_event(&event, &f);
	}
	if (rc != LK_LOG_END)
		return rc;
	check_cmdline(&f);
	*ret = f.c;
	return LK_OK;
}
