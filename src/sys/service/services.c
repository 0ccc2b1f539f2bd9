/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the choice of the service manager: systemd where it runs, else a folder of hooks. */
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "sys/service/services_private.h"

struct lk_services {
	struct sd_bus *bus; /* NULL: hooks */
	char *hooks;
	bool has_hooks;
};

int lk_services_open(const char *hooks, struct lk_services **ret, struct lk_err *err)
{
	LK_OWNED_SERVICES s = calloc(1, sizeof(*s));
	int rc;

	if (s)
		s->hooks = strdup(hooks);
	if (!s || !s->hooks)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	rc = sd_booted() > 0 ? lk_systemd_open(&s->bus, err)
			     : lk_hooks_check(hooks, &s->has_hooks, err);
	if (rc != LK_OK)
		return rc;
	*ret = s;
	s = NULL;
	return LK_OK;
}

void lk_services_free(struct lk_services *s)
{
	if (!s)
		return;
	lk_systemd_close(s->bus);
	free(s->hooks);
	free(s);
}

bool lk_services_any(const struct lk_services *s)
{
	return s->bus || s->has_hooks;
}

int lk_services_act(struct lk_services *s, const struct lk_unit_action *actions, size_t n,
		    unsigned int settle_s, struct lk_err *err)
{
	const struct lk_units units = { actions, n, settle_s };

	if (n == 0 || !lk_services_any(s))
		return LK_OK;
	return s->bus ? lk_systemd_act(s->bus, &units, err) : lk_hooks_act(s->hooks, &units, err);
}
