/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a change makes of a log: which events would be measured otherwise, and as what. */
#ifndef LK_CORE_PREDICT_LOG_PLAN_H
#define LK_CORE_PREDICT_LOG_PLAN_H

#include "core/predict/log_plan_change.h"
#include "core/predict/uki.h"

/*
 * What a change does; Secure Boot's come before those of images, since they
 * decide about what accepts these. Return: LK_OK; LK_E_REFUSED when it can't be told from
 * this log, with what is missing; LK_E_INPUT; LK_E_SYSTEM. The plan is of no
 * more use after an error.
 */

/** Another unified kernel image, started as the one in the log was. */
int lk_log_plan_uki(struct lk_log_plan *plan, const struct lk_uki *uki, struct lk_err *err);
/** Another kernel, started by firmware or boot loader as an EFI image. */
int lk_log_plan_kernel(struct lk_log_plan *plan, const struct lk_pe *kernel, struct lk_err *err);
int lk_log_plan_initrd(struct lk_log_plan *plan, struct lk_bytes initrd, struct lk_err *err);
/** @text: as /proc/cmdline has it. */
int lk_log_plan_cmdline(struct lk_log_plan *plan, struct lk_bytes text, struct lk_err *err);
/** Signature lists that are appended to db; they stay the caller's. */
int lk_log_plan_db(struct lk_log_plan *plan, struct lk_bytes lists, struct lk_err *err);
/** Switched off with its keys kept. */
int lk_log_plan_secure_boot_off(struct lk_log_plan *plan, struct lk_err *err);

/** What accepts this image in the place of @old: the same, or it changes too. */
int lk_log_plan_signed(struct lk_log_plan *plan, const struct lk_event *old,
		       const struct lk_pe *image, struct lk_err *err);

#endif
