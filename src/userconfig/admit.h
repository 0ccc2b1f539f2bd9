/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the decision whether a blob is for this device, now; only then is its content key asked of the TPM. */
#ifndef LK_USERCONFIG_ADMIT_H
#define LK_USERCONFIG_ADMIT_H

#include "agreement.h"
#include "blob/blob.h"
#include "userconfig.h"

/** Which sequences are right. */
enum lk_admission {
	LK_ADMIT_NEW,	  /* above the floor, by at most sequence-step */
	LK_ADMIT_STORED,  /* one that was applied: at the floor or under it */
	LK_ADMIT_RESUMED, /* one whose applying was cut short: either */
};

/** Of what is kept in a state directory: where it was a try, no floor was raised for it. */
static inline enum lk_admission lk_admission_of_kept(const struct lk_uc *uc)
{
	return uc->real ? LK_ADMIT_STORED : LK_ADMIT_RESUMED;
}

struct lk_admitted {
	struct lk_verified_blob *blob;
	struct lk_secret content_key;
	uint64_t floor;
	struct lk_tpm *tpm;		   /* still connected */
	struct lk_agreement_key agreement; /* for records of what is in place */
};
#define LK_ADMITTED_NONE                                                                           \
	((struct lk_admitted){ NULL, LK_SECRET_NONE, 0, NULL, { .secret = LK_SECRET_NONE } })
#define LK_OWNED_ADMITTED __attribute__((cleanup(lk_admitted_done))) struct lk_admitted
void lk_admitted_done(struct lk_admitted *a);

/** The TPM, with one session for all that follows, and the policy key that it holds. */
int lk_admit_open_tpm(const struct lk_uc *uc, struct lk_tpm **ret, struct lk_policy_key *ret_key,
		      struct lk_err *err);

/**
 * lk_admit - verify, then the target, then the sequence, then the key
 * @both: what is read once, and the private file that takes its bytes, which is
 *	closed with the result
 *
 * Return: LK_OK, LK_E_INPUT (malformed), LK_E_POLICY (signature, target,
 * sequence or configuration key isn't right), LK_E_OBJECT, LK_E_NO_TPM,
 * LK_E_IO, LK_E_SYSTEM.
 */
int lk_admit(const struct lk_uc *uc, const struct lk_blob_copy *both, enum lk_admission kind,
	     struct lk_admitted *ret, struct lk_err *err);
/** The same for the blob of a generation, which is read where it lies. */
int lk_admit_stored(const struct lk_uc *uc, uint64_t sequence, enum lk_admission kind,
		    struct lk_admitted *ret, struct lk_err *err);

#endif
