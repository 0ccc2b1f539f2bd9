/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an unlock leaves for the running system: the disk isn't written to from early boot. */
#include <stdio.h>
#include <string.h>

#include "core/luks/booted.h"
#include "sys/crypto/crypto.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "unseal/unseal.h"

/* @dir lies in /run/latchkey; both are made where they lack. */
int lk_learn_keep_as(const char *dir, const struct lk_target *t, const char *ending,
		     const char *text, struct lk_err *err)
{
	char path[256];
	int n = snprintf(path, sizeof(path), "%s/%s%s", dir, t->vol->name, ending);

	if (n >= (int)sizeof(path))
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: the path is too long", dir);
	LK_TRY(lk_fs_make_parent(dir, err));
	LK_TRY(lk_fs_make_parent(path, err));
	return lk_fs_replace(path, text, strlen(text), 0600, err);
}

static int keep(const char *dir, const struct lk_target *t, const char *json, struct lk_err *err)
{
	return lk_learn_keep_as(dir, t, ".json", json, err);
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

void lk_learn_opened(const struct lk_target *t, const char identity[static LK_OPENED_TEXT])
{
	struct lk_err err = { 0 };

	if (lk_learn_keep_as(LK_OPENED_DIR, t, "", identity, &err) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s: programs for its first opening can't be run: %s",
		       t->vol->name, err.msg);
}

int lk_learn_identity(const struct lk_secret *volume_key, char ret[static LK_OPENED_TEXT],
		      struct lk_err *err)
{
	static const char use[] = "latchkey:opened:";
	uint8_t identity[LK_VOLUME_IDENTITY_SIZE];
	const struct lk_bytes parts[] = { { (const uint8_t *)use, sizeof(use) - 1 },
					  { identity, sizeof(identity) } };
	struct lk_digest digest;
	bool hashed;

	LK_TRY(lk_luks_identity(volume_key, identity, err));
	hashed = lk_crypto_hash(LK_ALG_SHA256, parts, 2, &digest);
	lk_wipe(identity, sizeof(identity));
	if (!hashed)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	lk_hex_encode(digest.data, 32, ret);
	memcpy(ret + LK_OPENED_TEXT - 2, "\n", 2);
	return LK_OK;
}
