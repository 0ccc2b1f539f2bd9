/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the part of the floors: both counters, as the TPM certifies them and as they were before. */
#include <inttypes.h>

#include "core/attest/appraising.h"

uint64_t lk_appraise_floor(const struct lk_appraising *a, enum lk_floor_kind which)
{
	uint64_t known = a->ret->state.floor[which];
	uint64_t min = a->in->reference->min_floor[which];

	return known > min ? known : min;
}

bool lk_appraise_above_floor(const struct lk_appraising *a, const struct lk_signed_policy *p)
{
	return !p->version_floor || p->version >= lk_appraise_floor(a, LK_FLOOR_VERSION);
}

static void judge_floor(struct lk_appraising *a, enum lk_floor_kind which)
{
	static const char *const names[LK_FLOOR_COUNT] = { "policy versions",
							   "configuration sequences" };
	struct lk_attest_state *s = &a->ret->state;
	uint64_t min = a->in->reference->min_floor[which];

	if (!s->has_floor[which] && (min || a->in->reference->wants_floors)) {
		lk_appraisal_reason(a, LK_PART_FLOORS, LK_VERDICT_UNKNOWN, LK_PCR_NONE,
				    "the floor of %s wasn't proven in this boot", names[which]);
		return;
	}
	if (!s->has_floor[which])
		return;
	if (s->floor[which] < min) {
		lk_appraisal_reason(a, LK_PART_FLOORS,
				    s->cleared ? LK_VERDICT_UNKNOWN : LK_VERDICT_UNTRUSTED,
				    LK_PCR_NONE,
				    "the floor of %s is %" PRIu64 ", and was %" PRIu64
				    " before: %s",
				    names[which], s->floor[which], min,
				    s->cleared ? "it counts again once the record is imported again"
					       : "the TPM was cleared, or is another");
		/* The next quote is held against what was, too. */
		s->has_floor[which] = false;
		s->floor[which] = min;
	} else {
		lk_appraisal_reason(a, LK_PART_FLOORS, LK_VERDICT_TRUSTED, LK_PCR_NONE,
				    "the floor of %s is %" PRIu64 ", proven by the TPM",
				    names[which], s->floor[which]);
	}
}

void lk_appraise_floors(struct lk_appraising *a)
{
	for (size_t i = 0; i < LK_FLOOR_COUNT; i++)
		judge_floor(a, (enum lk_floor_kind)i);
}
