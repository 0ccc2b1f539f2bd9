/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what is said of a volume that was mapped, for latchkey-first-open.service: by what it is known, until the next boot. */
#ifndef LK_VOLUME_OPENED_H
#define LK_VOLUME_OPENED_H

#include "core/luks/booted.h"
#include "core/policy/policy_file.h"
#include "sys/os/secret.h"

/** SHA-256 of the volume identity, for this use, as a line of text. */
int lk_opened_identity(const struct lk_secret *volume_key, char ret[static LK_OPENED_TEXT],
		       struct lk_err *err);
/** Into LK_OPENED_DIR; where that fails a warning says so, for the volume is open all the same. */
void lk_opened_keep(const struct lk_volume *vol, const char identity[static LK_OPENED_TEXT]);
/** @text into @dir/<volume><ending>, in memory; @dir lies in /run/latchkey, and both are made. */
int lk_opened_store(const char *dir, const struct lk_volume *vol, const char *ending,
		    const char *text, struct lk_err *err);

#endif
