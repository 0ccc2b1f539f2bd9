/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns going from one generation to another: whole or not at all, and finished by the next run where it was cut. */
#ifndef LK_USERCONFIG_COMMIT_H
#define LK_USERCONFIG_COMMIT_H

#include "agreement.h"
#include "userconfig.h"

struct lk_commit {
	uint64_t from;
	uint64_t to;
	bool raise_floor; /* @to is a blob that has just been admitted */
	/** The connection that admitted it, or NULL; closed once the floor is
	 * raised, since units may want the TPM for themselves. */
	struct lk_tpm **tpm;
	/** For the record of what was at destinations; lk_commit needs it. */
	const struct lk_agreement_key *key;
	struct lk_copies *copies; /* lk_commit's own */
};

/** What came of it, for who reports. */
struct lk_commit_result {
	unsigned int files_changed;
	size_t units;
};

/**
 * lk_commit - links, the switch, the TPM's floor, units, tidying
 *
 * Return: LK_OK; LK_E_SERVICE when a unit didn't come back and @from is in place
 * again; before the switch any error, with nothing changed; after it an error
 * that the next run takes up.
 */
int lk_commit(const struct lk_uc *uc, const struct lk_commit *commit, struct lk_commit_result *ret,
	      struct lk_err *err);

/**
 * lk_commit_recover - finish or take back what a run before left
 *
 * What lies on the disk is believed as far as its blob's signature goes.
 *
 * Return: as lk_commit; LK_E_SERVICE leaves nothing to be finished.
 */
int lk_commit_recover(const struct lk_uc *uc, struct lk_err *err);

/** Whether a change waits to be finished, or that can't be told. */
bool lk_commit_is_pending(const struct lk_uc *uc);

/** Makes the volatile files of a generation anew where they lack. */
int lk_volatile_refresh(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err);
/** They are all there. */
int lk_volatile_mark(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err);

#endif
