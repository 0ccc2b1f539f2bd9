/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the files of a quote by hand are called (latchkey-attest quote -o DIR, latchkey-verifier verify DIR). */
#ifndef LK_CORE_ATTEST_QUOTE_DIR_H
#define LK_CORE_ATTEST_QUOTE_DIR_H

#define LK_QUOTE_DIR_QUOTE     "quote"	   /* TPMS_ATTEST */
#define LK_QUOTE_DIR_SIGNATURE "signature" /* TPMT_SIGNATURE */
#define LK_QUOTE_DIR_NONCE     "nonce"	   /* the bytes that were given as hexadecimal digits */
#define LK_QUOTE_DIR_VALUES    "values"	   /* digests of the quoted PCRs, ascending */
#define LK_QUOTE_DIR_AK	       "ak.tpmt"   /* TPMT_PUBLIC of the attestation key */
#define LK_QUOTE_DIR_AK_PEM    "ak.pem"	   /* the same key for other tools */
#define LK_QUOTE_DIR_FIRMWARE  "firmware-log"
#define LK_QUOTE_DIR_IMA       "ima-log"
#define LK_QUOTE_DIR_MEASURED  "measurements"
/* NV_CERTIFY of a floor: TPMS_ATTEST and TPMT_SIGNATURE. */
#define LK_QUOTE_DIR_FLOORS                                                                        \
	{                                                                                          \
		"version-floor", "sequence-floor"                                                  \
	}
#define LK_QUOTE_DIR_FLOOR_SIGNATURE ".signature" /* behind a floor's name */

#endif
