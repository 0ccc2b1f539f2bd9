/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns systemd's D-Bus interface: jobs for units, and what became of them (org.freedesktop.systemd1(5)). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sys/os/log.h"
#include "sys/service/services_systemd_private.h"

#define PATH	"/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
/* systemd's own socket, which systemctl uses too: it needs no message bus. */
#ifndef LK_SERVICES_PRIVATE_BUS /* tests never mean the system that they run on */
#define LK_SERVICES_PRIVATE_BUS "unix:path=/run/systemd/private"
#endif

#define POLL_MS 250u

struct unit {
	const struct lk_unit_action *action;
	char *path; /* NULL: left alone */
	char *job;  /* NULL: none is waited for */
	char result[LK_UNIT_TEXT_MAX];
	struct lk_unit_look before;
};

struct watch {
	sd_bus *bus;
	sd_bus_slot *slot;
	struct unit *units;
	size_t n;
	size_t pending;
};

static void watch_done(struct watch *w)
{
	for (size_t i = 0; w->units && i < w->n; i++) {
		free(w->units[i].path);
		free(w->units[i].job);
	}
	free(w->units);
	sd_bus_slot_unref(w->slot);
}
#define OWNED_WATCH __attribute__((cleanup(watch_done))) struct watch

static void error_done(sd_bus_error *e)
{
	sd_bus_error_free(e);
}
#define OWNED_BUS_ERROR __attribute__((cleanup(error_done))) sd_bus_error

static int open_private(sd_bus **ret)
{
	sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, LK_SERVICES_PRIVATE_BUS);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0)
		sd_bus_unref(bus);
	else
		*ret = bus;
	return r;
}

int lk_systemd_open(struct sd_bus **ret, struct lk_err *err)
{
	sd_bus *bus = NULL;
	/* At boot the message bus can't be waited for: its socket is there, but
	 * its service starts after the unit that this runs in. */
	int r = open_private(&bus);

	if (r < 0)
		r = sd_bus_open_system(&bus);
	if (r < 0)
		return lk_bus_failed(r, NULL, "anything", err);
	*ret = bus;
	return LK_OK;
}

void lk_systemd_close(struct sd_bus *bus)
{
	sd_bus_flush_close_unref(bus);
}

/** What systemd itself says against it is the unit's fault. */
static int unit_failed(const struct unit *u, int r, const sd_bus_error *e, struct lk_err *err)
{
	if (!e->name || strncmp(e->name, LK_SYSTEMD_NAME ".", sizeof(LK_SYSTEMD_NAME)))
		return lk_bus_failed(r, e, u->action->unit, err);
	return lk_err_set(err, LK_E_SERVICE, (uint32_t)-r,
			  "%s can't be %s: %s; see: systemctl status %s", u->action->unit,
			  u->action->reload ? "reloaded" : "restarted", e->message,
			  u->action->unit);
}

/** Its object, or NULL where systemd hasn't loaded it, so that it can't run. */
static int find_unit(sd_bus *bus, struct unit *u, struct lk_err *err)
{
	OWNED_BUS_ERROR e = SD_BUS_ERROR_NULL;
	LK_OWNED_MESSAGE reply = NULL;
	const char *path = NULL;
	int r = sd_bus_call_method(bus, LK_SYSTEMD_NAME, PATH, MANAGER, "GetUnit", &e, &reply, "s",
				   u->action->unit);

	if (sd_bus_error_has_name(&e, LK_SYSTEMD_NAME ".NoSuchUnit"))
		return LK_OK;
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &path);
	if (r < 0)
		return unit_failed(u, r, &e, err);
	u->path = strdup(path);
	return u->path ? LK_OK : lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
}

static int start_job(struct watch *w, struct unit *u, struct lk_err *err)
{
	OWNED_BUS_ERROR e = SD_BUS_ERROR_NULL;
	LK_OWNED_MESSAGE reply = NULL;
	const char *job = NULL;
	int r;

	/* Else one that crashed with the configuration before would be refused
	 * for having been started too often (StartLimitBurst=). */
	(void)sd_bus_call_method(w->bus, LK_SYSTEMD_NAME, PATH, MANAGER, "ResetFailedUnit", NULL,
				 NULL, "s", u->action->unit);
	r = sd_bus_call_method(w->bus, LK_SYSTEMD_NAME, PATH, MANAGER,
			       u->action->reload ? "ReloadOrRestartUnit" : "RestartUnit", &e,
			       &reply, "ss", u->action->unit, "replace");
	lk_log(LK_LOG_DEBUG, "%s: asked systemd to %s it: %d", u->action->unit,
	       u->action->reload ? "reload" : "restart", r);
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &job);
	if (r < 0)
		return unit_failed(u, r, &e, err);
	u->job = strdup(job);
	if (!u->job)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	w->pending++;
	return LK_OK;
}

static int act_on(struct watch *w, struct unit *u, struct lk_err *err)
{
	int rc = find_unit(w->bus, u, err);

	if (rc != LK_OK || !u->path)
		return rc;
	rc = lk_unit_look_at(w->bus, u->action->unit, u->path, &u->before, err);
	if (rc != LK_OK)
		return rc;
	if (strcmp(u->before.active, "inactive") == 0 ||
	    strcmp(u->before.active, "deactivating") == 0) {
		free(u->path);
		u->path = NULL;
		return LK_OK;
	}
	return start_job(w, u, err);
}

