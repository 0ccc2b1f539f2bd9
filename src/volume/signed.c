/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the check of signatures that a volume's token brings along. */
#include "volume/signed.h"

#include "sys/crypto/crypto.h"

int lk_signed_policy_verify(const struct lk_signed_policy *sp, const struct lk_policy_file *pf,
			    struct lk_err *err)
{
	struct lk_digest tbs;

	LK_TRY(lk_signed_policy_check(sp, pf, lk_crypto_hash, err));
	if (lk_signed_policy_tbs(sp, lk_crypto_hash, &tbs) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return lk_crypto_verify(&pf->key, &tbs,
				(struct lk_bytes){ sp->signature, sp->signature_len }, err);
}

int lk_signed_root_key_verify(const struct lk_signed_root_key *sr, const struct lk_policy_file *pf,
			      struct lk_err *err)
{
	struct lk_digest tbs;

	LK_TRY(lk_signed_root_key_check(sr, pf, lk_crypto_hash, err));
	if (lk_signed_root_key_tbs(sr, lk_crypto_hash, &tbs) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return lk_crypto_verify(&pf->key, &tbs,
				(struct lk_bytes){ sr->signature, sr->signature_len }, err);
}

enum lk_usable lk_signed_policy_usable(const struct lk_signed_policy *sp,
				       const struct lk_usable_for *what)
{
	if (lk_signed_policy_verify(sp, what->pf, NULL) != LK_OK)
		return LK_USABLE_NOT;
	if (what->floor && sp->version < *what->floor)
		return LK_USABLE_RETIRED;
	if (what->now && lk_pcr_differing(&sp->pcrs, what->now, what->pf->pcrs.mask))
		return LK_USABLE_ELSEWHERE;
	return LK_USABLE;
}
