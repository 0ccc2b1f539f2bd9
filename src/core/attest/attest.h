/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a TPM attests (TPMS_ATTEST) and its signature (TPMT_SIGNATURE): read strictly, nothing believed. */
#ifndef LK_CORE_ATTEST_ATTEST_H
#define LK_CORE_ATTEST_ATTEST_H

#include "core/base/bytes.h"
#include "core/policy/pcr.h"
#include "core/policy/policy_key.h"

/** TPMI_ST_ATTEST (TPM 2.0 Part 2, 10.12.10) of those that are asked for. */
enum lk_attest_kind {
	LK_ATTEST_NV = 0x8014,
	LK_ATTEST_CERTIFY = 0x8017,
	LK_ATTEST_QUOTE = 0x8018,
};

#define LK_ATTEST_MAX	      512u /* bytes; with SHA-256 a quote has 145 */
#define LK_ATTEST_EXTRA_MAX   64u
#define LK_TPMT_SIGNATURE_MAX 80u
#define LK_ECDSA_P256_SIZE    64u	  /* r || s */
#define LK_NV_CONTENT_MAX     LK_SPKI_MAX /* the policy key is the longest */

struct lk_attest_quote {
	struct lk_pcr_selection sel; /* of one bank, whose PCRs there are */
	uint16_t bank;		     /* as it is written there, ours or not */
	struct lk_bytes digest;	     /* of the values, ascending */
};

struct lk_attest_certify {
	struct lk_bytes name;
	struct lk_bytes qualified_name;
};

struct lk_attest_nv {
	struct lk_bytes index_name;
	uint16_t offset;
	struct lk_bytes content;
};

/** Views lie in the bytes that were read. */
struct lk_attest {
	enum lk_attest_kind kind;
	struct lk_bytes signer; /* Qualified Name of the key */
	struct lk_bytes extra;	/* the nonce */
	uint64_t clock;	      /* milliseconds; falls in a power cut at most by what wasn't saved */
	uint32_t reset_count; /* one a boot; obfuscated but by keys of the endorsement hierarchy */
	uint32_t restart_count; /* resumes of this boot */
	bool safe;		/* false after each power cut: no alarm */
	uint64_t firmware;	/* the TPM's own */
	union {
		struct lk_attest_quote quote;
		struct lk_attest_certify certify;
		struct lk_attest_nv nv;
	};
};

/**
 * lk_attest_parse - one TPMS_ATTEST and nothing after it
 * @kind: what was asked for
 *
 * Magic and type are checked, since a restricted key signs whatever doesn't begin so,
 * and many kinds that do. A quote is of one selection.
 *
 * Return: LK_OK, or LK_E_INPUT with the refusal in @err's code: ATTEST, MAGIC, TYPE,
 * SELECTION for none or several.
 */
int lk_attest_parse(struct lk_bytes bytes, enum lk_attest_kind kind, struct lk_attest *ret,
		    struct lk_err *err);

/**
 * lk_attest_signature_parse - TPMT_SIGNATURE of ECDSA on P-256 with SHA-256
 * @ret: r || s; whether they are in range is for who verifies
 *
 * Return: LK_OK, or LK_E_INPUT: SIGNATURE_FORM or SCHEME.
 */
int lk_attest_signature_parse(struct lk_bytes bytes, uint8_t ret[static LK_ECDSA_P256_SIZE],
			      struct lk_err *err);

#endif
