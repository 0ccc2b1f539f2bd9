/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what EFI variables that were written since the boot make of its log. */
#ifndef LK_CORE_PREDICT_LOG_PLAN_VARIABLES_H
#define LK_CORE_PREDICT_LOG_PLAN_VARIABLES_H

#include "core/bootlog/efi_variable.h"
#include "core/predict/log_plan.h"

/** A variable as it is now; its bytes stay the caller's as long as the plan. */
struct lk_variable_now {
	bool there;
	struct lk_bytes data; /* without attributes */
};

/**
 * How variables are read: by name and LK_GUID_SIZE bytes of vendor.
 * Return: LK_OK, also for one that isn't there; another error ends the plan.
 */
struct lk_variables {
	int (*read)(void *data, struct lk_bytes guid, struct lk_bytes name,
		    struct lk_variable_now *ret, struct lk_err *err);
	void *data;
};
static inline int lk_variable_read(const struct lk_variables *vars,
				   const struct lk_efi_variable *var, struct lk_variable_now *ret,
				   struct lk_err *err)
{
	*ret = (struct lk_variable_now){ .there = false };
	return vars->read(vars->data, var->guid, var->name, ret, err);
}

/**
 * lk_log_plan_variables - hold the log's variables against what they are now
 *
 * Secure Boot's variables, boot options and their order, and whatever else can
 * be read at run time; one of the firmware's own that can't be seen there is
 * taken to stay. Before any image: sets db and dbx for these.
 *
 * Return: LK_OK; LK_E_REFUSED when what the firmware will measure can't be
 * told, with the reason; what @vars returned; LK_E_INPUT; LK_E_SYSTEM.
 */
int lk_log_plan_variables(struct lk_log_plan *plan, const struct lk_variables *vars,
			  struct lk_err *err);

/** Secure Boot is on in the log: something accepted an image. */
bool lk_log_plan_enforced(const struct lk_log_plan *plan);

/**
 * lk_log_plan_forbidden - does dbx, as it is now, name this image or its signer?
 *
 * Always false where Secure Boot is off in the log.
 */
bool lk_log_plan_forbidden(const struct lk_log_plan *plan, const struct lk_pe *image);

#endif
