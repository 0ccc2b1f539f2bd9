/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns where the time of a run went, for who asks to be told. */
#ifndef LK_SYS_OS_TIMING_H
#define LK_SYS_OS_TIMING_H

#include <stddef.h>
#include <stdint.h>

/** Until this is called, all that follows does nothing. */
void lk_timing_start(void);

/** A step ends; it began where the one before ended. @subject: or NULL. */
void lk_timing_step(const char *subject, const char *step);

/** The same for a step in which a person types: it isn't part of the sum. */
void lk_timing_typed(const char *subject, const char *step);

/** A TPM command goes out, and its answer is in; within a step. */
void lk_timing_tpm_sent(const uint8_t *command, size_t len);
void lk_timing_tpm_answered(size_t len);

/**
 * lk_timing_print - a line a step and a TPM command, on standard error
 *
 * "timing:   12.345 ms  <step>"; a command stands before the step that it is
 * part of, with its bytes both ways: "timing:    3.210 ms  - TPM2_Unseal
 * (91 + 215 bytes)". The last line is the sum of the steps but for those in
 * which somebody typed.
 */
void lk_timing_print(void);

#endif
