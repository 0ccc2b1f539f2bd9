/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns one attestation from its message to what is to be answered and kept. */
#ifndef LK_VERIFIER_JUDGE_JUDGE_H
#define LK_VERIFIER_JUDGE_JUDGE_H

#include "core/attest/message.h"
#include "core/attest/nonce.h"
#include "verifier/device/device.h"
#include "verifier/flavor/flavors.h"

/** What a judge has at hand. */
struct lk_vf_judge {
	struct lk_store *store;
	struct lk_vf_flavors *flavors;
	struct lk_nonce_maker nonces;
	struct lk_pcr_selection pcrs;
};

/** Which core/attest/refusal.h hasn't. */
#define LK_VF_REFUSAL_UNKNOWN	"unknown-device"
#define LK_VF_REFUSAL_RETIRED	"retired-device"
#define LK_VF_REFUSAL_HELD	"held-device"
#define LK_VF_REFUSAL_OTHER_KEY "other-attestation-key"

/**
 * lk_vf_judge - a message, to its end
 * @text: decoded where it lies
 * @ret_status: 200, 400, 403 or 409
 * @ret: what to answer
 *
 * To be called within a transaction of the store; nothing is written before the quote was
 * verified.
 *
 * Return: LK_OK where there is something to answer, refusals included; else LK_E_IO or
 * LK_E_SYSTEM, and the transaction is to be rolled back.
 */
int lk_vf_judge(const struct lk_vf_judge *j, uint8_t *text, size_t len, unsigned int *ret_status,
		struct lk_attest_answer *ret, struct lk_err *err);

#endif
