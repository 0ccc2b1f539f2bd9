/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a run says of volumes that stay closed: on the log, and in a file for the running system. */
#ifndef LK_UNSEAL_DIAGNOSE_H
#define LK_UNSEAL_DIAGNOSE_H

#include "core/bootlog/boot_diff.h"
#include "core/base/json_text.h"
#include "sys/boot/boot_logs.h"
#include "unseal/unseal.h"

/** Sentences on events for each volume: a console shows some 25 lines. */
#define LK_DIAGNOSIS_LINES 8u

/** Of one run. Embedded; lk_diagnosis_done. */
struct lk_diagnosis {
	const struct lk_unseal_options *options;
	const struct lk_policy_file *pf;
	const struct lk_signed_files *files;
	struct lk_tpm *tpm;
	/* Since the first volume that needed them. */
	bool looked; /* for the logs */
	struct lk_err no_logs;
	struct lk_boot_logs logs;
	struct lk_boot_diff_input *in;
	struct lk_json_text json;
	size_t volume_at;			      /* where the volume's part begins in it */
	unsigned int left_out;			      /* signed policies without room in it */
	struct lk_boot_diff said[LK_DIAGNOSIS_LINES]; /* of this volume */
	size_t n_said;
};
void lk_diagnosis_done(struct lk_diagnosis *d);

/**
 * lk_diagnose - says why a volume wasn't opened, and what to do
 *
 * On the log, and but for a dry run also in LK_DIAGNOSIS_FILE; and leaves the
 * PCR values in LK_SEEN_FILE, for signing.
 */
void lk_diagnose(struct lk_diagnosis *d, struct lk_target *t);

/** Why one signed policy doesn't fit. */
struct lk_policy_diffs {
	const struct lk_signed_policy *policy;
	uint32_t differing; /* PCRs, the latch's included */
	size_t n;
	struct lk_boot_diff diff[LK_PCR_COUNT];
	/* PCRs that boot_aggregate follows from, and the policy hasn't. */
	size_t n_below;
	struct lk_boot_diff below[LK_IMA_BOOT_PCRS];
};

/* diagnose_events.c */
/**
 * lk_diagnose_look - reads the logs, once in a run, and what is remembered
 *
 * Return: LK_OK, or with what is wrong named.
 */
int lk_diagnose_look(struct lk_diagnosis *d, const struct lk_target *t, struct lk_err *err);
/**
 * lk_diagnose_policy - the events behind each PCR that differs
 * @ret: policy and differing are set; where an event can't be looked for, it
 *	isn't there
 */
void lk_diagnose_policy(struct lk_diagnosis *d, struct lk_policy_diffs *ret);
/** Says them on the log, and each sentence once for a volume. */
void lk_diagnose_say(struct lk_diagnosis *d, const char *volume, const struct lk_boot_diff *diff);

/* diagnose_file.c */
/** What is known of the volume alone, and then of each signed policy. */
void lk_diagnose_file_begin(struct lk_diagnosis *d, const struct lk_target *t);
void lk_diagnose_file_policy(struct lk_diagnosis *d, const struct lk_target *t,
			     const struct lk_policy_diffs *diffs);
/** @no_events: why no events could be looked at, or NULL */
void lk_diagnose_file_end(struct lk_diagnosis *d, const char *no_events);

#endif
