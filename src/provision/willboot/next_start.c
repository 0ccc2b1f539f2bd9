/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which boot option the firmware takes next, and whether that starts what this boot began with. */
#include <stdio.h>
#include <string.h>

#include "willboot/next_boot.h"

#define ATTRIBUTE_ACTIVE   0x1u
#define ATTRIBUTE_CATEGORY 0x1f00u

/* EFI_GLOBAL_VARIABLE 8be4df61-93ca-11d2-aa0d-00e098032b8c */
static const uint8_t global_guid[LK_GUID_SIZE] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
						   0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };

/* What EDK2 marks options of its own with, and hands to no image. */
static const uint8_t automatic[LK_GUID_SIZE] = { 0x4e, 0xac, 0x08, 0x81, 0x11, 0x9f, 0x59, 0x4d,
						 0x85, 0x0e, 0xe2, 0x1a, 0x52, 0x2c, 0x59, 0xb2 };

struct option {
	char name[16];
	bool there;
	bool other; /* than the one of this boot */
	uint32_t attributes;
	struct lk_bytes data; /* all of it */
	struct lk_bytes old;  /* this boot's; data NULL: not in the log */
};

static int read_global(struct lk_next *next, const char *name, struct lk_variable_now *ret,
		       struct lk_err *err)
{
	return lk_efivars_read(&next->vars, name, global_guid, ret, err);
}

static int read_option(struct lk_next *next, unsigned int number, struct option *ret,
		       struct lk_err *err)
{
	struct lk_variable_now now;
	struct lk_reader r;

	*ret = (struct option){ .there = false };
	(void)snprintf(ret->name, sizeof(ret->name), "Boot%04X", number & 0xffff);
	LK_TRY(read_global(next, ret->name, &now, err));
	r = lk_reader_init(now.data.data, now.data.len);
	ret->there = now.there;
	ret->data = now.data;
	ret->attributes = lk_read_le32(&r);
	return LK_OK;
}

static int unknown(struct lk_err *err, const struct option *o, const char *what)
{
	return lk_err_set(err, LK_E_UNKNOWN, 0,
			  "the boot option %s, which comes next, %s (--uki says which image comes)",
			  o->name, what);
}

/* The firmware passes over those that are switched off. */
static int skip_inactive(struct lk_next *next, struct lk_bytes *order, struct lk_err *err)
{
	while (order->len >= 2) {
		unsigned int number = order->data[0] | (unsigned int)order->data[1] << 8;
		struct option o;

		LK_TRY(read_option(next, number, &o, err));
		if (!o.there || o.attributes & ATTRIBUTE_ACTIVE)
			return LK_OK;
		order->data += 2;
		order->len -= 2;
	}
	return LK_OK;
}

static int choose(struct lk_next *next, struct option *ret, struct lk_err *err)
{
	struct lk_variable_now order, current, then;
	struct lk_boot_start start;
	unsigned int option;
	bool other;

	LK_TRY(read_global(next, "BootOrder", &order, err));
	LK_TRY(read_global(next, "BootCurrent", &current, err));
	LK_TRY(read_global(next, "BootNext", &then, err));
	if ((then.there && then.data.len != 2) || order.data.len % 2)
		return lk_err_set(
			err, LK_E_UNKNOWN, 0,
			"BootNext or BootOrder isn't made of numbers of boot options: efibootmgr writes it anew");
	if (!then.there)
		LK_TRY(skip_inactive(next, &order.data, err));
	start = (struct lk_boot_start){ order.data, current.data, then.data };
	LK_TRY(lk_boot_start_option(&start, next->chain.tries, &option, &other, err));
	LK_TRY(read_option(next, option, ret, err));
	ret->other = other;
	/* lk_boot_start_option has seen that it is a number. */
	ret->old = lk_boot_logged_option(lk_boot_logs_bytes(&next->logs).firmware,
					 current.data.data[0] | (unsigned int)current.data.data[1]
									<< 8);
	return LK_OK;
}

static bool is_unchanged(const struct option *o)
{
	return !o->other && o->old.data && lk_bytes_same(o->old, o->data);
}

static struct lk_bytes handed_over(struct lk_bytes option)
{
	struct lk_bytes data = lk_load_option_data(option);

	if (data.len == sizeof(automatic) && !memcmp(data.data, automatic, sizeof(automatic)))
		data.len = 0;
	return data;
}

/* Kernels and loaders take it for their command line; systemd's stub does so
 * where Secure Boot is off. */
static int check_data(const struct lk_next *next, const struct option *o, struct lk_err *err)
{
	bool stub = next->chain.n == 1 && next->chain.sections;

	if (stub && lk_log_plan_enforced(&next->base))
		return LK_OK;
	if (o->old.data ? lk_bytes_same(handed_over(o->data), handed_over(o->old))
			: !handed_over(o->data).len)
		return LK_OK;
	return unknown(
		err, o,
		"hands other optional data to its image than this boot's did, which may be taken for a command line");
}

static int check_option(const struct lk_next *next, const struct option *o, struct lk_err *err)
{
	struct lk_bytes image = lk_image_event_path(next->chain.images[0].event.data);

	if (!o->there)
		return unknown(err, o, "isn't there");
	if (!(o->attributes & ATTRIBUTE_ACTIVE))
		return unknown(err, o, "is switched off");
	if (o->attributes & ATTRIBUTE_CATEGORY && !is_unchanged(o))
		return unknown(err, o, "is one of an application, which firmware may pass over");
	if (is_unchanged(o))
		return LK_OK;
	LK_TRY(check_data(next, o, err));
	if (lk_device_path_same_volume(lk_load_option_path(o->data), image))
		return LK_OK;
	return unknown(err, o,
		       "leads to another disk or partition than the one that this boot began on");
}

int lk_next_find_start(struct lk_next *next, char file[static LK_DEVICE_FILE_MAX],
		       struct lk_err *err)
{
	struct option o;
	bool named;

	LK_TRY(choose(next, &o, err));
	named = lk_device_path_file(lk_load_option_path(o.data), file);
	if (o.there && !named && o.other)
		return lk_err_set(
			err, LK_E_UNKNOWN, 0,
			"the next boot is of another boot option, %s, which names no file: --uki says which image it starts",
			o.name);
	LK_TRY(check_option(next, &o, err));
	/* An option for a whole disk has the name that the log tells. */
	if (!named)
		memcpy(file, next->chain.images[0].file, LK_DEVICE_FILE_MAX);
	return LK_OK;
}

/* What comes before boot options, and isn't looked at. */
int lk_next_check_firmware(struct lk_next *next, struct lk_err *err)
{
	static const struct {
		const char *name, *what;
	} table[] = {
		{ "DriverOrder", "drivers (Driver####; PCR 2)" },
		{ "SysPrepOrder", "applications (SysPrep####; PCR 4)" },
	};
	struct lk_variable_now now;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		LK_TRY(read_global(next, table[i].name, &now, err));
		if (now.there && now.data.len)
			return lk_err_set(
				err, LK_E_UNKNOWN, 0,
				"%s has the firmware start %s before the boot image, and what these measure isn't known: remove it where it isn't wanted",
				table[i].name, table[i].what);
	}
	LK_TRY(read_global(next, "OsIndications", &now, err));
	for (size_t i = 0; i < now.data.len; i++)
		if (now.data.data[i])
			return lk_err_set(
				err, LK_E_UNKNOWN, 0,
				"OsIndications asks the firmware for an update, a recovery or its setup at the next boot, and what comes of it isn't known");
	return LK_OK;
}
