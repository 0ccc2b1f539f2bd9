/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the logs and PCR values that commands read, from files or from the device that they run on. */
#ifndef LK_HOST_LOG_FILES_H
#define LK_HOST_LOG_FILES_H

#include "core/log_explain.h"
#include "documents.h"

/** What was named on the command line; NULL: not given. */
struct lk_log_names {
	const char *firmware; /* NULL: all of this device, as far as it goes */
	const char *ima;
	const char *pcrs;
};

struct lk_log_files {
	struct lk_log_names names;
	struct lk_buf firmware;
	struct lk_buf ima; /* empty: none */
	bool have_ima;
	struct lk_pcr_banks values; /* masks of 0: none */
};
#define LK_LOG_FILES_NONE ((struct lk_log_files){ .have_ima = false })
#define LK_OWNED_LOG_FILES                                                     \
	__attribute__((cleanup(lk_log_files_done))) struct lk_log_files
/** Every message names the file. */
int lk_log_files_read(const struct lk_log_names *names,
		      struct lk_log_files *ret, struct lk_err *err);
void lk_log_files_done(struct lk_log_files *files);

/** The logs' bytes, for lk_log_explain. */
struct lk_logs lk_log_files_logs(const struct lk_log_files *files);

/**
 * lk_log_files_check - both logs, from end to end, with what is wrong named
 *
 * Whatever is shown of them is then whole.
 */
int lk_log_files_check(const struct lk_log_files *files, struct lk_err *err);

#endif
