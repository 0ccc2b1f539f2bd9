/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the state of one run of latchkey-unseal, which the files of the run share: the order, the latch, what follows a failure. */
#ifndef LK_UNSEAL_RUN_H
#define LK_UNSEAL_RUN_H

#include "unseal/diagnose.h"

/** The state of one run. */
struct run {
	const struct lk_unseal_options *options;
	struct lk_policy_file pf;
	struct lk_signed_files files;
	struct lk_secret last_pin;
	struct lk_secret given_pin;
	struct lk_tpm *tpm;
	struct lk_err no_tpm; /* why there is none */
	char *opened_before;  /* by the TPM in this boot, and by an earlier run; or NULL */
	bool unproven;	      /* the latch, though its root key is pinned */
	struct lk_target targets[LK_VOLUMES_MAX];
	size_t n;
	struct lk_diagnosis diagnosis;
};

/** Does this run close a latch? Not a dry run, and not where the policy file names none. */
static inline bool lk_run_has_latch(const struct run *run)
{
	return !run->options->dry_run && run->pf.latch != LK_NO_PCR;
}

/* close_latch.c */
/**
 * lk_run_close_latch - after this the TPM unseals nothing more in this boot
 *
 * Where there is no TPM there is nothing to close, and one that never answers
 * is as good as none; but it may have come up while devices were waited for.
 *
 * Return: LK_OK; LK_E_LATCH, which is fatal for the whole run, where it can't be closed.
 */
LK_MUST_CHECK int lk_run_close_latch(struct run *run, struct lk_err *err);
/** Measures the key of a volume that was opened. The latch is closed already: that this
 * fails costs only the record, and is a warning. */
void lk_run_measure(struct run *run, const struct lk_target *t);

/* failure.c */
/** May a person be asked for another key of this volume, which the TPM hasn't opened? */
bool lk_run_may_prompt(const struct run *run, const struct lk_target *t);
/**
 * lk_run_keep_closed_beside_a_prompt - where one key is to be typed, all are
 *
 * Who types a key isn't proven to be the owner: the volume may be one of a
 * thief's, with a passphrase that he knows, and what runs from it would find
 * the others open.
 */
void lk_run_keep_closed_beside_a_prompt(struct run *run);
/** Says why the volume stays closed, with the events behind it. */
void lk_run_diagnose(struct run *run, struct lk_target *t);
/**
 * lk_run_give_up - nothing is opened
 *
 * No volume may be mapped and no prompt shown: the latch may be open. Whoever
 * started this program knows that by the exit code alone.
 *
 * Return: @rc, or LK_E_LATCH where @rc wouldn't say that the latch may be open.
 */
int lk_run_give_up(struct run *run, int rc, const struct lk_err *err);

#endif
