/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the appraisal: PCR values that a quote has proven, held against the owner's word, with reasons that a person can act on. */
#ifndef LK_CORE_ATTEST_APPRAISAL_H
#define LK_CORE_ATTEST_APPRAISAL_H

#include "core/attest/quote.h"
#include "core/attest/state.h"
#include "core/base/text_out.h"
#include "core/policy/signed_policy.h"

/*
 * How a server goes about a request:
 *
 *	lk_attest_request_read()	the message
 *	lk_nonce_check()		before anything of the device is looked up
 *	(the device's key and state, by request.ak, from the store)
 *	lk_quote_check()
 *	lk_quote_fresh()
 *	lk_quote_is_same()		nothing new: the last appraisal stands, unless the reference
 *					has changed; store the quote, lk_attest_state_accept()
 *	request.boot and .ima_from aren't those that lk_attest_next_of() gives (which needs the
 *	change and what is kept): answer 409 with them
 *	lk_quote_values()		where request.values is missing: 409 too
 *	lk_floor_check()		for each floor that is there
 *	lk_appraise()
 *	compare and set (boot, clock, nonce), and keep appraisal.state, in one transaction
 */

/** From the best to the worst: the worst of its parts is the whole's. */
enum lk_verdict { LK_VERDICT_TRUSTED, LK_VERDICT_UNKNOWN, LK_VERDICT_UNTRUSTED };
/** "trusted", "unknown", "untrusted". */
const char *lk_verdict_word(enum lk_verdict verdict);

enum lk_part {
	LK_PART_FIRMWARE, /* the firmware's log gives the values quoted */
	LK_PART_BOOT,	  /* the values are those that the owner has signed, or learned */
	LK_PART_KERNEL,	  /* the kernel's log (IMA) gives its PCR, and boot_aggregate is right */
	LK_PART_LATCH,
	LK_PART_FLOORS,
	LK_PART_COUNT
};
/** "firmware", "boot", "kernel", "latch", "floors". */
const char *lk_part_word(enum lk_part part);

#define LK_PCR_NONE LK_PCR_COUNT

/** What the owner holds right. Everything in it was checked before: signatures too. */
struct lk_reference {
	/* Signed policies of the owner's, each verified under the policy key by the caller. */
	const struct lk_signed_policy *policy;
	size_t n_policies;  /* at most LK_REFERENCE_POLICIES_MAX; more are not looked at */
	unsigned int latch; /* PCR, or LK_PCR_NONE */
	/* Or values that were learned or written down; NULL: none. Both may be there: then
	 * either is enough, PCR by PCR of its own selection. */
	const struct lk_pcr_values *equals;
	/* The floors must be at least so high; 0: whatever they are. */
	uint64_t min_floor[LK_FLOOR_COUNT];
	/* The device must prove them in each boot. */
	bool wants_floors;
	bool wants_ima; /* the kernel's log is expected: without it its part is unknown */
};
#define LK_REFERENCE_POLICIES_MAX 64u

/** All of one boot that the verifier has. */
struct lk_appraisal_input {
	const struct lk_attest *quote;	    /* lk_quote_check() */
	const struct lk_pcr_values *values; /* lk_quote_values() */
	enum lk_boot_change change;	    /* lk_quote_fresh() */
	uint64_t nonce_ms;
	const struct lk_attest_state *before;
	struct lk_bytes firmware; /* whole log of this boot, sent now or kept; len 0: none */
	struct lk_bytes measured; /* the same of user space */
	/* Of the kernel's log, from @ima_from on: that of the state (only what is new was sent),
	 * or 0 for the whole log, as for a new appraisal of what is kept. */
	struct lk_bytes ima;
	uint64_t ima_from;
	bool has_floor[LK_FLOOR_COUNT]; /* lk_floor_check() has passed it */
	uint64_t floor[LK_FLOOR_COUNT];
	/* Of the last boot that was trusted, as appraisal.good had it; len 0: none. */
	struct lk_bytes good;
	const struct lk_reference *reference;
	lk_hash_fn hash;
};

struct lk_reason {
	enum lk_part part;
	enum lk_verdict verdict;
	unsigned int pcr; /* or LK_PCR_NONE */
	char text[LK_TEXT_OUT_MAX];
};
#define LK_REASONS_MAX 24u

/** Large: on the heap. */
struct lk_appraisal {
	enum lk_verdict verdict;
	enum lk_verdict part[LK_PART_COUNT];
	size_t n;
	struct lk_reason reason[LK_REASONS_MAX]; /* of trusted parts too: what they rest on */
	const struct lk_signed_policy *policy;	 /* that covers this boot, or NULL */
	/* What to keep. */
	struct lk_attest_state state;
	bool ima_replayed; /* the log that was sent, or none, gives the quoted value */
	size_t ima_used; /* bytes of @ima that the quote covers: keep these, ask for the rest again */
	unsigned int
		violations; /* among them: a file was written while it was measured; no alarm */
	uint8_t good[4096];
	size_t good_len; /* of a boot that is trusted: keep it as the last good one; else 0 */
};

/**
 * lk_appraise - a verdict, whatever was sent
 *
 * What can't be read of a log is a reason, not a failure: a device that lies is answered as one.
 *
 * Return: LK_OK, or LK_E_SYSTEM (memory, hashing).
 */
int lk_appraise(const struct lk_appraisal_input *in, struct lk_appraisal *ret, struct lk_err *err);

/** Whether a firmware's log, of this boot or said to be, gives the values quoted. */
int lk_appraise_is_replayed(const struct lk_appraisal_input *in, struct lk_bytes firmware,
			    bool *ret, struct lk_err *err);

/** Where a device whose quote has that change is to go on: its boot, and from where on the log. */
struct lk_attest_next lk_attest_next_of(const struct lk_attest_state *before,
					const struct lk_attest *quote, enum lk_boot_change change);

#endif
