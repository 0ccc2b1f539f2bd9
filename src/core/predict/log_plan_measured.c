/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what firmware measures of a variable: UEFI_VARIABLE_DATA, or its data alone. */
#include "core/predict/log_plan_measured.h"

static void put_le64(uint8_t *out, uint64_t v)
{
	for (unsigned int i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (8 * i));
}

int lk_measured_digest(const struct lk_log_plan *plan, const struct lk_measured *slot,
		       const struct lk_measured_now *now, struct lk_plan_change *change,
		       struct lk_err *err)
{
	/* Some firmware counts the NUL, which reading leaves out. */
	size_t name_size = slot->event.data.len - LK_GUID_SIZE - 16 - slot->var.data.len;
	static const uint8_t nul[2];
	struct lk_bytes parts[6];
	uint8_t lengths[16];

	if (slot->form == LK_FORM_DATA)
		return lk_log_plan_digest(plan, now->data, 2, change, err);
	put_le64(lengths, name_size / 2);
	put_le64(lengths + 8, now->data[0].len + now->data[1].len);
	parts[0] = slot->var.guid;
	parts[1] = (struct lk_bytes){ lengths, sizeof(lengths) };
	parts[2] = now->name;
	parts[3] = (struct lk_bytes){ nul, name_size - now->name.len };
	parts[4] = now->data[0];
	parts[5] = now->data[1];
	return lk_log_plan_digest(plan, parts, 6, change, err);
}

int lk_measured_becomes(struct lk_log_plan *plan, const struct lk_measured *m, struct lk_bytes data,
			struct lk_err *err)
{
	const struct lk_measured_now now = { m->var.name, { data, { NULL, 0 } } };
	struct lk_plan_change *change = NULL;

	if (m->form == LK_FORM_UNKNOWN)
		return lk_log_plan_refuse(
			err,
			"the log's event of a variable isn't over what the log says of it, so that whether the variable changed isn't known");
	LK_TRY(lk_log_plan_add(plan, &m->event, &change, err));
	change->what = "a variable";
	change->variable = data;
	return lk_measured_digest(plan, m, &now, change, err);
}
