/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what of a boot will be another, as the command line says it: for one log or for many. */
#ifndef LK_HOST_POLICY_CHANGE_H
#define LK_HOST_POLICY_CHANGE_H

#include "command.h"
#include "core/predict/log_predict.h"
#include "documents.h"

/** NULL: that doesn't change. */
struct lk_change_args {
	const char *uki, *kernel, *initrd, *cmdline;
	const char *db, *secure_boot, *firmware;
	bool ima_unchanged;
};

/* clang-format off: a table */
#define LK_CHANGE_OPTIONS(c, kernel_letter)                                                             \
	{ "uki", 'u', false, "FILE", "another unified kernel image", &(c).uki, NULL },                  \
		{ "kernel", kernel_letter, false, "FILE", "another kernel", &(c).kernel, NULL },        \
		{ "initrd", 0, false, "FILE", "another initrd", &(c).initrd, NULL },                    \
		{ "cmdline",	0,   false, "TEXT", "another command line, as /proc/cmdline",           \
		  &(c).cmdline, NULL },                                                                 \
		{ "db", 0, false, "FILE", "signature lists added to db", &(c).db, NULL },               \
		{ "secure-boot", 0, false, "off", "Secure Boot switched off", &(c).secure_boot, NULL }, \
		{ "firmware-log", 0,   false, "FILE", "log of a machine with the new firmware",         \
		  &(c).firmware,  NULL },                                                               \
	{                                                                                               \
		"ima-unchanged", 0, false, NULL, "what IMA measures of files stays", NULL,              \
			&(c).ima_unchanged                                                              \
	}
/* clang-format on */

/** The files that are named, read once. */
struct lk_boot_change {
	const struct lk_change_args *args;
	struct lk_buf image, initrd_file, db_file, firmware_log;
	struct lk_uki uki;   /* refers to the image */
	struct lk_pe kernel; /* likewise */
};
#define LK_CHANGE_NONE	((struct lk_boot_change){ .args = NULL })
#define LK_OWNED_CHANGE __attribute__((cleanup(lk_change_done))) struct lk_boot_change
void lk_change_done(struct lk_boot_change *c);

/** Whether anything is named. */
bool lk_change_given(const struct lk_change_args *args);
/** LK_E_USAGE for what doesn't go together. */
int lk_change_check(const struct lk_change_args *args, struct lk_err *err);
int lk_change_load(const struct lk_change_args *args, struct lk_boot_change *ret,
		   struct lk_err *err);
/** What it makes of the log of @plan, which is initialized. */
int lk_change_plan(const struct lk_boot_change *c, struct lk_log_plan *plan, struct lk_err *err);
/** For lk_log_predict: the new firmware's log and IMA's word into @in. */
void lk_change_tell(const struct lk_boot_change *c, struct lk_prediction_input *in);

#endif
