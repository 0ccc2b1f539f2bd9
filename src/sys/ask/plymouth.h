/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns asking through plymouthd, which draws over the console where it runs. */
#ifndef LK_SYS_ASK_PLYMOUTH_H
#define LK_SYS_ASK_PLYMOUTH_H

#include "core/base/rc.h"
#include "sys/os/secret.h"

/**
 * lk_plymouth_ask - one line, without echo, by plymouthd's boot protocol
 * @question: one line of at most 254 bytes
 * @ret: what was typed, may be empty; at most 512 bytes
 *
 * One request and one answer over the abstract socket /org/freedesktop/plymouthd
 * (plymouth's ply-boot-protocol.h). A daemon that doesn't answer a ping within
 * two seconds isn't there; the answer itself is waited for at most @seconds (0: as long
 * as it takes).
 *
 * Return: LK_OK; LK_E_IO when the time is over; LK_E_SYSTEM where
 * somebody else has to be asked: no plymouthd, or it shows nothing, or it went.
 */
int lk_plymouth_ask(const char *question, unsigned int seconds, struct lk_secret *ret,
		    struct lk_err *err);

#endif
