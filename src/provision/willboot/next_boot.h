/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what is installed for the next boot, as changes to the logs of this one. */
#ifndef LK_PROVISION_WILLBOOT_NEXT_BOOT_H
#define LK_PROVISION_WILLBOOT_NEXT_BOOT_H

#include <limits.h>

#include "core/predict/boot_chain.h"
#include "sys/boot/boot_logs.h"
#include "sys/boot/efivars.h"

/** NULL: not given. */
struct lk_next_names {
	struct lk_boot_log_names logs;
	const char *efivars, *esp;
	/* What will be booted, where that isn't to be looked for. */
	const char *uki, *kernel, *initrd, *cmdline;
	const char *firmware_log;
};

/** One of the boots that may come next. */
struct lk_next_boot {
	char name[PATH_MAX]; /* its image, for people */
	bool is_image;	     /* that is a file that --uki takes */
	struct lk_log_plan plan;
	struct lk_err unknown;	 /* rc LK_OK: the plan is whole */
	struct lk_err forbidden; /* rc LK_OK: the firmware takes the image */
};
#define LK_NEXT_BOOTS_MAX 16u

struct lk_next {
	struct lk_next_names names;
	struct lk_boot_logs logs;
	struct lk_boot_chain chain;
	struct lk_efivars vars;
	struct lk_buf firmware;	 /* of --firmware-log */
	struct lk_log_plan base; /* what changes whichever image comes */
	struct lk_next_boot *boots;
	size_t n;
};
#define LK_OWNED_NEXT __attribute__((cleanup(lk_next_done))) struct lk_next
void lk_next_done(struct lk_next *next);

/**
 * lk_next_find - this boot's logs, and each boot that may come
 * @ret: empty before; to be done with also after a failure
 *
 * Return: LK_OK with at least one boot; LK_E_USAGE; anything else is a reason
 * why the next boot can't be known.
 */
int lk_next_find(const struct lk_next_names *names, struct lk_next *ret, struct lk_err *err);

/* For these alone. */

/** Folders where boot images may lie, one after the other; NULL: no more. */
const char *lk_next_folder(const struct lk_next *next, size_t i);
/** Where a boot image of the log lies; LK_E_UNKNOWN when it is nowhere. */
int lk_next_locate(const struct lk_next *next, const char *file, char ret[static PATH_MAX],
		   struct lk_err *err);
/** The boot loaders before the last image are those of the log. */
int lk_next_check_loaders(struct lk_next *next, struct lk_err *err);
/** The file that the firmware starts, on the partition that it did so in this
 * boot; LK_E_UNKNOWN where that isn't certain. */
int lk_next_find_start(struct lk_next *next, char file[static LK_DEVICE_FILE_MAX],
		       struct lk_err *err);
/** Nothing is asked of the firmware that comes before. */
int lk_next_check_firmware(struct lk_next *next, struct lk_err *err);
/** One more boot that may come. */
int lk_next_add(struct lk_next *next, struct lk_next_boot **ret, struct lk_err *err);
int lk_next_plan_file(struct lk_next *next, const char *path, struct lk_err *err);
/** Those that systemd-boot may choose. */
int lk_next_plan_entries(struct lk_next *next, struct lk_err *err);
/** No more memory than the file takes; nothing but a regular file. */
int lk_next_read_found(const char *path, size_t max, struct lk_buf *ret, struct lk_err *err);
/** Nothing lies beside the boot loader that it starts first. */
int lk_next_check_drivers(const struct lk_next *next, struct lk_err *err);
/** Nothing lies beside an image that its stub hands on. */
int lk_next_check_beside(const struct lk_next *next, const char *image, struct lk_err *err);
/** Plans an image in place of the last of the log's, or no change. */
void lk_next_plan_image(struct lk_next *next, const char *path, struct lk_next_boot *boot);
/** Plans what the command line names. */
void lk_next_plan_named(struct lk_next *next, struct lk_next_boot *boot);

#endif
