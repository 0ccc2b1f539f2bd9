/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the service manager of the static program, which runs before there is one: no unit is restarted. */
#include <stdlib.h>

#include "sys/service/services.h"

struct lk_services {
	char none;
};

int lk_services_open(const char *hooks, struct lk_services **ret, struct lk_err *err)
{
	struct lk_services *s = calloc(1, sizeof(*s));

	(void)hooks;
	if (!s)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	*ret = s;
	return LK_OK;
}

void lk_services_free(struct lk_services *s)
{
	free(s);
}

bool lk_services_any(const struct lk_services *s)
{
	(void)s;
	return false;
}

int lk_services_act(struct lk_services *s, const struct lk_unit_action *actions, size_t n,
		    unsigned int settle_s, struct lk_err *err)
{
	(void)s;
	(void)actions;
	(void)n;
	(void)settle_s;
	(void)err;
	return LK_OK;
}
