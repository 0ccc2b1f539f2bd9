/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns whether a firmware log is whole enough to say what the next boot measures. */
#ifndef LK_CORE_PREDICT_LOG_WHOLE_H
#define LK_CORE_PREDICT_LOG_WHOLE_H

#include "core/bootlog/event_log.h"

/**
 * lk_log_check_whole - did the firmware come to an end of its own part?
 * @what: whose log, for the message: "the log"
 *
 * In each of PCRs 0 to 7 there is one separator, of 4 bytes that its digests are
 * of, all zeros or all ones (PC Client Platform Firmware Profile 1.06, 3.3.4.1;
 * another value says that the firmware ran into an error). A log that was cut, or
 * put together, lacks one.
 *
 * Return: LK_OK; LK_E_REFUSED with the PCRs; LK_E_INPUT.
 */
int lk_log_check_whole(struct lk_bytes log, const char *what, lk_hash_fn hash, struct lk_err *err);

/**
 * lk_log_check_options - are a machine's boot options those of another's log?
 *
 * They are measured with the firmware's settings (PCR 1), and name the disks of
 * the one machine: another's can't stand for them.
 *
 * Return: LK_OK; LK_E_REFUSED where the events of boot options differ; LK_E_INPUT.
 */
int lk_log_check_options(struct lk_bytes log, struct lk_bytes other, struct lk_err *err);

/** LK_E_REFUSED where the log has no digests of this bank. */
int lk_log_check_bank(struct lk_bytes log, const char *what, enum lk_alg bank, struct lk_err *err);

#endif
