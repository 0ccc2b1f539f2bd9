/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns when the latch is closed in a run, by whom it is proven, and what it costs where it can't be. */
#include "sys/os/log.h"
#include "unseal/run.h"

static bool anything_unsealed(const struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (run->targets[i].payload.len)
			return true;
	return false;
}

/*
 * Where something was unsealed a session is kept. Else, where the policy file says
 * whose root key it has to be, one is started: what only seems to be without that
 * key may be a TPM behind somebody who keeps the latch open for what boots after a
 * typed key.
 */
static void prove_tpm(struct run *run)
{
	struct lk_tpm_object root = { .handle = run->pf.root_handle, .pinned = run->pf.root_name };
	struct lk_err err = { 0 };

	for (size_t i = 0; i < run->n && !root.pinned.len; i++)
		root.pinned = run->targets[i].root_name;
	if (run->pf.root_signed && !root.pinned.len)
		run->unproven = true;
	if (!root.pinned.len || lk_tpm_prove(run->tpm, &root, &err) == LK_OK)
		return;
	run->unproven = true;
	lk_log(LK_LOG_WARNING, "that the latch (PCR %u) closes can't be proven: %s", run->pf.latch,
	       err.msg);
}

int lk_run_close_latch(struct run *run, struct lk_err *err)
{
	int rc;

	if (!lk_run_has_latch(run))
		return LK_OK;
	if (!run->tpm) {
		if (lk_tpm_open(run->options->tcti, 0, &run->tpm, NULL) != LK_OK)
			return LK_OK;
		lk_tpm_measure_time(run->tpm, run->options->timing);
	}
	prove_tpm(run);
	rc = lk_latch_close(run->tpm, &run->pf, !anything_unsealed(run), err);
	lk_timing_step(run->options->timing, NULL, "latch closed");
	if (rc == LK_E_NO_TPM && !lk_tpm_answered(run->tpm)) {
		lk_tpm_free(run->tpm);
		run->tpm = NULL;
		return LK_OK;
	}
	if (rc != LK_OK) {
		lk_err_prefix(err, "the latch (PCR %u) can't be closed", run->pf.latch);
		rc = LK_E_LATCH;
	}
	return rc;
}

void lk_run_measure(struct run *run, const struct lk_target *t)
{
	struct lk_err err = { 0 };

	if (!lk_run_has_latch(run) || !run->tpm)
		return;
	if (lk_latch_measure(run->tpm, &run->pf, t, &err) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s: its volume key isn't measured: %s", t->vol->name,
		       err.msg);
}
