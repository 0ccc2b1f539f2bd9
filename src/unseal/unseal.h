/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the order of things when volumes are opened. */
#ifndef LK_UNSEAL_UNSEAL_H
#define LK_UNSEAL_UNSEAL_H

#include <stdbool.h>

#include "core/base/paths.h"
#include "core/policy/policy_file.h"
#include "core/luks/booted.h"
#include "core/luks/token.h"
#include "sys/luks/luks.h"
#include "sys/os/timing.h"
#include "sys/tpm/tpm.h"

struct lk_unseal_options {
	const char *policy;	     /* path of the policy file */
	const char *signed_policies; /* file or directory, or NULL */
	const char *volume;	     /* name, or NULL for all */
	const char *tcti;
	const char *learn;	  /* directory, or NULL; see learn.c */
	const char *log;	  /* the firmware's, or NULL: this boot's */
	const char *ima_log;	  /* NULL: this boot's, or with @log none */
	const char *diagnosis;	  /* path, or NULL: LK_DIAGNOSIS_FILE */
	const char *check_policy; /* check this policy file and nothing else; NULL */
	const char *pin_file;	  /* of a dry run, or NULL */
	bool dry_run;		  /* everything but mapping and latching */
	struct lk_timing *timing; /* NULL: nothing is measured */
};

/** One volume on its way from found to mapped. Embedded; lk_target_done. */
struct lk_target {
	const struct lk_volume *vol;
	char device[LK_DEVICE_PATH_MAX];
	struct lk_luks *luks; /* set once the header is accepted */
	struct lk_token token;
	struct lk_name root_name;		/* of the root key; len 0: any */
	struct lk_secret payload;		/* what the TPM unsealed */
	const struct lk_secret *given_pin;	/* by --pin-file; NULL: a person is asked */
	unsigned int ask_seconds;		/* for a PIN; 0: as long as it takes */
	struct lk_secret *last_pin;		/* of the volume before; the run's */
	struct lk_secret volume_key;		/* set once it is ours */
	struct lk_pcr_values seen;		/* PCRs as read, for choosing or diagnosis */
	const struct lk_signed_policy *refused; /* the remembered one */
	const struct lk_signed_policy *used;	/* that it was opened by */
	struct lk_timing *timing;		/* the run's; or NULL */
	bool latched;  /* the latch is closed after it: its session is kept for that */
	bool no_token; /* none that could be read: nothing to add policies to */
	bool learned;  /* token's hints are others than on the disk */
	int rc;
	struct lk_err err;
};
void lk_target_done(struct lk_target *t);

/** Devices that signed policies are brought on, in one run. */
#define LK_BROUGHT_MAX 8u

/** Signed policies given as files, and what was wrong with the worst of them. */
struct lk_signed_files {
	struct lk_token token; /* policies alone */
	struct lk_err bad;     /* rc LK_OK: every file could be read */
	size_t n_brought;
	struct lk_token brought[LK_BROUGHT_MAX]; /* the same; see brought.h */
};
void lk_signed_files_done(struct lk_signed_files *files);

/** Signed policies at hand, in the order to try. */
struct lk_candidates {
	size_t n;
	const struct lk_signed_policy **list; /* into token or files */
	struct lk_err last_refused;	      /* why one was passed over */
	size_t n_refused;
};

/**
 * lk_unseal_run - the whole of it: policy file to mapped volumes
 *
 * Every volume's header is checked, then every secret is unsealed, then the
 * latch is closed; only then is a keyslot opened, a volume mapped, a person
 * asked for another key, or a volume given up. A PIN, which is part of
 * unsealing, is asked for before. Opening a keyslot comes after the latch since
 * it is long work on an attacker's parameters, which must not be a chance to
 * crash this program while the TPM would still unseal; and after all
 * unsealing since the kernel may load a module of its crypto for it, which
 * under Secure Boot Debian's IMA measures into PCR 10.
 *
 * Return: LK_OK when every volume asked for is open, else the first failure.
 */
int lk_unseal_run(const struct lk_unseal_options *options);

/**
 * lk_unseal_check_policy - would a run take this policy file?
 *
 * For who puts it into an image, where a refusal comes too late. Needs no TPM.
 * Prints what the file wants of the image, as lk_unseal_print_needs() does.
 * Return: LK_OK or LK_E_INPUT.
 */
int lk_unseal_check_policy(const char *path, struct lk_err *err);

/** Prints a word a line of what the boot image has to have for this policy file; the
 * words are in latchkey-unseal(8), at --check-policy. */
