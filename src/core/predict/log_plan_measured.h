/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns variables that the log has as measured, and their events with other data in them. */
#ifndef LK_CORE_PREDICT_LOG_PLAN_MEASURED_H
#define LK_CORE_PREDICT_LOG_PLAN_MEASURED_H

#include "core/bootlog/efi_variable.h"
#include "core/predict/log_plan_change.h"

/* What an event's digest is over: the whole of UEFI_VARIABLE_DATA, or the
 * variable's data alone, as EDK2 has it for boot options (PFP 1.06, 3.3.4.8). */
enum lk_measured_form { LK_FORM_UNKNOWN, LK_FORM_WHOLE, LK_FORM_DATA };

struct lk_measured {
	struct lk_event event; /* number 0: none */
	struct lk_efi_variable var;
	enum lk_measured_form form;
};

/** What such an event may become; the vendor stays. */
struct lk_measured_now {
	struct lk_bytes name;	 /* as long as it was */
	struct lk_bytes data[2]; /* one after the other; the second may be empty */
};

/** The digests of @slot's event with that in it. */
int lk_measured_digest(const struct lk_log_plan *plan, const struct lk_measured *slot,
		       const struct lk_measured_now *now, struct lk_plan_change *change,
		       struct lk_err *err);
/** The variable has other data. */
int lk_measured_becomes(struct lk_log_plan *plan, const struct lk_measured *m, struct lk_bytes data,
			struct lk_err *err);

#endif
