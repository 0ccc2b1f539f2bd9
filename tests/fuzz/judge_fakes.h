/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the verifier's files are built with for fuzzing, in place of the clock and of signatures: no mutation makes one that is good. */
#ifndef LK_FUZZ_JUDGE_FAKES_H
#define LK_FUZZ_JUDGE_FAKES_H

#include "sys/crypto/crypto.h"
#include "verifier/flavor/flavor_parts.h"
#include "verifier/device/history.h"
#include "verifier/verifier.h"

int64_t lk_fuzz_now(void);
int lk_fuzz_verify_key(void *ctx, const struct lk_policy_key *key, const struct lk_digest *digest,
		       struct lk_bytes signature, struct lk_err *err);
int lk_fuzz_verify(const struct lk_policy_key *key, const struct lk_digest *digest,
		   struct lk_bytes signature, struct lk_err *err);

#ifdef LK_FUZZ_THE_VERIFIER
#define lk_vf_now	     lk_fuzz_now
#define lk_crypto_verify_key lk_fuzz_verify_key
#define lk_crypto_verify     lk_fuzz_verify
#endif

#endif
