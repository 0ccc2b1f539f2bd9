/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the order: unseal all, close the latch, then map, ask or give up. */
#include "unseal/brought.h"
#include "unseal/ending.h"
#include "unseal/run.h"

#include <stdlib.h>
#include <string.h>

#include "core/policy/boot_argument.h"
#include "core/policy/pin.h"
#include "sys/format/document.h"
#include "sys/os/log.h"
#include "sys/os/secret_line.h"
#include "volume/opened.h"

/* A try that nobody is at ends; a boot waits for as long as its policy file says. */
#define DRY_RUN_ASK_S 60u

static void run_done(struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		lk_target_done(&run->targets[i]);
	lk_diagnosis_done(&run->diagnosis);
	lk_signed_files_done(&run->files);
	lk_secret_done(&run->last_pin);
	lk_secret_done(&run->given_pin);
	lk_tpm_free(run->tpm);
	free(run->opened_before);
}

/* What can't be read, or has no volume, is the same to who starts this: the image
 * was made wrong, and the latch stays open. */
static int load_policy(const char *path, struct lk_policy_file *ret, struct lk_err *err)
{
	int rc = lk_document_early_policy_file(path, ret, err);

	if (rc == LK_OK && ret->n_volumes == 0)
		rc = lk_err_set(err, LK_E_INPUT, 0,
				"%s: volumes: the list is empty; nothing can be opened", path);
	if (rc == LK_E_IO)
		rc = err->rc = LK_E_INPUT;
	return rc;
}

int lk_unseal_check_policy(const char *path, struct lk_err *err)
{
	struct lk_policy_file *pf = calloc(1, sizeof(*pf));
	int rc = pf ? load_policy(path, pf, err) : lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");

	if (rc == LK_OK)
		lk_unseal_print_needs(pf);
	free(pf);
	return rc;
}

static int choose_targets(struct run *run, struct lk_err *err)
{
	const char *only = run->options->volume;

	if (only && !lk_policy_file_volume(&run->pf, only))
		return lk_err_set(err, LK_E_USAGE, 0, "volume \"%.80s\" isn't in %s", only,
				  run->options->policy);
	for (size_t i = 0; i < run->pf.n_volumes; i++) {
		const struct lk_volume *vol = &run->pf.volumes[i];

		if (only && strcmp(only, vol->name) != 0)
			continue;
		if (lk_luks_is_mapped(vol->name)) {
			lk_log(LK_LOG_INFO, "%s: /dev/mapper/%s is there already", vol->name,
			       vol->name);
			continue;
		}
		run->targets[run->n++] = (struct lk_target){
			.vol = vol,
			.last_pin = &run->last_pin,
			.given_pin = run->options->pin_file ? &run->given_pin : NULL,
			.ask_seconds = run->options->dry_run ? DRY_RUN_ASK_S
							     : lk_ending_prompt_seconds(&run->pf),
			.latched = lk_run_has_latch(run),
			.timing = run->options->timing,
			.token = LK_TOKEN_NONE
		};
	}
	return LK_OK;
}

/* Beside a prompt nothing is opened by the TPM, over all runs of a boot: see
 * lk_run_keep_closed_beside_a_prompt(). What an earlier run has opened so it has left here. */
static void look_for_opened(struct run *run)
{
	char **names = NULL;
	size_t n = 0;

	if (run->options->dry_run || !lk_fs_is_directory(LK_BOOTED_DIR))
		return;
	/* What can't be looked at may be there. */
	if (lk_fs_list(LK_BOOTED_DIR, LK_VOLUMES_MAX * 4, &names, &n, NULL) != LK_OK)
		run->opened_before = strdup(LK_BOOTED_DIR);
	else if (n)
		run->opened_before = strdup(names[0]);
	lk_fs_list_free(names, n);
}

/* Whoever writes the command line sees more of what is done, and nothing that is secret. */
static void heed_debug_argument(void)
{
	char value[8];

	if (lk_unseal_boot_argument(LK_ARG_DEBUG, value, sizeof(value)) && value[0] &&
	    strcmp(value, "0") != 0)
		lk_log_debug();
}