static int on_job_removed(sd_bus_message *m, void *data, sd_bus_error *e)
{
	struct watch *w = data;
	const char *job;
	const char *result;
	uint32_t id;

	(void)e;
	if (sd_bus_message_read(m, "uoss", &id, &job, NULL, &result) < 0)
		return 0;
	for (size_t i = 0; i < w->n; i++) {
		struct unit *u = &w->units[i];

		if (!u->job || strcmp(u->job, job) != 0)
			continue;
		snprintf(u->result, sizeof(u->result), "%s", result);
		free(u->job);
		u->job = NULL;
		w->pending--;
	}
	return 0;
}

/** From before the first job on, so that the end of none is missed. */
static int subscribe(struct watch *w, struct lk_err *err)
{
	OWNED_BUS_ERROR e = SD_BUS_ERROR_NULL;
	/* Where systemd is asked directly, its messages name no sender. */
	const char *sender = sd_bus_is_bus_client(w->bus) > 0 ? LK_SYSTEMD_NAME : NULL;
	int r = sd_bus_match_signal(w->bus, &w->slot, sender, PATH, MANAGER, "JobRemoved",
				    on_job_removed, w);

	if (r >= 0)
		r = sd_bus_call_method(w->bus, LK_SYSTEMD_NAME, PATH, MANAGER, "Subscribe", &e,
				       NULL, "");
	if (sd_bus_error_has_name(&e, LK_SYSTEMD_NAME ".AlreadySubscribed"))
		return LK_OK;
	return r < 0 ? lk_bus_failed(r, &e, "its jobs", err) : LK_OK;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int wait_for_jobs(struct watch *w, struct lk_err *err)
{
	const uint64_t end = now_ms() + LK_SERVICES_JOB_S * 1000;

	while (w->pending) {
		uint64_t now = now_ms();
		int r = sd_bus_process(w->bus, NULL);

		if (r == 0 && now >= end)
			return LK_OK; /* each that is left is told of then */
		if (r == 0)
			r = sd_bus_wait(w->bus, (end - now) * 1000);
		if (r < 0 && r != -EINTR)
			return lk_bus_failed(r, NULL, "its jobs", err);
	}
	return LK_OK;
}

static int check_job(const struct unit *u, struct lk_err *err)
{
	if (u->job)
		return lk_err_set(
			err, LK_E_SERVICE, 0,
			"%s isn't back after %u s: its job waits, perhaps for the unit that runs this; see: systemctl list-jobs, journalctl -u %s",
			u->action->unit, LK_SERVICES_JOB_S, u->action->unit);
	/* "skipped": not to be reloaded any more, which is looked into. */
	if (!u->result[0] || strcmp(u->result, "done") == 0 || strcmp(u->result, "skipped") == 0)
		return LK_OK;
	return lk_err_set(err, LK_E_SERVICE, 0,
			  "%s didn't come back (%s job: %s); see: journalctl -u %s",
			  u->action->unit, u->action->reload ? "reload" : "restart", u->result,
			  u->action->unit);
}

static int check_all(struct watch *w, bool first, struct lk_err *err)
{
	int rc = LK_OK;

	for (size_t i = 0; rc == LK_OK && i < w->n; i++) {
		struct unit *u = &w->units[i];
		struct lk_unit_look now;

		if (!u->path)
			continue;
		rc = lk_unit_look_at(w->bus, u->action->unit, u->path, &now, err);
		if (rc == LK_OK && first)
			u->before = now;
		if (rc == LK_OK)
			rc = lk_unit_check(u->action->unit, &u->before, &now, err);
	}
	return rc;
}

static int settle(struct watch *w, unsigned int settle_s, struct lk_err *err)
{
	const struct timespec pause = { 0, POLL_MS * 1000000 };
	const uint64_t end = now_ms() + (uint64_t)settle_s * 1000;
	int rc = check_all(w, true, err);

	while (rc == LK_OK && now_ms() < end) {
		(void)nanosleep(&pause, NULL);
		rc = check_all(w, false, err);
		/* Signals that nobody waits for are taken off the queue. */
		while (sd_bus_process(w->bus, NULL) > 0)
			;
	}
	return rc;
}

int lk_systemd_act(struct sd_bus *bus, const struct lk_units *units, struct lk_err *err)
{
	OWNED_WATCH w = { .bus = bus, .n = units->n };
	struct lk_err one = { 0 };
	int failed = LK_OK;
	int rc;

	w.units = calloc(units->n, sizeof(*w.units));
	if (!w.units)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	rc = subscribe(&w, err);
	if (rc != LK_OK)
		return rc;
	for (size_t i = 0; i < w.n; i++) {
		w.units[i].action = &units->actions[i];
		rc = act_on(&w, &w.units[i], &one);
		failed = lk_first_failure(failed, rc, &one, err);
	}
	rc = wait_for_jobs(&w, &one);
	failed = lk_first_failure(failed, rc, &one, err);
	for (size_t i = 0; i < w.n; i++) {
		rc = check_job(&w.units[i], &one);
		failed = lk_first_failure(failed, rc, &one, err);
	}
	return failed == LK_OK ? settle(&w, units->settle_s, err) : failed;
}
