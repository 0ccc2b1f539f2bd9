/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns telling what came of a fleet: groups, why they differ, and who was refused. */
#include <stdio.h>
#include <string.h>

#include "policy/fleet.h"
#include "sys/format/json.h"
#include "sys/os/log.h"

#define SHOWN_GROUPS 20u
#define SHOWN_NAMES  5u

static const struct lk_fleet_device *device(const struct lk_fleet *f,
					    const struct lk_fleet_group *g, size_t i)
{
	return &f->devices[f->order[g->first + i]];
}

static void add_mask(struct lk_json *obj, const char *key, uint32_t mask)
{
	struct lk_json *array = lk_json_set_array(obj, key);

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (mask & 1u << i)
			lk_json_add_uint(array, i);
}

static void add_cause(struct lk_json *array, const struct lk_fleet_cause *c)
{
	struct lk_json *obj = lk_json_add_object(array);

	lk_json_set_uint(obj, "pcr", c->pcr);
	lk_json_set_text(obj, "meaning", lk_pcr_meaning(c->pcr));
	lk_json_set_bool(obj, "selected", !c->follows);
	if (c->event)
		lk_json_set_uint(obj, "event", c->event);
	lk_json_set_text(obj, "why", c->text);
}

static void add_group(struct lk_json *array, const struct lk_fleet *f,
		      const struct lk_fleet_group *g)
{
	struct lk_json *obj = lk_json_add_object(array);
	struct lk_json *list;

	if (g->file[0])
		lk_json_set_text(obj, "file", g->file);
	if (g->rc != LK_OK) {
		lk_json_set_text(obj, "refused", g->why ? g->why : "out of memory");
		lk_json_set_uint(obj, "exit", (uint64_t)lk_exit_code(g->rc));
	}
	list = lk_json_set_array(obj, "devices");
	for (size_t i = 0; i < g->n; i++)
		lk_json_set_text(lk_json_add_object(list), "name", device(f, g, i)->name);
	list = lk_json_set_array(obj, "differs");
	for (size_t i = 0; i < g->n_causes; i++)
		add_cause(list, &g->causes[i]);
	if (g->no_cause.rc != LK_OK)
		lk_json_set_text(obj, "differs-unknown", g->no_cause.msg);
}

static void add_refused(struct lk_json *json, const struct lk_fleet *f)
{
	struct lk_json *array = lk_json_set_array(json, "refused");

	for (size_t i = 0; i < f->n; i++) {
		const struct lk_fleet_device *d = &f->devices[i];
		struct lk_json *obj;

		if (d->rc == LK_OK)
			continue;
		obj = lk_json_add_object(array);
		lk_json_set_text(obj, "name", d->name);
		lk_json_set_text(obj, "why", d->why ? d->why : "out of memory");
		lk_json_set_uint(obj, "exit", (uint64_t)lk_exit_code(d->rc));
	}
}

static void add_moved(struct lk_json *json, const struct lk_fleet *f)
{
	struct lk_json *array = lk_json_set_array(json, "changed-since-install");

	for (size_t i = 0; i < f->n; i++) {
		struct lk_json *obj;

		if (f->devices[i].rc != LK_OK || !f->devices[i].moved)
			continue;
		obj = lk_json_add_object(array);
		lk_json_set_text(obj, "name", f->devices[i].name);
		add_mask(obj, "pcrs", f->devices[i].moved);
	}
}

int lk_fleet_json(const struct lk_fleet *f, struct lk_buf *ret, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	struct lk_json *groups;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_json_set_uint(json, "latchkey-fleet", 1);
	lk_json_set_uint(json, "records", f->n);
	lk_json_set_text(json, "bank", lk_alg_name(f->pf.pcrs.bank));
	add_mask(json, "pcrs",
		 f->pf.pcrs.mask & ~(f->pf.latch == LK_NO_PCR ? 0 : 1u << f->pf.latch));
	groups = lk_json_set_array(json, "groups");
	for (size_t i = 0; i < f->n_groups; i++)
		add_group(groups, f, &f->groups[i]);
	add_refused(json, f);
	add_moved(json, f);
	return lk_json_write(json, ret, err);
}

static size_t count_refused(const struct lk_fleet *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->devices[i].rc != LK_OK;
	for (size_t i = 0; i < f->n_groups; i++)
		n += f->groups[i].rc != LK_OK ? f->groups[i].n : 0;
	return n;
}

static void print_names(const struct lk_fleet *f, const struct lk_fleet_group *g)
{
	for (size_t i = 0; i < g->n && i < SHOWN_NAMES; i++) {
		const char *name = device(f, g, i)->name;

		fputs(i ? ", " : ": ", stdout);
		lk_print_quoted(stdout, name, strlen(name));
	}
	if (g->n > SHOWN_NAMES)
		printf(" and %zu more", g->n - SHOWN_NAMES);
	printf("\n");
}

static void print_cause(const struct lk_fleet_cause *c)
{
	printf("    PCR %u (%s): ", c->pcr, lk_pcr_meaning(c->pcr));
	if (c->event)
		printf("event %u, ", c->event);
	printf("%s%s\n", c->text,
	       c->follows ? "; so PCR 10 is another, by its boot_aggregate" : "");
}

