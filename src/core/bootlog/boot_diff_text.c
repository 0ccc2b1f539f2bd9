/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns words for the first event that differs. */
#include "core/bootlog/boot_diff.h"

static bool find_event(const struct lk_boot_view *view, unsigned int number, struct lk_event *ret)
{
	struct lk_bytes log = view->logs.firmware;
	struct lk_event_log at;
	int rc = lk_event_log_open(log.data, log.len, &at, NULL);

	while (rc == LK_OK) {
		rc = lk_event_log_next(&at, ret, NULL);
		if (rc == LK_OK && ret->number == number)
			return true;
	}
	return false;
}

static bool find_entry(const struct lk_boot_view *view, unsigned int number,
		       struct lk_ima_entry *ret)
{
	struct lk_bytes log = view->logs.ima;
	struct lk_ima_log at;
	int rc = lk_ima_log_open(log.data, log.len, &at, NULL);

	while (rc == LK_OK) {
		rc = lk_ima_log_next(&at, ret, NULL);
		if (rc == LK_OK && ret->number == number)
			return true;
	}
	return false;
}

static void add_event(const struct lk_boot_view *view, const struct lk_boot_diff *diff,
		      struct lk_text_out *out)
{
	struct lk_event_change change = {
		.change = diff->change,
		.kind = (enum lk_event_kind)diff->kind,
		.n = (unsigned int)diff->n,
		.before = diff->before,
		.bank = view->explained.pcrs.values.sel.bank,
	};
	struct lk_event event;
	struct lk_ima_entry entry;

	if (diff->event && !diff->ima && find_event(view, diff->event, &event))
		change.event = &event;
	if (diff->event && diff->ima && find_entry(view, diff->event, &entry))
		change.entry = &entry;
	lk_event_change_text(&change, view->hash, out);
}

static void add_followed(const struct lk_boot_diff *diff, struct lk_text_out *out)
{
	bool several = diff->follows & (diff->follows - 1);
	char pcrs[LK_PCR_MASK_TEXT];

	lk_pcr_mask_format(diff->follows, pcrs);
	if (diff->follows)
		lk_text_add(out, "boot_aggregate is another: it follows from PCR%s %s%s",
			    several ? "s" : "", pcrs, diff->by_value ? " at least" : "");
	else
		lk_text_add(
			out,
			"boot_aggregate is another, and nothing that is remembered of PCRs 0 to 9 says why");
}

static void add_below(const struct lk_boot_diff *diff, struct lk_text_out *out)
{
	static const struct {
		unsigned int pcr;
		const char *what;
	} usual[] = {
		{ LK_PCR_LOADER, "the boot disk's partition table (GPT)" },
		{ 1, "boot options or firmware settings" },
		{ LK_PCR_BOOT, "the boot image" },
	};
	char pcrs[LK_PCR_MASK_TEXT];
	const char *between = ": ";

	lk_pcr_mask_format(diff->follows, pcrs);
	lk_text_add(out, "boot_aggregate is another by one of PCRs %s, which aren't signed%s", pcrs,
		    diff->n > 1 ? ", or IMA has measured another file" : "");
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		if (!(diff->follows >> usual[i].pcr & 1))
			continue;
		lk_text_add(out, "%s%s (PCR %u)", between, usual[i].what, usual[i].pcr);
		between = ", or ";
	}
	lk_text_add(out, "; which one isn't known, since no good boot is remembered");
}

void lk_boot_diff_text(const struct lk_boot_view *view, const struct lk_boot_diff *diff,
		       struct lk_text_out *ret)
{
	static const char *const plain[] = {
		[LK_TOLD_BESIDE] =
			"the event logs come to the signed value: something has extended it that writes no log",
		[LK_TOLD_UNEXPLAINED] =
			"the event logs don't come to its value, so no event can be named",
		[LK_TOLD_SAME] =
			"the events that are remembered are the same: what differs comes after them, or was measured without a log",
		[LK_TOLD_OTHER_BOOT] =
			"no event can be named: the boot that is remembered is another signed policy's",
		[LK_TOLD_NOTHING] = "no event can be named: no good boot is remembered",
	};

	lk_text_out_init(ret);
	switch (diff->told) {
	case LK_TOLD_EVENT:
		add_event(view, diff, ret);
		break;
	case LK_TOLD_AGGREGATE:
		add_followed(diff, ret);
		break;
	case LK_TOLD_BELOW:
		add_below(diff, ret);
		break;
	default:
		lk_text_add(ret, "%s", plain[diff->told]);
		break;
	}
}
