/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns following images through an event log, and the firmware's and systemd-boot's choice of what comes next. */
#include "core/predict/boot_chain.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/bootlog/efi_variable.h"
#include "core/predict/log_plan_change.h"

/* 4a67b082-0a4c-41cf-b6c7-440b29bb8c4f */
const uint8_t lk_loader_guid[16] = { 0x82, 0xb0, 0x67, 0x4a, 0x4c, 0x0a, 0xcf, 0x41,
				     0xb6, 0xc7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f };

/* One that the stub starts out of its own image has no file, nor has what the
 * firmware starts of its own on the way. */
static int take_image(const struct lk_event *event, struct lk_boot_chain *c, struct lk_err *err)
{
	struct lk_boot_image image = { .event = *event };

	if (c->sections)
		return LK_OK;
	c->no_file = !lk_device_path_file(lk_image_event_path(event->data), image.file);
	if (c->no_file)
		return LK_OK;
	if (c->n == LK_BOOT_IMAGES_MAX)
		return lk_log_plan_refuse(err, "the log has more than 8 boot images");
	c->images[c->n++] = image;
	return LK_OK;
}

static bool is_try(const struct lk_event *event)
{
	static const char words[] = "Calling EFI Application from Boot Option";

	return event->pcr == LK_PCR_BOOT && event->type == LK_EV_EFI_ACTION &&
	       event->data.len >= sizeof(words) - 1 &&
	       !memcmp(event->data.data, words, sizeof(words) - 1);
}

static int take_chain_event(const struct lk_event *event, struct lk_boot_chain *c,
			    struct lk_err *err)
{
	bool ipl = event->type == LK_EV_IPL;

	c->grub |= ipl && event->pcr == LK_PCR_COMMANDS;
	c->shim |= ipl && event->pcr == LK_PCR_SHIM;
	c->sections |= ipl && event->pcr == LK_PCR_KERNEL_IMAGE;
	c->tries += is_try(event);
	if (event->type == LK_EV_EVENT_TAG && event->pcr == LK_PCR_LOADER)
		c->loader_conf = *event;
	if (event->type == LK_EV_EFI_BOOT_SERVICES_APPLICATION && event->pcr == LK_PCR_BOOT)
		return take_image(event, c, err);
	return LK_OK;
}

int lk_boot_chain_read(struct lk_bytes bytes, struct lk_boot_chain *ret, struct lk_err *err)
{
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(bytes.data, bytes.len, &log, err);

	*ret = (struct lk_boot_chain){ .n = 0 };
	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc == LK_OK)
			LK_TRY(take_chain_event(&event, ret, err));
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}

static bool number_of(struct lk_bytes data, unsigned int *ret)
{
	struct lk_reader r = lk_reader_init(data.data, data.len);

	*ret = lk_read_le16(&r);
	return !r.failed;
}

int lk_boot_start_option(const struct lk_boot_start *start, unsigned int tries, unsigned int *ret,
			 bool *ret_other, struct lk_err *err)
{
	unsigned int current, option;

	if (!number_of(start->current, &current))
		return lk_log_plan_refuse(
			err,
			"the firmware doesn't say which boot option this boot is of (BootCurrent)");
	if (!number_of(start->next, &option) && !number_of(start->order, &option))
		return lk_log_plan_refuse(err, "the firmware has neither BootOrder nor BootNext");
	/* Those before it failed, and are taken to fail again. */
	if (!start->next.data && tries > 1)
		option = current;
	*ret = option;
	*ret_other = option != current;
	return LK_OK;
}

/* Length without ".efi" and without "+3-1" before it. */
static size_t stem(const char *text, size_t len)
{
	size_t end = len;

	if (len > 4 && text[len - 4] == '.')
		end = len - 4;
	for (size_t i = end; i > 0; i--) {
		char c = text[i - 1];

		if (c == '+' && i < end)
			return i - 1;
		if (!isdigit((unsigned char)c) && c != '-')
			break;
	}
	return end;
}

bool lk_boot_entry_name(const char *file, char ret[static LK_DEVICE_FILE_MAX])
{
	size_t len = strlen(file);
	size_t n = stem(file, len);
	size_t end = len > 4 && file[len - 4] == '.' ? len - 4 : len;

	if (len >= LK_DEVICE_FILE_MAX)
		return false;
	memcpy(ret, file, n);
	memcpy(ret + n, file + end, len - end + 1);
	return true;
}

bool lk_boot_entry_is(struct lk_bytes entry, const char *file)
{
	char name[LK_DEVICE_FILE_MAX];
	size_t len = 0;

	if (!lk_boot_entry_name(file, name))
		return false;
	for (size_t i = 0; i + 1 < entry.len; i += 2, len++) {
		if (!entry.data[i] && !entry.data[i + 1])
			break;
		/* FAT knows no case. */
		if (entry.data[i + 1] || !name[len] ||
		    tolower(entry.data[i]) != tolower((unsigned char)name[len]))
			return false;
	}
	return len && !name[len];
}

struct lk_bytes lk_boot_logged_option(struct lk_bytes bytes, unsigned int number)
{
	struct lk_bytes ret = { NULL, 0 };
	struct lk_efi_variable var;
	struct lk_event_log log;
	struct lk_event event;
	char name[16];
	int rc = lk_event_log_open(bytes.data, bytes.len, &log, NULL);

	(void)snprintf(name, sizeof(name), "Boot%04X", number & 0xffff);
	while (rc == LK_OK && lk_event_log_next(&log, &event, NULL) == LK_OK)
		if ((event.type == LK_EV_EFI_VARIABLE_BOOT ||
		     event.type == LK_EV_EFI_VARIABLE_BOOT2) &&
		    lk_efi_variable_read(event.data, &var) && lk_utf16_equals(var.name, name))
			ret = var.data;
	return ret;
}