void lk_unseal_print_needs(const struct lk_policy_file *pf);

/* volume.c */
/** Finds the device and copies and checks its header. Fills device, luks,
 * token. */
LK_MUST_CHECK int lk_target_find(struct lk_target *t, const struct lk_policy_file *pf,
				 struct lk_err *err);
/** Unseals; touches nothing but the TPM. Fills payload. */
LK_MUST_CHECK int lk_target_unseal(struct lk_target *t, struct lk_tpm *tpm,
				   const struct lk_policy_file *pf,
				   const struct lk_signed_files *files, struct lk_err *err);
/** Opens the keyslot and proves the volume key. Takes payload, fills
 * volume_key. */
LK_MUST_CHECK int lk_target_unlock(struct lk_target *t, struct lk_err *err);

/* root_key.c */
/**
 * lk_target_root_key - whose storage root key the session may be with
 *
 * The policy file's, or what the owner has signed in the token. Fills root_name.
 * Return: LK_OK, with root_name.len 0 where nobody says it and it need not be said;
 * LK_E_OBJECT where it is wanted (root-key: signed, or a PIN) and isn't there.
 */
int lk_target_root_key(struct lk_target *t, const struct lk_policy_file *pf, struct lk_err *err);

/* candidates.c */
/**
 * lk_candidates_from - those that belong to the policy file, files first
 * @ret: free ret->list; LK_OK even when it is empty
 */
int lk_candidates_from(const struct lk_policy_file *pf, const struct lk_signed_files *files,
		       const struct lk_token *token, struct lk_candidates *ret, struct lk_err *err);
/**
 * lk_candidates_load - signed policies of a file or a directory
 *
 * The files may lie where an attacker writes: one that can't be read is said
 * on the log and passed over, so that it keeps nobody from the latch.
 */
void lk_candidates_load(const char *path, struct lk_signed_files *ret);

/* latch.c */
/**
 * lk_latch_close - extends the latch PCR in every bank, so that nothing more is unsealed
 * @thorough: nothing was unsealed, so the policy's own bank may not be active:
 *	both go into the record
 *
 * By an event that the TPM hashes, in the session that the TPM has proven itself
 * in, where one is kept.
 * Return: LK_OK, or what the TPM said.
 */
LK_MUST_CHECK int lk_latch_close(struct lk_tpm *tpm, const struct lk_policy_file *pf, bool thorough,
				 struct lk_err *err);
/** Measures an opened volume's key as systemd does, into the same PCR. */
int lk_latch_measure(struct lk_tpm *tpm, const struct lk_policy_file *pf, const struct lk_target *t,
		     struct lk_err *err);

/* unextended.c */
/** One line where a PCR that the policy file relies on was extended by nobody. */
void lk_unextended_say(const struct lk_policy_file *pf, const struct lk_target *targets, size_t n);

/* boot_line.c */
/** lk_boot_argument() of this boot; false also where the line can't be read. */
bool lk_unseal_boot_argument(const char *name, char *out, size_t cap);

/* learn.c */
/**
 * lk_learn_keep - leaves what the next unlock can go without asking for
 * @dir: made where it lacks, in a directory that is there
 *
 * latchkey-provision remember puts it into the token, in the running system.
 * That it can't be left is said, and costs the next unlock a few commands.
 */
void lk_learn_keep(const char *dir, const struct lk_target *t);
/** Leaves which signed policy opened the volume in this boot. */
void lk_learn_booted(const struct lk_target *t);

/* pin.c */
/**
 * lk_pin_unseal - asks for the volume's PIN, and unseals with it
 * @req: all but the PIN
 *
 * A wrong PIN is said, with how many tries the TPM leaves; three are asked for.
 * The volume before's isn't tried unasked: a wrong one counts.
 * Return: as lk_tpm_unseal.
 */
struct lk_pin_try {
	struct lk_target *target;
	struct lk_tpm *tpm;
	int (*unseal)(struct lk_target *t, struct lk_tpm *tpm, struct lk_unseal_request *req,
		      struct lk_err *err);
};
int lk_pin_unseal(const struct lk_pin_try *with, struct lk_unseal_request *req, struct lk_err *err);

/* prompt.c */
/** Asks for a passphrase or recovery key, three times. Fills volume_key.
 * @seconds: for each question; 0: no limit */
int lk_prompt_volume_key(struct lk_target *t, unsigned int seconds, struct lk_err *err);

#endif
