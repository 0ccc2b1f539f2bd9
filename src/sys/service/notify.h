/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a service and systemd tell each other: sockets handed over, readiness, the watchdog. */
#ifndef LK_SYS_SERVICE_NOTIFY_H
#define LK_SYS_SERVICE_NOTIFY_H

#include <stddef.h>

/**
 * lk_notify_socket - the socket that systemd handed over under a name
 * @name: FileDescriptorName= of the socket unit
 *
 * Return: the file descriptor, or -1 where there is none.
 */
int lk_notify_socket(const char *name);

/** "READY=1", "STOPPING=1" or "STATUS=..."; without systemd nothing happens. */
void lk_notify(const char *state);

/** To be called each second: tells the watchdog, as often as it wants to hear. */
void lk_notify_alive(void);

#endif
