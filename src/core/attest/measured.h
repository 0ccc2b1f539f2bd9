/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the log of what user space has measured (tpm2-measure.log of systemd, RFC 7464): the latch's events are in it. */
#ifndef LK_CORE_ATTEST_MEASURED_H
#define LK_CORE_ATTEST_MEASURED_H

#include "core/base/alg.h"
#include "core/base/bytes.h"
#include "core/bootlog/pcr_replay.h"
#include "core/base/rc.h"

/** What the latch measures when it closes (latchkey-unseal(8)). */
#define LK_LATCH_TEXT "latchkey:closed"

/** One record. */
struct lk_measured {
	unsigned int number; /* from 1 */
	unsigned int pcr;
	struct lk_digest digest; /* of the bank asked for; len 0: it has none */
	struct lk_bytes text;	 /* JSON's, with its escapes; may be empty; no digest covers it */
};

struct lk_measured_log {
	struct lk_bytes rest;
	unsigned int number;
	enum lk_alg bank;
};

#define LK_MEASURED_RECORD_MAX 8192u

void lk_measured_open(struct lk_bytes log, enum lk_alg bank, struct lk_measured_log *ret);
/** LK_OK, LK_MEASURED_END, or LK_E_INPUT naming the record. */
#define LK_MEASURED_END 1
int lk_measured_next(struct lk_measured_log *log, struct lk_measured *ret, struct lk_err *err);

/**
 * lk_measured_replay - all records, on top of @r
 * @ret_latched: whether the first record of @latch closes the latch; latch LK_PCR_COUNT: none
 *
 * Return: LK_OK, LK_E_INPUT or LK_E_SYSTEM; @r is undefined on failure.
 */
int lk_measured_replay(struct lk_bytes log, unsigned int latch, struct lk_pcr_replay *r,
		       lk_hash_fn hash, bool *ret_latched, struct lk_err *err);

#endif
