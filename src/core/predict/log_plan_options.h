/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the measured variables of a log, and boot options among them; for log_plan_variables alone. */
#ifndef LK_CORE_PREDICT_LOG_PLAN_OPTIONS_H
#define LK_CORE_PREDICT_LOG_PLAN_OPTIONS_H

#include "core/predict/log_plan_variables.h"

/* What an event's digest is over: the whole of UEFI_VARIABLE_DATA, or the
 * variable's data alone, as EDK2 has it for boot options (PFP 1.06, 3.3.4.8). */
enum lk_measured_form { LK_FORM_UNKNOWN, LK_FORM_WHOLE, LK_FORM_DATA };

struct lk_measured {
	struct lk_event event; /* number 0: none */
	struct lk_efi_variable var;
	enum lk_measured_form form;
};

int lk_variable_read(const struct lk_variables *vars, const struct lk_efi_variable *var,
		     struct lk_variable_now *ret, struct lk_err *err);
/** The slot's event with this variable in it. @name: as long as the slot's. */
int lk_measured_digest(const struct lk_log_plan *plan, const struct lk_measured *slot,
		       const struct lk_efi_variable *var, struct lk_plan_change *change,
		       struct lk_err *err);
/** The variable has other data. */
int lk_measured_becomes(struct lk_log_plan *plan, const struct lk_measured *m, struct lk_bytes data,
			struct lk_err *err);

#define LK_MEASURED_OPTIONS_MAX 64u
/* Boot options as the log has them, in its order. */
struct lk_measured_options {
	struct lk_measured order;
	struct lk_measured list[LK_MEASURED_OPTIONS_MAX];
	size_t n;
	unsigned int last; /* event of this PCR */
	bool apart;	   /* other events of that PCR between */
	bool many;
};

bool lk_event_is_option(const struct lk_event *event);
/** Every event goes by here first. */
void lk_options_watch(const struct lk_event *event, struct lk_measured_options *o);
void lk_options_take(const struct lk_measured *m, struct lk_measured_options *o);
int lk_options_plan(struct lk_log_plan *plan, const struct lk_measured_options *o,
		    const struct lk_variables *vars, struct lk_err *err);

#endif
