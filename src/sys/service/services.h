/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the service manager: systemd over D-Bus, or a folder of hooks where it doesn't run. */
#ifndef LK_SYS_SERVICE_SERVICES_H
#define LK_SYS_SERVICE_SERVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/rc.h"

/** A connection; which kind it is was found out when it was opened. */
struct lk_services;

/** @hooks: folder of programs, used where systemd doesn't run (sd_booted(3)).
 * One that others than root can write to is LK_E_SYSTEM. */
int lk_services_open(const char *hooks, struct lk_services **ret, struct lk_err *err);
void lk_services_free(struct lk_services *s);
static inline void lk_services_freep(struct lk_services **p)
{
	lk_services_free(*p);
}
#define LK_OWNED_SERVICES __attribute__((cleanup(lk_services_freep))) struct lk_services *

/**
 * Whether there is anything to restart units with. Without systemd and without
 * hooks, as while an image is made, lk_services_act does nothing.
 */
bool lk_services_any(const struct lk_services *s);

struct lk_unit_action {
	const char *unit;
	bool reload; /* reload where the unit can, else restart */
};

/**
 * lk_services_act - restart or reload units, and see that they stay up
 * @settle_s: seconds for which each must stay up, without having been started
 *	again in between; the wait is one for all
 *
 * An inactive unit is left alone: it starts with the new configuration when
 * its turn comes. One that has failed is started again, and must come up. A
 * oneshot that has finished well is as good as one that is up.
 *
 * With hooks, each program of the folder is called, in order of names, as
 * "PROGRAM restart|reload UNIT"; exit code 0 is success, and nothing is waited
 * for after it. Programs that others than root can write to are LK_E_SYSTEM,
 * found before any is called.
 *
 * All units are acted on, whatever becomes of one.
 *
 * Return: LK_OK, LK_E_SERVICE naming the first unit that failed and what became
 * of it, LK_E_SYSTEM where the service manager can't be asked.
 */
int lk_services_act(struct lk_services *s, const struct lk_unit_action *actions, size_t n,
		    unsigned int settle_s, struct lk_err *err);

#endif