static void print_group(const struct lk_fleet *f, size_t i)
{
	const struct lk_fleet_group *g = &f->groups[i];

	printf("group %zu, %zu device%s", i + 1, g->n, g->n == 1 ? "" : "s");
	if (g->file[0])
		printf(", %s", g->file);
	print_names(f, g);
	if (i == 0 && f->n_groups > 1)
		printf("    what the others are held against\n");
	for (size_t k = 0; k < g->n_causes; k++)
		print_cause(&g->causes[k]);
	if (g->no_cause.rc != LK_OK)
		printf("    why it differs isn't known: %s\n", g->no_cause.msg);
}

/* Of how many devices each PCR makes another group. */
static void print_sum(const struct lk_fleet *f)
{
	size_t n[LK_PCR_COUNT] = { 0 };

	for (size_t i = 0; i < f->n_groups; i++)
		for (size_t k = 0; k < f->groups[i].n_causes; k++)
			n[f->groups[i].causes[k].pcr] += f->groups[i].n;
	for (unsigned int pcr = 0; pcr < LK_PCR_COUNT; pcr++)
		if (n[pcr])
			printf("PCR %u (%s) of %zu devices isn't that of the first group\n", pcr,
			       lk_pcr_meaning(pcr), n[pcr]);
}

static void print_moved(const struct lk_fleet *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct lk_fleet_device *d = &f->devices[i];
		char pcrs[LK_PCR_MASK_TEXT];

		if (d->rc != LK_OK || !d->moved || n++ >= SHOWN_NAMES)
			continue;
		lk_pcr_mask_format(d->moved, pcrs);
		lk_log(LK_LOG_WARNING,
		       "%s: PCR %s isn't as the record says since the device was installed (a firmware update, or other keys of Secure Boot?); see why before its policy goes out",
		       d->path, pcrs);
	}
	if (n > SHOWN_NAMES)
		lk_log(LK_LOG_WARNING,
		       "and of %zu more devices: see changed-since-install in " LK_FLEET_INDEX,
		       n - SHOWN_NAMES);
}

static void print_text(const struct lk_fleet *f)
{
	size_t refused = count_refused(f);

	printf("%zu device%s in %zu group%s of equal values", f->n - refused,
	       f->n - refused == 1 ? "" : "s", f->n_groups, f->n_groups == 1 ? "" : "s");
	printf(refused ? "; %zu refused\n" : "\n", refused);
	print_sum(f);
	for (size_t i = 0; i < f->n_groups && i < SHOWN_GROUPS; i++)
		print_group(f, i);
	if (f->n_groups > SHOWN_GROUPS)
		printf("and %zu groups more: %s/" LK_FLEET_INDEX " has them all\n",
		       f->n_groups - SHOWN_GROUPS, f->args->output.path);
}

/* Failures of ours first, then what couldn't be read, what is false, and what can't be
 * known or is there already. */
static void note(int rc, const char *why, size_t *worst)
{
	static const int order[] = { LK_E_SYSTEM, LK_E_IO, LK_E_INPUT, LK_E_POLICY, LK_E_REFUSED };

	lk_log(LK_LOG_ERR, "%s", why ? why : "out of memory");
	for (size_t k = 0; k < *worst; k++)
		if (rc == order[k])
			*worst = k;
}

static int worst_of(const struct lk_fleet *f, struct lk_err *err)
{
	static const enum lk_rc order[] = { LK_E_SYSTEM, LK_E_IO,      LK_E_INPUT,
					    LK_E_POLICY, LK_E_REFUSED, LK_E_SYSTEM };
	size_t worst = sizeof(order) / sizeof(order[0]) - 1;
	size_t refused = count_refused(f);

	for (size_t i = 0; i < f->n; i++)
		if (f->devices[i].rc != LK_OK)
			note(f->devices[i].rc, f->devices[i].why, &worst);
	for (size_t i = 0; i < f->n_groups; i++)
		if (f->groups[i].rc != LK_OK)
			note(f->groups[i].rc, f->groups[i].why, &worst);
	if (!refused)
		return LK_OK;
	if (f->n == 1)
		return lk_err_set(err, order[worst], 0,
				  "the one device was refused; nothing was written");
	if (refused == f->n)
		return lk_err_set(err, order[worst], 0,
				  "all of the %zu devices were refused; nothing was written", f->n);
	return lk_err_set(err, order[worst], 0,
			  "%zu of %zu devices were refused; %s has the others", refused, f->n,
			  f->args->output.path);
}

int lk_fleet_report(const struct lk_fleet *f, struct lk_err *err)
{
	if (f->args->json) {
		LK_OWNED_BUF text = LK_BUF_NONE;

		LK_TRY(lk_fleet_json(f, &text, err));
		fwrite(text.data, 1, text.len, stdout);
	} else {
		print_text(f);
	}
	print_moved(f);
	return worst_of(f, err);
}
