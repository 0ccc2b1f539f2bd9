/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns finding the events behind PCRs that differ, in the boot's logs. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "unseal/diagnose.h"

static int read_logs(struct lk_diagnosis *d, struct lk_err *err)
{
	const struct lk_unseal_options *o = d->options;
	const struct lk_boot_log_names names = {
		.firmware = o->log ? o->log : LK_BOOT_LOG_FIRMWARE,
		.ima = o->ima_log				       ? o->ima_log
		       : !o->log && access(LK_BOOT_LOG_IMA, F_OK) == 0 ? LK_BOOT_LOG_IMA
								       : NULL,
	};
	int rc = lk_boot_logs_read(&names, &d->logs, err);

	return rc == LK_OK ? lk_boot_logs_check(&d->logs, err) : rc;
}

static void look_once(struct lk_diagnosis *d)
{
	if (d->looked)
		return;
	d->looked = true;
	if (read_logs(d, &d->no_logs) != LK_OK)
		return;
	d->in = calloc(1, sizeof(*d->in));
	if (d->in)
		d->in->hashes = LK_BOOT_DIFF_HASHES;
	else
		(void)lk_err_set(&d->no_logs, LK_E_SYSTEM, 0, "out of memory");
}

int lk_diagnose_look(struct lk_diagnosis *d, const struct lk_target *t, struct lk_err *err)
{
	const struct lk_hints *hints = &t->token.hints;
	struct lk_boot_diff_input *in;

	look_once(d);
	in = d->in;
	if (!in) {
		*err = d->no_logs;
		return (int)err->rc;
	}
	in->view.logs = lk_boot_logs_bytes(&d->logs);
	in->view.hash = lk_crypto_hash;
	in->remembered =
		lk_boot_reference_parse((struct lk_bytes){ hints->events, hints->events_len },
					&in->reference);
	return lk_log_explain(&in->view.logs, &t->seen, lk_crypto_hash, &in->view.explained, err);
}

/* Beside those of the policy that are found anyway. */
static void find_below(struct lk_diagnosis *d, uint32_t follows, struct lk_policy_diffs *ret)
{
	for (unsigned int i = 0; i < LK_IMA_BOOT_PCRS; i++)
		if (follows & ~ret->differing & 1u << i &&
		    lk_boot_diff_below(d->in, i, &ret->below[ret->n_below], NULL) == LK_OK)
			ret->n_below++;
}

void lk_diagnose_policy(struct lk_diagnosis *d, struct lk_policy_diffs *ret)
{
	uint32_t latch = d->pf->latch == LK_NO_PCR ? 0 : 1u << d->pf->latch;

	ret->n = 0;
	ret->n_below = 0;
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		struct lk_boot_diff *diff = &ret->diff[ret->n];

		if (!(ret->differing & ~latch & 1u << i) ||
		    lk_boot_diff_find(d->in, &ret->policy->pcrs, i, diff, NULL) != LK_OK)
			continue;
		ret->n++;
		if (diff->told == LK_TOLD_AGGREGATE)
			find_below(d, diff->follows, ret);
	}
}

/* These say the same of every PCR. */
static bool is_general(const struct lk_boot_diff *diff)
{
	return diff->told == LK_TOLD_NOTHING || diff->told == LK_TOLD_OTHER_BOOT;
}

static bool is_same(const struct lk_boot_diff *a, const struct lk_boot_diff *b)
{
	return a->told == b->told && (is_general(a) || a->pcr == b->pcr) &&
	       a->change == b->change && a->event == b->event && a->ima == b->ima && a->n == b->n &&
	       a->follows == b->follows;
}

void lk_diagnose_say(struct lk_diagnosis *d, const char *volume, const struct lk_boot_diff *diff)
{
	struct lk_text_out text;

	for (size_t i = 0; i < d->n_said; i++)
		if (is_same(&d->said[i], diff))
			return;
	if (d->n_said == LK_DIAGNOSIS_LINES)
		return;
	d->said[d->n_said++] = *diff;
	lk_boot_diff_text(&d->in->view, diff, &text);
	if (is_general(diff))
		lk_log(LK_LOG_ERR, "%s: %s", volume, text.text);
	else
		lk_log(LK_LOG_ERR, "%s: PCR %u: %s", volume, diff->pcr, text.text);
}
