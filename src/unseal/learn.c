/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an unlock leaves for the running system: the disk isn't written to from early boot. */
#include "core/luks/booted.h"
#include "sys/os/log.h"
#include "unseal/unseal.h"
#include "volume/opened.h"

void lk_learn_keep(const char *dir, const struct lk_target *t)
{
	char json[LK_LEARNED_MAX];
	struct lk_err err = { 0 };

	(void)lk_learned_write(&t->token.hints, json);
	if (lk_opened_store(dir, t->vol, ".json", json, &err) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s: what was learned isn't kept for the next boot: %s",
		       t->vol->name, err.msg);
}

void lk_learn_booted(const struct lk_target *t)
{
	const struct lk_booted booted = { t->used->version, t->used->digest };
	char json[LK_BOOTED_MAX];
	struct lk_err err = { 0 };

	(void)lk_booted_write(&booted, json);
	if (lk_opened_store(LK_BOOTED_DIR, t->vol, ".json", json, &err) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s: the version floor can't follow this boot: %s",
		       t->vol->name, err.msg);
}
