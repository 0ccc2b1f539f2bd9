/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the logs of a boot and its PCR values: reading them, from files or from the device. */
#ifndef LK_SYS_BOOT_BOOT_LOGS_H
#define LK_SYS_BOOT_BOOT_LOGS_H

#include "core/base/paths.h"
#include "core/bootlog/log_explain.h"
#include "sys/os/fs.h"

/** PCR values of both banks; a mask of 0 where there is none. */
struct lk_pcr_banks {
	struct lk_pcr_values bank[2]; /* SHA-256, SHA-384 */
};
#define LK_PCR_BANKS 2u
enum lk_alg lk_pcr_bank(unsigned int i);
/**
 * lk_pcr_banks_read - from a file, in either of the two forms that are text
 *
 * Return: also LK_E_INPUT when the file has neither bank.
 */
int lk_pcr_banks_read(const char *path, struct lk_pcr_banks *ret, struct lk_err *err);

/** What was named on the command line; NULL: not given. */
struct lk_boot_log_names {
	const char *firmware; /* NULL: all of this device, as far as it goes */
	const char *ima;
	const char *pcrs;
};

struct lk_boot_logs {
	struct lk_boot_log_names names;
	struct lk_buf firmware;
	struct lk_buf ima; /* empty: none */
	bool have_ima;
	struct lk_pcr_banks values; /* masks of 0: none */
};
#define LK_BOOT_LOGS_NONE  ((struct lk_boot_logs){ .have_ima = false })
#define LK_OWNED_BOOT_LOGS __attribute__((cleanup(lk_boot_logs_done))) struct lk_boot_logs
/** Every message names the file. */
int lk_boot_logs_read(const struct lk_boot_log_names *names, struct lk_boot_logs *ret,
		      struct lk_err *err);
/** The kernel's alone, with @names->pcrs where they are given; @firmware has no data then. */
int lk_boot_logs_read_ima(const struct lk_boot_log_names *names, struct lk_boot_logs *ret,
			  struct lk_err *err);
void lk_boot_logs_done(struct lk_boot_logs *files);

/** The firmware's alone, checked from end to end. */
int lk_boot_log_read(const char *path, struct lk_buf *ret, struct lk_err *err);

/** The logs' bytes, for lk_log_explain. */
struct lk_logs lk_boot_logs_bytes(const struct lk_boot_logs *files);

/**
 * lk_boot_logs_check - both logs, from end to end, with what is wrong named
 *
 * Whatever is shown of them is then whole.
 */
int lk_boot_logs_check(const struct lk_boot_logs *files, struct lk_err *err);

/** Puts the logs' names before what doesn't fit together of them; returns @rc. */
int lk_boot_logs_name(const struct lk_boot_logs *files, int rc, struct lk_err *err);

#endif
