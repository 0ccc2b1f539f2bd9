/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the boot options among the variables of a log; part of log_plan_variables.c, which hands it each event. */
#ifndef LK_CORE_PREDICT_LOG_PLAN_OPTIONS_H
#define LK_CORE_PREDICT_LOG_PLAN_OPTIONS_H

#include "core/predict/log_plan_measured.h"
#include "core/predict/log_plan_variables.h"

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
/** lk_options_watch() has to see every event, in order, before lk_options_take() does. */
void lk_options_watch(const struct lk_event *event, struct lk_measured_options *o);
void lk_options_take(const struct lk_measured *m, struct lk_measured_options *o);
int lk_options_plan(struct lk_log_plan *plan, const struct lk_measured_options *o,
		    const struct lk_variables *vars, struct lk_err *err);

#endif
