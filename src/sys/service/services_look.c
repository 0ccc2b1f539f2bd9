/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what systemd says of a unit, and whether that is well (org.freedesktop.systemd1(5)). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/service/services_systemd_private.h"

#define UNIT	"org.freedesktop.systemd1.Unit"
#define SERVICE "org.freedesktop.systemd1.Service"

int lk_bus_failed(int r, const sd_bus_error *e, const char *what, struct lk_err *err)
{
	return lk_err_set(err, LK_E_SYSTEM, (uint32_t)-r, "systemd can't be asked about %s: %s",
			  what, e && e->message ? e->message : strerror(-r));
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *name,
		    char out[static LK_UNIT_TEXT_MAX])
{
	char *text = NULL;
	int r = sd_bus_get_property_string(bus, LK_SYSTEMD_NAME, path, interface, name, NULL,
					   &text);

	if (r >= 0)
		snprintf(out, LK_UNIT_TEXT_MAX, "%s", text);
	free(text);
	return r;
}

static int get_number(sd_bus *bus, const char *path, const char *name, uint32_t *ret)
{
	return sd_bus_get_property_trivial(bus, LK_SYSTEMD_NAME, path, SERVICE, name, NULL, 'u',
					   ret);
}

static int get_invocation(sd_bus *bus, const char *path, uint8_t ret[static 16])
{
	LK_OWNED_MESSAGE reply = NULL;
	const void *data = NULL;
	size_t len = 0;
	int r = sd_bus_get_property(bus, LK_SYSTEMD_NAME, path, UNIT, "InvocationID", NULL, &reply,
				    "ay");

	if (r >= 0)
		r = sd_bus_message_read_array(reply, 'y', &data, &len);
	if (r >= 0 && len == 16)
		memcpy(ret, data, 16);
	return r;
}

static int look_at_service(sd_bus *bus, const char *path, struct lk_unit_look *l)
{
	char type[LK_UNIT_TEXT_MAX] = "";
	int r = get_text(bus, path, SERVICE, "Type", type);

	if (r >= 0)
		r = get_text(bus, path, SERVICE, "Result", l->result);
	if (r >= 0)
		r = get_number(bus, path, "NRestarts", &l->restarts);
	if (r >= 0)
		r = get_number(bus, path, "MainPID", &l->main_pid);
	l->oneshot = strcmp(type, "oneshot") == 0;
	return r;
}

static bool is_service(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && strcmp(dot, ".service") == 0;
}

int lk_unit_look_at(sd_bus *bus, const char *name, const char *path, struct lk_unit_look *ret,
		    struct lk_err *err)
{
	struct lk_unit_look l = { 0 };
	int r = get_text(bus, path, UNIT, "ActiveState", l.active);

	if (r >= 0)
		r = get_text(bus, path, UNIT, "SubState", l.sub);
	if (r >= 0)
		r = get_invocation(bus, path, l.invocation);
	if (r >= 0 && is_service(name))
		r = look_at_service(bus, path, &l);
	if (r < 0)
		return lk_bus_failed(r, NULL, name, err);
	*ret = l;
	return LK_OK;
}

static bool is_well(const struct lk_unit_look *l)
{
	if (strcmp(l->active, "active") == 0 || strcmp(l->active, "reloading") == 0)
		return true;
	return l->oneshot && strcmp(l->active, "inactive") == 0 &&
	       strcmp(l->result, "success") == 0;
}

int lk_unit_check(const char *name, const struct lk_unit_look *before,
		  const struct lk_unit_look *now, struct lk_err *err)
{
	const char *result = now->result[0] ? now->result : "none";

	if (!is_well(now))
		return lk_err_set(err, LK_E_SERVICE, 0,
				  "%s doesn't stay up: %s (%s), result: %s; see: journalctl -u %s",
				  name, now->active, now->sub, result, name);
	if (now->oneshot ||
	    (now->restarts == before->restarts && now->main_pid == before->main_pid &&
	     memcmp(now->invocation, before->invocation, 16) == 0))
		return LK_OK;
	return lk_err_set(
		err, LK_E_SERVICE, 0,
		"%s doesn't stay up: it was started again %u times, result: %s; see: journalctl -u %s",
		name, now->restarts - before->restarts, result, name);
}
