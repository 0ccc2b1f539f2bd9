/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an unlock leaves for the running system: the disk isn't written to from early boot. */
#include <stdio.h>
#include <string.h>

#include "core/luks/booted.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "unseal/unseal.h"

/* @dir lies in /run/latchkey; both are made where they lack. */
static int keep(const char *dir, const struct lk_target *t, const char *json, struct lk_err *err)
{
	char path[256];
	int n = snprintf(path, sizeof(path), "%s/%s.json", dir, t->vol->name);

	if (n >= (int)sizeof(path))
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: the path is too long", dir);
	LK_TRY(lk_fs_make_parent(dir, err));
	LK_TRY(lk_fs_make_parent(path, err));
	return lk_fs_replace(path, json, strlen(json), 0600, err);
}

void lk_learn_keep(const char *dir, const struct lk_target *t)
{
	char json[LK_LEARNED_MAX];
	struct lk_err err = { 0 };

	(void)lk_learned_write(&t->token.hints, json);
	if (keep(dir, t, json, &err) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s: what was learned isn't kept for the next boot: %s",
		       t->vol->name, err.msg);
}

void lk_learn_booted(const struct lk_target *t)
{
	const struct lk_booted booted = { t->used->version, t->used->digest };
	char json[LK_BOOTED_MAX];
	struct lk_err err = { 0 };

	(void)lk_booted_write(&booted, json);
	if (keep(LK_BOOTED_DIR, t, json, &err) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s: the version floor can't follow this boot: %s",
		       t->vol->name, err.msg);
}
