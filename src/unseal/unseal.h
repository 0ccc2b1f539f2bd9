/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the order of things when volumes are opened. */
#ifndef LK_UNSEAL_H
#define LK_UNSEAL_H

#include <stdbool.h>

#include "core/policy_file.h"
#include "core/token.h"
#include "sys/luks.h"
#include "sys/tpm.h"

struct lk_unseal_options {
	const char *policy;	     /* path of the policy file */
	const char *signed_policies; /* file or directory, or NULL */
	const char *volume;	     /* name, or NULL for all */
	const char *tcti;
	bool dry_run; /* everything but mapping and latching */
};

/** One volume on its way from found to mapped. Embedded; lk_target_done. */
struct lk_target {
	const struct lk_volume *vol;
	char device[LK_DEVICE_PATH_MAX];
	struct lk_luks *luks; /* set once the header is accepted */
	struct lk_token token;
	struct lk_secret payload;    /* what the TPM unsealed */
	struct lk_secret volume_key; /* set once it is ours */
	struct lk_pcr_values seen; /* PCRs as read, for choosing or diagnosis */
	int rc;
	struct lk_err err;
};
void lk_target_done(struct lk_target *t);

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
 * Every volume's header is checked, then every secret is unsealed, and only
 * then is a keyslot opened: the kernel may load a module of its crypto for
 * that, and under Secure Boot Debian's IMA measures each module into PCR 10,
 * which would spoil the next volume's unsealing. Then the latch is closed;
 * only then is anything mapped, asked for, or given up. (Closing it before
 * mapping leaves no moment at which a mapped volume and an open TPM exist
 * together.)
 *
 * Return: LK_OK when every volume asked for is open, else the first failure.
 */
int lk_unseal_run(const struct lk_unseal_options *options);

/* volume.c */
/** Finds the device and copies and checks its header. Fills device, luks,
 * token. */
int lk_target_find(struct lk_target *t, const struct lk_policy_file *pf,
		   struct lk_err *err);
/** Unseals; touches nothing but the TPM. Fills payload. */
int lk_target_unseal(struct lk_target *t, struct lk_tpm *tpm,
		     const struct lk_policy_file *pf,
		     const struct lk_token *files, struct lk_err *err);
/** Opens the keyslot and proves the volume key. Takes payload, fills
 * volume_key. */
int lk_target_unlock(struct lk_target *t, struct lk_err *err);

/* candidates.c */
/**
 * lk_candidates_from - those that belong to the policy file, files first
 * @ret: free ret->list; LK_OK even when it is empty
 */
int lk_candidates_from(const struct lk_policy_file *pf,
		       const struct lk_token *files,
		       const struct lk_token *token, struct lk_candidates *ret,
		       struct lk_err *err);
/** Signed policies of a file or a directory, as the policies of a token. */
int lk_candidates_load(const char *path, struct lk_token *ret,
		       struct lk_err *err);

/* latch.c */
/**
 * lk_latch_close - extends the latch PCR: by each opened volume's key, or by
 * the fact that none was opened
 */
int lk_latch_close(struct lk_tpm *tpm, const struct lk_policy_file *pf,
		   const struct lk_target *targets, size_t n,
		   struct lk_err *err);

/* prompt.c */
/** Asks for a passphrase or recovery key, three times. Fills volume_key. */
int lk_prompt_volume_key(struct lk_target *t, struct lk_err *err);

/* diagnose.c */
/**
 * lk_diagnose - says on the log why a volume wasn't opened, and what to do
 * @keep: also leave the PCR values in LK_SEEN_FILE, for signing
 */
#define LK_SEEN_FILE "/run/latchkey/pcrs.json"
void lk_diagnose(struct lk_target *t, const struct lk_policy_file *pf,
		 struct lk_tpm *tpm, const struct lk_token *files, bool keep);

#endif
