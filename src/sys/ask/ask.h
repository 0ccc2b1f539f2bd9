/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns asking a person for a secret, wherever that person is: systemd's agents (plymouth among them), or a terminal. */
#ifndef LK_SYS_ASK_ASK_H
#define LK_SYS_ASK_ASK_H

#include "core/base/rc.h"
#include "sys/os/secret.h"

/**
 * lk_ask - one line, without echo
 * @question: one line, without a space at its end
 * @id: what it is for; agents tell questions apart by it
 * @ret: what was typed, may be empty; at most 512 bytes
 *
 * Where systemd runs and one of its agents is installed, by its protocol
 * (https://systemd.io/PASSWORD_AGENTS/); else as lk_ask_screen. Waits for at
 * most @seconds (0: for as long as it takes).
 *
 * Return: LK_OK, LK_E_SYSTEM when there is nobody to ask, LK_E_INPUT for a
 * line that is too long, LK_E_IO when the question was taken back, or the time is over.
 */
int lk_ask(const char *question, const char *id, unsigned int seconds, struct lk_secret *ret,
	   struct lk_err *err);

/**
 * lk_ask_screen - the same of whoever sits there, by no agent
 *
 * By plymouthd where it runs and shows the question; else as lk_console_ask.
 */
int lk_ask_screen(const char *question, unsigned int seconds, struct lk_secret *ret,
		  struct lk_err *err);

#endif
