/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what follows where a volume isn't opened: a prompt, an explanation, nothing at all. */
#include "sys/os/log.h"
#include "unseal/ending.h"
#include "unseal/run.h"

bool lk_run_may_prompt(const struct run *run, const struct lk_target *t)
{
	return !run->options->dry_run && !run->opened_before && t->luks &&
	       t->vol->on_failure == LK_ON_FAILURE_PROMPT &&
	       ((run->tpm && !run->unproven) || run->pf.prompt_without_tpm);
}

void lk_run_keep_closed_beside_a_prompt(struct run *run)
{
	const char *typed = NULL;

	for (size_t i = 0; i < run->n; i++)
		if (run->targets[i].rc != LK_OK && lk_run_may_prompt(run, &run->targets[i]))
			typed = run->targets[i].vol->name;
	for (size_t i = 0; i < run->n && typed; i++) {
		struct lk_target *t = &run->targets[i];

		if (t->rc != LK_OK)
			continue;
		lk_secret_done(&t->volume_key);
		t->rc = lk_err_set(
			&t->err, LK_E_VOLUME, 0,
			"the TPM would open it, but the key of %s is to be typed, and who types isn't proven to be the owner",
			typed);
	}
}

void lk_run_diagnose(struct run *run, struct lk_target *t)
{
	struct lk_diagnosis *d = &run->diagnosis;

	d->options = run->options;
	d->pf = &run->pf;
	d->files = &run->files;
	d->tpm = run->tpm;
	lk_diagnose(d, t);
}

int lk_run_give_up(struct run *run, int rc, const struct lk_err *err)
{
	if (lk_exit_of(rc)->latch != LK_LATCH_OPEN)
		rc = LK_E_LATCH;
	lk_log(LK_LOG_ERR, "nothing is opened: %s", err->msg);
	for (size_t i = 0; i < run->n; i++)
		run->targets[i].rc = rc;
	if (rc != LK_E_USAGE && !run->options->dry_run)
		lk_ending_act(&run->pf, run->targets, run->n);
	return rc;
}
