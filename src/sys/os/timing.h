/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns where the time of a run went, for who asks to be told. */
#ifndef LK_SYS_OS_TIMING_H
#define LK_SYS_OS_TIMING_H

#include <stddef.h>
#include <stdint.h>

/** The steps of one run; its owner's, and used by one thread. Wherever one is asked
 * for, NULL is none, and nothing is measured. */
struct lk_timing;

/** Begins to measure. NULL: out of memory. */
struct lk_timing *lk_timing_new(void);
void lk_timing_free(struct lk_timing *timing);

/** A step ends; it began where the one before ended. @subject: or NULL. */
void lk_timing_step(struct lk_timing *timing, const char *subject, const char *step);

/** The same for a step in which a person types: it isn't part of the sum. */
void lk_timing_typed(struct lk_timing *timing, const char *subject, const char *step);

/** A TPM command goes out, and its answer is in; within a step. @command: its name,
 * which isn't copied. */
void lk_timing_tpm_sent(struct lk_timing *timing, const char *command, size_t len);
void lk_timing_tpm_answered(struct lk_timing *timing, size_t len);

/**
 * lk_timing_print - a line a step and a TPM command, on standard error
 *
 * "timing:   12.345 ms  <step>"; a command stands before the step that it is
 * part of, with its bytes both ways: "timing:    3.210 ms  - TPM2_Unseal
 * (91 + 215 bytes)". The last line is the sum of the steps but for those in
 * which somebody typed.
 */
void lk_timing_print(const struct lk_timing *timing);

#endif
