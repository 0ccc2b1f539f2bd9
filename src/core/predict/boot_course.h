/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the course that a boot took from image to kernel, as its event log tells. */
#ifndef LK_CORE_PREDICT_BOOT_COURSE_H
#define LK_CORE_PREDICT_BOOT_COURSE_H

#include "core/bootlog/event_log.h"

/** Events by what they are of; a number of 0: there is none. */
struct lk_boot_course {
	struct lk_event stub;	    /* the image whose stub measures sections */
	struct lk_event last_image; /* the last that the firmware was given */
	struct lk_event initrd;	    /* as the kernel measures it */
	struct lk_event load_options;
	struct lk_event cmdline; /* as the boot loader measures it */
	bool sections;		 /* a unified kernel image's, in PCR 11 */
	bool extensions;	 /* credentials and such, beside the image */
	bool loader_measures;	 /* commands and files, as GRUB does */
	bool emulator;		 /* it handed over the last image, and has changed it */
	bool image_after_stub;	 /* the stub had the firmware start its kernel */
	/**
	 * Why these events aren't all that another image or file would change, or
	 * not surely: a clause about the log. NULL: there is nothing against it.
	 */
	const char *unsure;
};

/** LK_OK or LK_E_INPUT. */
int lk_boot_course_follow(struct lk_bytes log, lk_hash_fn hash, struct lk_boot_course *ret,
			  struct lk_err *err);

#endif
