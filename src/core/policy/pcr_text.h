/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading PCR values in the forms that tools write them. */
#ifndef LK_CORE_POLICY_PCR_TEXT_H
#define LK_CORE_POLICY_PCR_TEXT_H

#include "core/base/doc.h"
#include "core/policy/pcr.h"

/**
 * lk_pcr_values_from_doc - JSON of latchkey-provision pcrs, or text of tpm2_pcrread
 * @bank: the bank wanted; another one in the same document is passed over
 *
 * Forms: a map bank -> (map PCR -> hex digest, with or without 0x).
 */
int lk_pcr_values_from_doc(const struct lk_doc *doc, enum lk_alg bank, struct lk_pcr_values *ret,
			   struct lk_err *err);

/** One bank's map PCR -> hex digest; at least one PCR. */
int lk_pcr_values_from_map(const struct lk_doc *map, enum lk_alg bank, struct lk_pcr_values *ret,
			   struct lk_err *err);

/**
 * lk_pcr_values_from_binary - what tpm2_pcrread -o writes with its defaults,
 * the digests of exactly @sel, in order of PCR. LK_E_INPUT for another length.
 */
int lk_pcr_values_from_binary(const uint8_t *data, size_t len, const struct lk_pcr_selection *sel,
			      struct lk_pcr_values *ret, struct lk_err *err);

/**
 * lk_pcr_values_write_json - {"sha256":{"0":"<hex>",...}}, as lk_pcr_values_from_doc reads
 * @out: NUL-terminated on success; LK_PCR_JSON_MAX bytes are enough
 *
 * Return: characters without the NUL, or 0 when @cap is too small.
 */
#define LK_PCR_JSON_MAX 3072u
size_t lk_pcr_values_write_json(const struct lk_pcr_values *values, char *out, size_t cap);

#endif
