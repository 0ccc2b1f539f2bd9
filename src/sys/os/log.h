/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what people are told: standard error and, where asked, the kernel log. */
#ifndef LK_SYS_OS_LOG_H
#define LK_SYS_OS_LOG_H

#include <stdbool.h>
#include <stdio.h>

enum lk_log_level { LK_LOG_ERR = 3, LK_LOG_WARNING = 4, LK_LOG_INFO = 6 };

/** @program: prefix of each line; @kmsg: also to /dev/kmsg where it can be opened. */
void lk_log_init(const char *program, bool kmsg);
void lk_log(enum lk_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** No informational lines on standard error. */
void lk_log_quiet(bool quiet);

/** Text from outside, on any stream, by lk_text_escape(). lk_log() does so by itself. */
void lk_print_shown(FILE *f, const char *text);

#endif
