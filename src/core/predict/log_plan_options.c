/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding the events that other boot options, or another order of them, change. */
#include "core/predict/log_plan_options.h"

#include <string.h>

#define NAME_SIZE (2u * sizeof("Boot0000")) /* UTF-16, with its NUL */

void lk_options_take(const struct lk_measured *m, struct lk_measured_options *o)
{
	if (lk_utf16_equals(m->var.name, "BootOrder")) {
		o->many |= o->order.event.number != 0;
		o->order = *m;
	} else if (o->n < LK_MEASURED_OPTIONS_MAX) {
		o->list[o->n++] = *m;
	} else {
		o->many = true;
	}
}

static void option_name(unsigned int number, uint8_t out[static NAME_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";
	const char text[] = { 'B',
			      'o',
			      'o',
			      't',
			      digits[number >> 12 & 15],
			      digits[number >> 8 & 15],
			      digits[number >> 4 & 15],
			      digits[number & 15] };

	memset(out, 0, NAME_SIZE);
	for (size_t i = 0; i < sizeof(text); i++)
		out[2 * i] = (uint8_t)text[i];
}

static unsigned int order_at(struct lk_bytes order, size_t i)
{
	return (unsigned int)(order.data[2 * i] | order.data[2 * i + 1] << 8);
}

/* The firmware in the log measured the order, then each option of it. */
static bool is_regular(const struct lk_measured_options *o)
{
	struct lk_bytes order = o->order.var.data;
	uint8_t name[NAME_SIZE];

	if (o->many || o->apart || order.len != 2 * o->n || !o->n)
		return false;
	for (size_t i = 0; i < o->n; i++) {
		option_name(order_at(order, i), name);
		if (!lk_bytes_same(o->list[i].var.name, (struct lk_bytes){ name, NAME_SIZE - 2 }) ||
		    o->list[i].form != o->list[0].form || o->list[i].form == LK_FORM_UNKNOWN)
			return false;
	}
	return true;
}

/* What option @i of the order to come is measured as, in its place. */
static int place_option(struct lk_log_plan *plan, const struct lk_measured_options *o, size_t i,
			const struct lk_efi_variable *var, struct lk_err *err)
{
	const struct lk_measured *slot = &o->list[i < o->n ? i : 0];
	struct lk_plan_change *change = NULL;

	if (i < o->n && lk_bytes_same(var->name, slot->var.name) &&
	    lk_bytes_same(var->data, slot->var.data))
		return LK_OK;
	LK_TRY(lk_log_plan_add(plan, i < o->n ? &slot->event : NULL, &change, err));
	change->pcr = slot->event.pcr;
	change->what = "a boot option";
	if (i >= o->n)
		change->after = o->list[o->n - 1].event.number;
	change->variable = var->data;
	return lk_measured_digest(plan, slot,
				  &(struct lk_measured_now){ var->name,
							     { var->data, { NULL, 0 } } },
				  change, err);
}

static int plan_order(struct lk_log_plan *plan, const struct lk_measured_options *o,
		      struct lk_bytes order, const struct lk_variables *vars, struct lk_err *err)
{
	struct lk_plan_change *change = NULL;
	size_t n = order.len / 2;

	if (!is_regular(o) || order.len % 2 || !n || n > LK_MEASURED_OPTIONS_MAX)
		return lk_log_plan_refuse(
			err,
			"the boot order (BootOrder) changed, and how this firmware measures another isn't known");
	LK_TRY(lk_measured_becomes(plan, &o->order, order, err));
	for (size_t i = 0; i < n; i++) {
		uint8_t name[NAME_SIZE];
		struct lk_efi_variable var = { o->order.var.guid,
					       { name, NAME_SIZE - 2 },
					       { NULL, 0 } };
		struct lk_variable_now now;

		option_name(order_at(order, i), name);
		LK_TRY(lk_variable_read(vars, &var, &now, err));
		if (!now.there)
			return lk_log_plan_refuse(
				err, "the boot order (BootOrder) names an option that isn't there");
		var.data = now.data;
		LK_TRY(place_option(plan, o, i, &var, err));
	}
	for (size_t i = n; i < o->n; i++) {
		LK_TRY(lk_log_plan_add(plan, &o->list[i].event, &change, err));
		change->removed = true;
		change->what = "a boot option";
	}
	return LK_OK;
}

int lk_options_plan(struct lk_log_plan *plan, const struct lk_measured_options *o,
		    const struct lk_variables *vars, struct lk_err *err)
{
	struct lk_variable_now now;

	if (o->order.event.number) {
		LK_TRY(lk_variable_read(vars, &o->order.var, &now, err));
		if (!now.there)
			return lk_log_plan_refuse(err, "the boot order (BootOrder) is gone");
		if (o->order.form == LK_FORM_UNKNOWN)
			return lk_measured_becomes(plan, &o->order, now.data, err);
		if (!lk_bytes_same(now.data, o->order.var.data))
			return plan_order(plan, o, now.data, vars, err);
	}
	for (size_t i = 0; i < o->n; i++) {
		LK_TRY(lk_variable_read(vars, &o->list[i].var, &now, err));
		if (!now.there)
			return lk_log_plan_refuse(err, "a boot option of this boot is gone");
		if (o->list[i].form == LK_FORM_UNKNOWN ||
		    !lk_bytes_same(now.data, o->list[i].var.data))
			LK_TRY(lk_measured_becomes(plan, &o->list[i], now.data, err));
	}
	return o->many ? lk_log_plan_refuse(err, "the log has more than 64 boot options") : LK_OK;
}

bool lk_event_is_option(const struct lk_event *event)
{
	return event->type == LK_EV_EFI_VARIABLE_BOOT || event->type == LK_EV_EFI_VARIABLE_BOOT2;
}

/* Events of a PCR between its boot options: their places aren't known then. */
void lk_options_watch(const struct lk_event *event, struct lk_measured_options *o)
{
	bool option = lk_event_is_option(event);

	if (!o->order.event.number || event->pcr != o->order.event.pcr)
		return;
	o->apart |= option && o->last != 0;
	if (!option)
		o->last = event->number;
}