static int prepare(struct run *run, struct lk_err *err)
{
	const struct lk_unseal_options *o = run->options;
	int rc = load_policy(o->policy, &run->pf, err);

	lk_timing_step(run->options->timing, NULL, "policy file read");
	if (rc == LK_OK)
		rc = choose_targets(run, err);
	if (rc != LK_OK)
		return rc;
	look_for_opened(run);
	if (o->pin_file)
		LK_TRY(lk_secret_read_line(o->pin_file, LK_PIN_MAX, &run->given_pin, err));
	if (o->signed_policies && !lk_brought_by_hand(o->signed_policies, &run->pf, &run->files))
		lk_candidates_load(o->signed_policies, &run->files);
	rc = lk_tpm_open(o->tcti, run->pf.timeout_tpm, &run->tpm, &run->no_tpm);
	if (rc == LK_OK)
		lk_tpm_measure_time(run->tpm, o->timing);
	lk_timing_step(run->options->timing, NULL, "TPM there, and connected to");
	if (rc == LK_E_USAGE) {
		*err = run->no_tpm;
		return rc;
	}
	return LK_OK;
}

/* A token or a file that nobody vouches for is no reason to halt: that isn't what
 * the code of a malformed input means before the latch. */
static int closed(int rc)
{
	return rc == LK_E_INPUT || rc == LK_E_USAGE ? LK_E_POLICY : rc;
}

static void settle(struct lk_target *t, int rc, const struct lk_err *err)
{
	t->rc = closed(rc);
	if (rc != LK_OK)
		t->err = *err;
}

/* For the diagnosis: the values as they are now, before the latch changes its
 * own. Where they can't be had (a bank that isn't active), that is the reason. */
static void look_at_pcrs(struct run *run, struct lk_target *t, struct lk_err *err)
{
	struct lk_err why;

	if (lk_tpm_pcr_read(run->tpm, &run->pf.pcrs, &t->seen, &why) == LK_E_POLICY)
		*err = why;
}

static void find_all(struct run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		struct lk_err err = { 0 };
		int rc = lk_target_find(&run->targets[i], &run->pf, &err);

		lk_timing_step(run->options->timing, run->targets[i].vol->name,
			       "device there, header and token read");
		settle(&run->targets[i], rc, &err);
	}
}

static void unseal_one(struct run *run, struct lk_target *t)
{
	struct lk_err err = run->no_tpm;
	int rc = LK_E_NO_TPM;

	if (run->tpm)
		rc = lk_target_unseal(t, run->tpm, &run->pf, &run->files, &err);
	lk_timing_step(run->options->timing, t->vol->name,
		       rc == LK_OK ? "unsealed" : "not unsealed");
	if (rc == LK_E_POLICY || rc == LK_E_AGAIN)
		look_at_pcrs(run, t, &err);
	settle(t, rc, &err);
}

static void unseal_all(struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (run->targets[i].rc == LK_OK)
			unseal_one(run, &run->targets[i]);
}

/* A volume that no signed policy at hand opens, and whose PCRs could be read. */
static struct lk_target *find_unfitted(struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (run->targets[i].rc == LK_E_POLICY &&
		    run->targets[i].seen.sel.mask == run->pf.pcrs.mask)
			return &run->targets[i];
	return NULL;
}

/* What opens without is neither delayed by it nor costs a TPM command more. */
static void unseal_with_brought(struct run *run)
{
	struct lk_target *unfitted = find_unfitted(run);
	struct lk_brought b;

	if (!unfitted || !lk_brought_begin(&b, &run->pf))
		return;
	while (unfitted && lk_brought_next(&b, &unfitted->seen, &run->files)) {
		for (size_t i = 0; i < run->n; i++)
			if (run->targets[i].rc == LK_E_POLICY)
				unseal_one(run, &run->targets[i]);
		unfitted = find_unfitted(run);
	}
	lk_timing_step(run->options->timing, NULL, "looked for signed policies from outside");
}

static void unlock_all(struct run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		struct lk_target *t = &run->targets[i];
		struct lk_err err = { 0 };

		if (t->rc != LK_OK)
			continue;
		settle(t, lk_target_unlock(t, &err), &err);
		lk_timing_step(run->options->timing, t->vol->name,
			       "keyslot opened, volume key compared");
		if (t->rc != LK_OK)
			continue;
		lk_run_measure(run, t);
		lk_timing_step(run->options->timing, t->vol->name, "volume key measured");
	}
}

