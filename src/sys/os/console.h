/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns asking a person for a secret on a terminal. */
#ifndef LK_SYS_OS_CONSOLE_H
#define LK_SYS_OS_CONSOLE_H

#include "core/base/rc.h"
#include "sys/os/secret.h"

/**
 * lk_console_ask - one line, without echo
 * @seconds: how long somebody may take to type it; 0: no limit
 * @ret: the line without its end; at most 512 bytes
 *
 * Asks on standard input's terminal where it is one, else on /dev/console.
 * Return: LK_OK, LK_E_SYSTEM when there is no terminal, LK_E_INPUT for a line
 * that is too long, LK_E_IO at end of file, and when nobody has typed in time.
 */
int lk_console_ask(const char *question, unsigned int seconds, struct lk_secret *ret,
		   struct lk_err *err);

#endif
