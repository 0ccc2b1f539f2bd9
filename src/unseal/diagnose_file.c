/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the diagnosis as a file that the running system can collect. */
#include <stdlib.h>
#include <string.h>

#include "sys/os/log.h"
#include "unseal/diagnose.h"

#define FILE_MAX (256u * 1024u)
/* Kept free for what ends each volume, and the file. */
#define TAIL_MAX 1024u

static const char *path(const struct lk_diagnosis *d)
{
	if (d->options->diagnosis)
		return d->options->diagnosis;
	return d->options->dry_run ? NULL : LK_DIAGNOSIS_FILE;
}

static void add_values(struct lk_json_text *j, const char *key, const struct lk_pcr_values *values)
{
	size_t size = lk_alg_size(values->sel.bank);

	lk_json_text_open(j, key, '{');
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		const char number[3] = { (char)('0' + (i < 10 ? i : i / 10)),
					 i < 10 ? '\0' : (char)('0' + i % 10), '\0' };

		if (values->sel.mask & 1u << i)
			lk_json_text_hex(j, number, (struct lk_bytes){ values->value[i], size });
	}
	lk_json_text_close(j, '}');
}

void lk_diagnose_file_begin(struct lk_diagnosis *d, const struct lk_target *t)
{
	struct lk_json_text *j = &d->json;

	d->left_out = 0;
	if (!path(d))
		return;
	if (!j->data) {
		j->data = malloc(FILE_MAX);
		if (!j->data)
			return;
		j->cap = FILE_MAX;
		lk_json_text_open(j, NULL, '{');
		lk_json_text_uint(j, "latchkey-diagnosis", 1);
		lk_json_text_open(j, "volumes", '[');
	}
	j->cap = FILE_MAX - TAIL_MAX;
	d->volume_at = j->len;
	lk_json_text_open(j, NULL, '{');
	lk_json_text_string(j, "volume", t->vol->name);
	lk_json_text_uint(j, "exit", (uint64_t)lk_exit_code(t->rc));
	lk_json_text_string(j, "message", t->err.msg);
	if (t->seen.sel.mask) {
		lk_json_text_string(j, "bank", lk_alg_name(t->seen.sel.bank));
		add_values(j, "pcrs", &t->seen);
	}
	lk_json_text_open(j, "policies", '[');
}

static void add_diff(struct lk_diagnosis *d, const struct lk_boot_diff *diff)
{
	static const char *const told[] = {
		[LK_TOLD_EVENT] = "event",
		[LK_TOLD_AGGREGATE] = "boot-aggregate",
		[LK_TOLD_BELOW] = "below",
		[LK_TOLD_BESIDE] = "beside-log",
		[LK_TOLD_UNEXPLAINED] = "unexplained",
		[LK_TOLD_SAME] = "same",
		[LK_TOLD_OTHER_BOOT] = "other-boot",
		[LK_TOLD_NOTHING] = "nothing",
	};
	static const char *const changes[] = { "changed", "new", "missing" };
	struct lk_json_text *j = &d->json;
	struct lk_text_out text;

	lk_boot_diff_text(&d->in->view, diff, &text);
	lk_json_text_string(j, "told", told[diff->told]);
	lk_json_text_string(j, "words", text.text);
	if (diff->told == LK_TOLD_EVENT) {
		lk_json_text_string(j, "change", changes[diff->change]);
		lk_json_text_string(j, "log", diff->ima ? "ima" : "firmware");
		if (diff->event)
			lk_json_text_uint(j, "event", diff->event);
	}
}

static void add_pcr(struct lk_diagnosis *d, const struct lk_target *t,
		    const struct lk_policy_diffs *diffs, unsigned int pcr)
{
	size_t size = lk_alg_size(t->seen.sel.bank);
	struct lk_json_text *j = &d->json;

	lk_json_text_open(j, NULL, '{');
	lk_json_text_uint(j, "pcr", pcr);
	lk_json_text_string(j, "meaning", lk_pcr_meaning(pcr));
	if (diffs->differing & 1u << pcr)
		lk_json_text_hex(j, "signed",
				 (struct lk_bytes){ diffs->policy->pcrs.value[pcr], size });
	for (size_t i = 0; i < diffs->n; i++)
		if (diffs->diff[i].pcr == pcr)
			add_diff(d, &diffs->diff[i]);
	for (size_t i = 0; i < diffs->n_below; i++)
		if (diffs->below[i].pcr == pcr)
			add_diff(d, &diffs->below[i]);
	lk_json_text_close(j, '}');
}

void lk_diagnose_file_policy(struct lk_diagnosis *d, const struct lk_target *t,
			     const struct lk_policy_diffs *diffs)
{
	struct lk_json_text *j = &d->json;
	size_t before = j->len;
	uint32_t mask = diffs->differing;

	if (!path(d) || !j->data)
		return;
	for (size_t i = 0; i < diffs->n_below; i++)
		mask |= 1u << diffs->below[i].pcr;
	lk_json_text_open(j, NULL, '{');
	lk_json_text_uint(j, "version", diffs->policy->version);
	lk_json_text_string(j, "label", diffs->policy->label);
	lk_json_text_open(j, "differing", '[');
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (mask & 1u << i)
			add_pcr(d, t, diffs, i);
	lk_json_text_close(j, ']');
	lk_json_text_close(j, '}');
	if (j->full) {
		j->full = false;
		j->len = before;
		d->left_out++;
	}
}

void lk_diagnose_file_end(struct lk_diagnosis *d, const char *no_events)
{
	struct lk_json_text *j = &d->json;
	struct lk_json_text whole;

	if (!path(d) || !j->data)
		return;
	j->cap = FILE_MAX - 8;
	lk_json_text_close(j, ']');
	lk_json_text_uint(j, "left-out", d->left_out);
	if (no_events)
		lk_json_text_string(j, "no-events", no_events);
	lk_json_text_close(j, '}');
	if (j->full) {
		j->full = false;
		j->len = d->volume_at;
	}
	whole = *j;
	whole.cap = FILE_MAX;
	lk_json_text_close(&whole, ']');
	lk_json_text_close(&whole, '}');
	lk_json_text_close(&whole, '\n');
	if (lk_fs_make_parent(path(d), NULL) == LK_OK &&
	    lk_fs_replace(path(d), whole.data, whole.len, 0644, NULL) == LK_OK)
		lk_log(LK_LOG_ERR, "all of this is in %s", path(d));
}
