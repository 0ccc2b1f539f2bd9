/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the list of events that a plan changes. */
#include "core/predict/log_plan_change.h"

void lk_log_plan_init(struct lk_log_plan *plan, struct lk_bytes log, lk_hash_fn hash)
{
	*plan = (struct lk_log_plan){ .log = log, .hash = hash };
}

int lk_log_plan_refuse(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_REFUSED, 0, "can't be predicted: %s", what);
}

const struct lk_plan_change *lk_log_plan_find(const struct lk_log_plan *plan, unsigned int event)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->changes[i].event == event)
			return &plan->changes[i];
	return NULL;
}

int lk_log_plan_add(struct lk_log_plan *plan, const struct lk_event *event,
		    struct lk_plan_change **ret, struct lk_err *err)
{
	struct lk_plan_change *change = NULL;

	if (event && lk_log_plan_find(plan, event->number))
		return lk_log_plan_refuse(err, "two of the changes are of one event");
	if (plan->n == LK_PLAN_CHANGES_MAX)
		return lk_log_plan_refuse(err, "more than 128 events would change");
	change = &plan->changes[plan->n++];
	*change = (struct lk_plan_change){ .event = event ? event->number : 0,
					   .pcr = event ? event->pcr : 0 };
	*ret = change;
	return LK_OK;
}

int lk_log_plan_digest(const struct lk_log_plan *plan, const struct lk_bytes *parts, size_t n,
		       struct lk_plan_change *change, struct lk_err *err)
{
	if (!plan->hash(LK_ALG_SHA256, parts, n, &change->digest[0]) ||
	    !plan->hash(LK_ALG_SHA384, parts, n, &change->digest[1]))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

int lk_log_plan_remove(struct lk_log_plan *plan, unsigned int pcr, uint32_t type, const char *what,
		       struct lk_err *err)
{
	struct lk_plan_change *change = NULL;
	struct lk_event_log log;
	struct lk_event event;
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, err);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, &event, err);
		if (rc != LK_OK || event.pcr != pcr || event.type != type)
			continue;
		LK_TRY(lk_log_plan_add(plan, &event, &change, err));
		change->removed = true;
		change->what = what;
	}
	return rc == LK_LOG_END ? LK_OK : rc;
}
