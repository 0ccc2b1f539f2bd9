/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a verifier remembers of a device between two quotes, in few bytes. */
#ifndef LK_CORE_ATTEST_STATE_H
#define LK_CORE_ATTEST_STATE_H

#include "core/attest/attest.h"
#include "core/bootlog/ima_log.h"
#include "core/policy/pcr.h"

struct lk_attest_state {
	bool any; /* a quote was accepted */
	uint32_t boot;
	uint32_t restarts;
	uint64_t clock;
	uint64_t nonce_ms;
	uint64_t firmware;	     /* the TPM's version */
	struct lk_pcr_values values; /* proven by that quote */
	/* Of the kernel's log in this boot: the part that has been replayed to a quote. */
	uint64_t ima_bytes;
	uint32_t ima_entries;
	enum lk_ima_extend how;
	uint8_t ima_value[LK_DIGEST_MAX]; /* what its PCR is after that part */
	/* The signed policy that this boot was seen to be covered by; len 0: none. Only
	 * where that digest is still among the reference it counts. */
	struct lk_digest policy;
	bool has_floor[2]; /* certified in this boot: version, sequence */
	/* The last that was certified, in this boot or in one before. */
	uint64_t floor[2];
	/* Another kernel was started in this boot without a reset; what the kernel's PCR was then. */
	bool kexec;
	uint8_t ima_base[LK_DIGEST_MAX];
	bool cleared; /* the TPM was cleared before this boot */
};

/** The state after a quote with nothing new: @state is changed. */
void lk_attest_state_accept(struct lk_attest_state *state, const struct lk_attest *quote,
			    uint64_t nonce_ms);

/* As bytes, with a version first, for one column of a table. */
#define LK_ATTEST_STATE_MAX (160u + (LK_PCR_COUNT + 3u) * LK_DIGEST_MAX)
size_t lk_attest_state_write(const struct lk_attest_state *state,
			     uint8_t out[static LK_ATTEST_STATE_MAX]);
/** False for bytes that are none; @ret is untouched then. */
bool lk_attest_state_read(struct lk_bytes bytes, struct lk_attest_state *ret);

#endif
