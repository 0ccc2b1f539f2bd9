/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns enrolment at the server: which devices may, and what they have proven by it. */
#ifndef LK_VERIFIER_JUDGE_ENROL_H
#define LK_VERIFIER_JUDGE_ENROL_H

#include "core/attest/enrol.h"
#include "verifier/settings/settings.h"
#include "sys/crypto/crypto_ek.h"
#include "sys/store/store.h"

/** How many a server takes in each second, and at once; what comes beyond is told to come back. */
#define LK_VF_ENROLS_A_SECOND 50u
/** How many may wait for somebody's approval. */
#define LK_VF_HELD_MAX 1000

struct lk_vf_enroller {
	struct lk_store *store;
	struct lk_nonce_maker nonces;
	enum lk_vf_enrol_mode mode;
	struct lk_ek_ca *ca; /* NULL: no certificate is asked for */
};

/** What is to be answered. */
struct lk_vf_enrolled {
	unsigned int status; /* 200, 400, 403 or 503 */
	bool written;	     /* the answer waits until it is durable */
	char text[LK_ENROL_ANSWER_MAX];
	size_t len;
};

/**
 * lk_vf_enrol - one message of enrolment, to its end
 * @text: decoded where it lies
 *
 * In a transaction of the caller's; nothing is written before a credential was activated.
 *
 * Return: LK_OK where there is something to answer, refusals included; else LK_E_IO or
 * LK_E_SYSTEM.
 */
int lk_vf_enrol(const struct lk_vf_enroller *e, uint8_t *text, size_t len,
		struct lk_vf_enrolled *ret, struct lk_err *err);

#endif
