/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey-verifier flavor: add, list, show, check. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "sys/os/log.h"
#include "verifier/verifier.h"
#include "verifier/device/words.h"
#include "verifier/flavor/flavor.h"

static void describe(const struct lk_vf_flavor *f)
{
	if (f->n)
		printf("%zu signed polic%s", f->n, f->n == 1 ? "y" : "ies");
	printf("%s%s%s%s\n", f->n && f->has_equals ? ", " : "",
	       f->has_equals ? "values that are written down" : "",
	       f->wants_floors ? ", floors have to be proven" : "",
	       f->wants_ima ? ", the kernel's log is required" : "");
	for (size_t i = 0; i < f->n; i++) {
		printf("  version %" PRIu32 "%s", f->policies[i].version,
		       f->policies[i].label[0] ? "  " : "");
		lk_print_shown(stdout, f->policies[i].label);
		putchar('\n');
	}
}

static int check_name(const char *name, struct lk_err *err)
{
	if (name[0] && strlen(name) < LK_VF_NAME_MAX && lk_text_is_visible(name))
		return LK_OK;
	return lk_err_set(err, LK_E_USAGE, 0, "a flavor's name has 1 to %u visible characters",
			  LK_VF_NAME_MAX - 1);
}

int lk_vf_flavor_add(const struct lk_vf_options *o, struct lk_err *err)
{
	LK_OWNED_VF_FLAVOR f = { .latch = LK_PCR_NONE };
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	int rc;

	LK_TRY(check_name(o->operands[0], err));
	LK_TRY(lk_vf_flavor_read(o->operands[1], &f, err));
	LK_TRY(lk_vf_open(o, &settings, &store, err));
	LK_TRY(lk_store_begin(store, err));
	rc = lk_vf_flavor_put(store, o->operands[0], &f, lk_vf_now(), err);
	if (rc == LK_OK)
		rc = lk_store_commit(store, err);
	else
		lk_store_rollback(store);
	if (rc == LK_OK)
		describe(&f);
	return rc;
}

int lk_vf_flavor_check(const struct lk_vf_options *o, struct lk_err *err)
{
	LK_OWNED_VF_FLAVOR f = { .latch = LK_PCR_NONE };

	LK_TRY(lk_vf_flavor_read(o->operands[0], &f, err));
	describe(&f);
	return LK_OK;
}

static int print_name(void *ctx, const struct lk_value *c, struct lk_err *err)
{
	char name[LK_VF_NAME_MAX], added[LK_VF_TIME_TEXT];

	(void)ctx;
	(void)err;
	printf("%s  %" PRId64 " device%s  ", lk_vf_time(c[1].number, added), c[2].number,
	       c[2].number == 1 ? "" : "s");
	lk_print_shown(stdout, lk_value_copy(&c[0], name, sizeof(name)));
	putchar('\n');
	return LK_OK;
}

int lk_vf_flavor_list(const struct lk_vf_options *o, struct lk_err *err)
{
	static const char sql[] =
		"SELECT f.name, f.added, (SELECT COUNT(*) FROM devices d WHERE d.flavor = f.name)"
		" FROM flavors f ORDER BY f.name";
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	return lk_store_run(store, &(struct lk_query){ sql, 0, NULL, print_name, NULL }, NULL, err);
}

int lk_vf_flavor_show(const struct lk_vf_options *o, struct lk_err *err)
{
	LK_OWNED_VF_FLAVOR f = { .latch = LK_PCR_NONE };
	struct lk_vf_settings settings;
	LK_OWNED_STORE store = NULL;
	bool found;

	LK_TRY(lk_vf_open(o, &settings, &store, err));
	LK_TRY(lk_vf_flavor_get(store, o->operands[0], &f, &found, err));
	if (!found)
		return lk_err_set(
			err, LK_E_OBJECT, 0,
			"there is no flavor \"%s\"; latchkey-verifier flavor list lists them",
			o->operands[0]);
	describe(&f);
	printf("%s", f.text);
	return LK_OK;
}

int lk_vf_say_flavor(struct lk_store *store, const char *name, struct lk_err *err)
{
	LK_OWNED_VF_FLAVOR f = { .latch = LK_PCR_NONE };
	char shown[LK_TEXT_SHOWN_MAX + 4];
	bool found;

	LK_TRY(lk_vf_flavor_get(store, name, &f, &found, err));
	if (!found)
		lk_log(LK_LOG_WARNING,
		       "there is no flavor \"%s\" yet: until \"latchkey-verifier flavor add\" puts it there, nothing says what is right for its devices",
		       lk_text_show(name, shown));
	return LK_OK;
}
