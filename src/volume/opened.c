/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what is said of a volume that was mapped. */
#include "volume/opened.h"

#include <stdio.h>
#include <string.h>

#include "sys/crypto/crypto.h"
#include "sys/luks/luks.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"

int lk_opened_identity(const struct lk_secret *volume_key, char ret[static LK_OPENED_TEXT],
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

int lk_opened_store(const char *dir, const struct lk_volume *vol, const char *ending,
		    const char *text, struct lk_err *err)
{
	char path[256];
	int n = snprintf(path, sizeof(path), "%s/%s%s", dir, vol->name, ending);

	if (n >= (int)sizeof(path))
		return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: the path is too long", dir);
	LK_TRY(lk_fs_make_parent(dir, err));
	LK_TRY(lk_fs_make_parent(path, err));
	return lk_fs_replace(path, text, strlen(text), 0600, err);
}

void lk_opened_keep(const struct lk_volume *vol, const char identity[static LK_OPENED_TEXT])
{
	struct lk_err err = { 0 };

	if (lk_opened_store(LK_OPENED_DIR, vol, "", identity, &err) != LK_OK)
		lk_log(LK_LOG_WARNING, "%s: programs for its first opening can't be run: %s",
		       vol->name, err.msg);
}
