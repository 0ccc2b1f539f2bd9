/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the files that speak with systemd share. */
#ifndef LK_SYS_SERVICE_SERVICES_SYSTEMD_PRIVATE_H
#define LK_SYS_SERVICE_SERVICES_SYSTEMD_PRIVATE_H

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "sys/service/services_private.h"

#define LK_SYSTEMD_NAME	 "org.freedesktop.systemd1"
#define LK_UNIT_TEXT_MAX 64u

static inline void lk_message_done(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}
#define LK_OWNED_MESSAGE __attribute__((cleanup(lk_message_done))) sd_bus_message *

/** LK_E_SYSTEM; @r: the library's, @e: the other side's word, or NULL */
int lk_bus_failed(int r, const sd_bus_error *e, const char *what, struct lk_err *err);

/** A unit as it is at one moment. */
struct lk_unit_look {
	char active[LK_UNIT_TEXT_MAX];
	char sub[LK_UNIT_TEXT_MAX];
	char result[LK_UNIT_TEXT_MAX]; /* of services; else empty */
	bool oneshot;
	uint32_t restarts;
	uint32_t main_pid;
	uint8_t invocation[16];
};
int lk_unit_look_at(sd_bus *bus, const char *name, const char *path, struct lk_unit_look *ret,
		    struct lk_err *err);
/** Is it up (or a oneshot that ended well), and still the one that it was? */
int lk_unit_check(const char *name, const struct lk_unit_look *before,
		  const struct lk_unit_look *now, struct lk_err *err);

#endif
