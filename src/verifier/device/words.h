/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns how times, reasons and devices are told. */
#ifndef LK_VERIFIER_DEVICE_WORDS_H
#define LK_VERIFIER_DEVICE_WORDS_H

#include "core/attest/appraisal.h"
#include "sys/format/json.h"
#include "verifier/device/device.h"

/** Milliseconds since 1970. */
int64_t lk_vf_now(void);
/** "2026-11-03 10:02:00 UTC", or "never" of 0. */
#define LK_VF_TIME_TEXT 32u
const char *lk_vf_time(int64_t ms, char out[static LK_VF_TIME_TEXT]);

/** The reasons of an appraisal as a JSON object with an array "reasons". */
#define LK_VF_REASONS_TEXT (LK_REASONS_MAX * (6u * LK_TEXT_OUT_MAX + 128u) + 64u)
void lk_vf_reasons_write(const struct lk_appraisal *a, char out[static LK_VF_REASONS_TEXT]);

/** The fleet as JSON. */
void lk_vf_counts_json(const struct lk_vf_counts *c, struct lk_json *into);
/** A device as JSON, for commands and pages alike. */
void lk_vf_device_json(const struct lk_vf_device *d, struct lk_json *into);
/** The same with its findings and its last attestations. */
int lk_vf_device_json_whole(struct lk_store *s, const struct lk_vf_device *d, struct lk_json *into,
			    struct lk_err *err);

#endif
