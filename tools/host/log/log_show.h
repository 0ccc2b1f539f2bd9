/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the shared parts of log show's two ways to say the same. */
#ifndef LK_HOST_LOG_LOG_SHOW_H
#define LK_HOST_LOG_LOG_SHOW_H

#include "sys/boot/boot_logs.h"

/** One explanation a bank; those without values have a mask of 0. */
struct lk_shown_bank {
	const struct lk_pcr_values *values;
	struct lk_explanation explanation;
};

/** "explained", "not-explained", ...: for programs. */
const char *lk_explained_word(enum lk_explained v);
const char *lk_aggregate_word(enum lk_aggregate v);

/** @n: banks that the log has, at most LK_PCR_BANKS. */
int lk_log_show_json(const struct lk_boot_logs *files, const struct lk_shown_bank *banks,
		     unsigned int n, struct lk_err *err);

#endif
