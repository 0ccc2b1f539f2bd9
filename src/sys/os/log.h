/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what people are told: standard error and, where asked, the kernel log. */
#ifndef LK_SYS_OS_LOG_H
#define LK_SYS_OS_LOG_H

#include <stdbool.h>
#include <stdio.h>

enum lk_log_level { LK_LOG_ERR = 3, LK_LOG_WARNING = 4, LK_LOG_INFO = 6, LK_LOG_DEBUG = 7 };

/**
 * lk_log_init - before anything is logged, and before a program starts a thread
 * @program: prefix of each line; not copied
 * @kmsg: also to /dev/kmsg where it can be opened
 *
 * LATCHKEY_DEBUG in the environment asks for the debug level, as lk_log_debug() does;
 * "" and "0" don't. lk_log_init(), lk_log_debug() and lk_log_quiet() are for the one thread
 * that a program begins with. lk_log() may be called by any thread: a line is written as one.
 */
void lk_log_init(const char *program, bool kmsg);
void lk_log(enum lk_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** From here on lines of LK_LOG_DEBUG are written, on standard error alone. What they may
 * say: names, paths, numbers, handles, digests of public things. Never a secret, and
 * nothing that a secret was made of. */
void lk_log_debug(void);
/** Whether they are, for who would have to make the text of one first. */
bool lk_log_debugs(void);
/** No informational lines on standard error. */
void lk_log_quiet(bool quiet);

/** Text from outside, on any stream, by lk_text_escape(). lk_log() does so by itself. */
void lk_print_shown(FILE *f, const char *text);

#endif
