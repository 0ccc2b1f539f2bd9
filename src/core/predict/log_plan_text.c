/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns putting a planned change in words. */
#include "core/predict/log_plan_text.h"

#include <stdlib.h>
#include <string.h>

#include "core/bootlog/boot_diff.h"
#include "core/bootlog/efi_variable.h"

#define LENGTHS 16u

static bool find_event(const struct lk_log_plan *plan, unsigned int number, struct lk_event *ret)
{
	struct lk_event_log log;
	int rc = lk_event_log_open(plan->log.data, plan->log.len, &log, NULL);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&log, ret, NULL);
		if (rc == LK_OK && ret->number == number)
			return true;
	}
	return false;
}

static bool stays(const struct lk_plan_change *c, const struct lk_event *event)
{
	const struct lk_bytes was[LK_PLAN_BANKS] = { event->sha256, event->sha384 };

	for (unsigned int i = 0; !c->removed && i < LK_PLAN_BANKS; i++)
		if (was[i].len)
			return lk_bytes_same(was[i], (struct lk_bytes){ c->digest[i].data,
									c->digest[i].len });
	return false;
}

/* The first that is said of them. */
static bool is_later_section(const struct lk_log_plan *plan, size_t change)
{
	for (size_t i = 0; i < change; i++)
		if (plan->changes[i].pcr == LK_PCR_KERNEL_IMAGE)
			return true;
	return false;
}

/* UEFI_VARIABLE_DATA with other data; malloc'd. */
static struct lk_bytes make_variable(const struct lk_event *event, struct lk_bytes data)
{
	struct lk_bytes none = { NULL, 0 };
	struct lk_efi_variable var;
	size_t head;
	uint8_t *made;

	if (!lk_efi_variable_read(event->data, &var))
		return none;
	head = event->data.len - var.data.len;
	made = malloc(head + data.len);
	if (!made)
		return none;
	memcpy(made, event->data.data, head);
	for (unsigned int i = 0; i < 8; i++)
		made[LK_GUID_SIZE + LENGTHS / 2 + i] = (uint8_t)((uint64_t)data.len >> (8 * i));
	if (data.len)
		memcpy(made + head, data.data, data.len);
	return (struct lk_bytes){ made, head + data.len };
}

/* The event as the next boot will log it. */
static void say_event(const struct lk_log_plan *plan, const struct lk_plan_change *c,
		      const struct lk_event *event, enum lk_alg bank, struct lk_text_out *out)
{
	struct lk_event then = *event;
	struct lk_bytes made = { NULL, 0 };
	struct lk_event_change change = {
		.change = c->removed ? LK_CHANGE_MISSING : LK_CHANGE_OTHER,
		.kind = lk_event_kind(event),
		.n = 1,
		.before = lk_event_signatures(event, plan->hash),
		.event = c->removed ? NULL : &then,
		.bank = bank,
	};

	then.sha256 = (struct lk_bytes){ c->digest[0].data, c->digest[0].len };
	then.sha384 = (struct lk_bytes){ c->digest[1].data, c->digest[1].len };
	if (c->variable.data)
		made = make_variable(event, c->variable);
	if (made.data)
		then.data = made;
	lk_event_change_text(&change, plan->hash, out);
	free((void *)(uintptr_t)made.data);
}

bool lk_plan_change_text(const struct lk_log_plan *plan, size_t change, enum lk_alg bank,
			 struct lk_plan_words *ret)
{
	const struct lk_plan_change *c = &plan->changes[change];
	struct lk_event event;

	ret->pcr = c->pcr;
	if (c->pcr == LK_PCR_KERNEL_IMAGE) {
		lk_text_out_init(&ret->text);
		lk_text_add(&ret->text, "another unified kernel image");
		return !is_later_section(plan, change);
	}
	if (c->event && find_event(plan, c->event, &event)) {
		say_event(plan, c, &event, bank, &ret->text);
		return !stays(c, &event);
	}
	lk_text_out_init(&ret->text);
	lk_text_add(&ret->text, "new: %s", c->what);
	return true;
}

void lk_plan_follows_text(uint32_t pcrs, struct lk_text_out *ret)
{
	const struct lk_boot_diff diff = { .told = LK_TOLD_AGGREGATE, .follows = pcrs };

	lk_boot_diff_text(NULL, &diff, ret);
}