static int map(struct run *run, struct lk_target *t)
{
	char identity[LK_OPENED_TEXT];
	int rc;

	if (run->options->dry_run) {
		lk_log(LK_LOG_INFO, "%s: %s would open as /dev/mapper/%s", t->vol->name, t->device,
		       t->vol->name);
		return LK_OK;
	}
	rc = lk_opened_identity(&t->volume_key, identity, &t->err);
	if (rc == LK_OK)
		rc = lk_luks_map(t->luks, t->vol, &t->volume_key, &t->err);
	lk_timing_step(run->options->timing, t->vol->name, rc == LK_OK ? "mapped" : "not mapped");
	lk_secret_done(&t->volume_key);
	if (rc == LK_OK)
		lk_opened_keep(t->vol, identity);
	if (rc == LK_OK)
		lk_log(LK_LOG_INFO, "%s: %s is open as /dev/mapper/%s", t->vol->name, t->device,
		       t->vol->name);
	return rc;
}

static void prompt(struct run *run, struct lk_target *t)
{
	struct lk_err err = { 0 };
	int rc = lk_prompt_volume_key(t, lk_ending_prompt_seconds(&run->pf), &err);

	if (rc != LK_OK) {
		lk_log(LK_LOG_ERR, "%s: not opened: %s", t->vol->name, err.msg);
		return;
	}
	t->rc = map(run, t);
	if (t->rc != LK_OK)
		lk_log(LK_LOG_ERR, "%s: not opened: %s", t->vol->name, t->err.msg);
}

static const char *learn_dir(const struct run *run)
{
	if (run->options->learn)
		return run->options->learn;
	return run->options->dry_run ? NULL : LK_LEARNED_DIR;
}

static int finish(struct run *run)
{
	int first = LK_OK;

	lk_run_keep_closed_beside_a_prompt(run);
	lk_unextended_say(&run->pf, run->targets, run->n);

	for (size_t i = 0; i < run->n; i++) {
		struct lk_target *t = &run->targets[i];
		/* Not for one that the TPM opened and that can't be mapped:
		 * no key mends that, and others may be open already. */
		bool asks = t->rc != LK_OK && lk_run_may_prompt(run, t);

		if (t->rc == LK_OK)
			t->rc = map(run, t);
		if (t->rc == LK_OK && t->learned && learn_dir(run))
			lk_learn_keep(learn_dir(run), t);
		if (t->rc == LK_OK && t->used && learn_dir(run))
			lk_brought_keep(learn_dir(run), t);
		if (t->rc == LK_OK && t->used && !run->options->dry_run)
			lk_learn_booted(t);
		if (t->rc != LK_OK)
			lk_run_diagnose(run, t);
		if (t->rc != LK_OK && run->opened_before &&
		    t->vol->on_failure == LK_ON_FAILURE_PROMPT)
			lk_log(LK_LOG_ERR,
			       "%s: no key is asked for, since the TPM has opened a volume in this boot already (%s), and who types isn't proven to be the owner",
			       t->vol->name, run->opened_before);
		if (asks)
			prompt(run, t);
		if (first == LK_OK)
			first = t->rc;
	}
	if (run->options->dry_run)
		return first;
	lk_ending_opened(&run->pf, run->targets, run->n);
	lk_ending_act(&run->pf, run->targets, run->n);
	return first;
}

static int open_all(struct run *run, struct lk_err *err)
{
	int rc;

	find_all(run);
	unseal_all(run);
	unseal_with_brought(run);
	rc = lk_run_close_latch(run, err);
	lk_secret_done(&run->last_pin);
	if (rc != LK_OK)
		return rc;
	/* What the TPM library's buffers hold of a secret is freed, and so
	 * wiped, before the long work. */
	if (run->tpm && lk_tpm_forget(run->tpm, err) != LK_OK)
		return LK_E_SYSTEM;
	unlock_all(run);
	return LK_OK;
}

int lk_unseal_run(const struct lk_unseal_options *options)
{
	struct run *run = calloc(1, sizeof(*run));
	struct lk_err err = { 0 };
	int rc;

	if (!run) {
		lk_log(LK_LOG_ERR, "nothing is opened: out of memory");
		return LK_E_SYSTEM;
	}
	heed_debug_argument();
	run->options = options;
	run->files.token = LK_TOKEN_NONE;
	rc = prepare(run, &err);
	if (rc == LK_OK)
		rc = open_all(run, &err);
	rc = rc == LK_OK ? finish(run) : lk_run_give_up(run, rc, &err);
	lk_timing_print(options->timing);
	run_done(run);
	free(run);
	return rc;
}
