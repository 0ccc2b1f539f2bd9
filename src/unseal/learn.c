/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an unlock leaves for the next one: the disk isn't written to from early boot. */
#include <stdio.h>

#include "sys/fs.h"
#include "sys/log.h"
#include "unseal/unseal.h"

void lk_learn_keep(const char *dir, const struct lk_target *t)
{
	char json[LK_LEARNED_MAX];
	size_t len = lk_learned_write(&t->token.hints, json);
	struct lk_err err = { 0 };
	char path[256];
	int n = snprintf(path, sizeof(path), "%s/%s.json", dir, t->vol->name);
	int rc = n < (int)sizeof(path)
			 ? LK_OK
			 : lk_err_set(&err, LK_E_USAGE, 0,
				      "%.80s...: the path is too long", dir);

	/* /run/latchkey and the directory in it. */
	if (rc == LK_OK)
		rc = lk_fs_make_parent(dir, &err);
	if (rc == LK_OK)
		rc = lk_fs_make_parent(path, &err);
	if (rc == LK_OK)
		rc = lk_fs_replace(path, json, len, 0600, &err);
	if (rc != LK_OK)
		lk_log(LK_LOG_WARNING,
		       "%s: what was learned isn't kept for the next boot: %s",
		       t->vol->name, err.msg);
}
