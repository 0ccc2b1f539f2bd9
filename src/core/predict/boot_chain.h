/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns which images a boot went through, by its event log, and which the next begins with. */
#ifndef LK_CORE_PREDICT_BOOT_CHAIN_H
#define LK_CORE_PREDICT_BOOT_CHAIN_H

#include "core/bootlog/device_path.h"
#include "core/bootlog/event_log.h"

#define LK_BOOT_IMAGES_MAX 8u

struct lk_boot_image {
	struct lk_event event;
	char file[LK_DEVICE_FILE_MAX]; /* on its partition; never empty */
};

/** The images that lie in files, in the order that they were started in. */
struct lk_boot_chain {
	struct lk_boot_image images[LK_BOOT_IMAGES_MAX];
	size_t n;
	bool no_file;  /* the last image came from elsewhere: a network, say */
	bool sections; /* the last is a unified kernel image */
	bool grub, shim;
	unsigned int tries;	     /* of boot options by the firmware */
	struct lk_event loader_conf; /* its settings, measured; number 0: none */
};

/** LK_OK; LK_E_INPUT; LK_E_REFUSED for more images than there is room for. */
int lk_boot_chain_read(struct lk_bytes log, struct lk_boot_chain *ret, struct lk_err *err);

/** What the firmware will start; data NULL: the variable isn't there. */
struct lk_boot_start {
	struct lk_bytes order, current, next; /* BootOrder, BootCurrent, BootNext */
};
/**
 * lk_boot_start_option - the number of the boot option to come
 * @tries: how many options the boot in the log tried
 * @ret_other: it isn't the one of this boot
 *
 * Return: LK_OK; LK_E_REFUSED when it can't be known.
 */
int lk_boot_start_option(const struct lk_boot_start *start, unsigned int tries, unsigned int *ret,
			 bool *ret_other, struct lk_err *err);

/** Vendor GUID of systemd-boot's variables. */
extern const uint8_t lk_loader_guid[16];

/**
 * lk_boot_entry_name - systemd's name of a file, without the tries left
 * @file: "name+3-1.efi" is "name.efi"
 *
 * Return: false for one that is too long.
 */
bool lk_boot_entry_name(const char *file, char ret[static LK_DEVICE_FILE_MAX]);

/**
 * lk_boot_entry_is - does systemd-boot's name of an entry mean this file?
 * @entry: UTF-16, of LoaderEntryOneShot and such; its NUL is optional
 * @file: "name.efi", with or without the tries left ("name+3-1.efi")
 */
bool lk_boot_entry_is(struct lk_bytes entry, const char *file);

/** A boot option as the log has it; data NULL: it hasn't. */
struct lk_bytes lk_boot_logged_option(struct lk_bytes log, unsigned int number);

#endif
