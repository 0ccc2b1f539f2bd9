/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what the two kinds of service managers share. */
#ifndef LK_SYS_SERVICE_SERVICES_PRIVATE_H
#define LK_SYS_SERVICE_SERVICES_PRIVATE_H

#include "sys/service/services.h"

/** A job that hangs is the unit's own affair (TimeoutStartSec=) before ours. */
#ifndef LK_SERVICES_JOB_S /* tests have less patience */
#define LK_SERVICES_JOB_S 300u
#endif

struct sd_bus;

struct lk_units {
	const struct lk_unit_action *actions;
	size_t n;
	unsigned int settle_s;
};

int lk_systemd_open(struct sd_bus **ret, struct lk_err *err);
void lk_systemd_close(struct sd_bus *bus);
int lk_systemd_act(struct sd_bus *bus, const struct lk_units *units, struct lk_err *err);

/** Whether the folder has programs, all of which may be run. */
int lk_hooks_check(const char *dir, bool *ret_any, struct lk_err *err);
int lk_hooks_act(const char *dir, const struct lk_units *units, struct lk_err *err);

/** The first failure is what is told. */
static inline int lk_first_failure(int so_far, int rc, const struct lk_err *this_one,
				   struct lk_err *err)
{
	if (so_far != LK_OK || rc == LK_OK)
		return so_far;
	if (err)
		*err = *this_one;
	return rc;
}

#endif
