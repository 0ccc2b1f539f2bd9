/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the way in without the TPM: a passphrase or recovery key, typed. */
#include <stdio.h>

#include "core/policy/recovery_key.h"
#include "sys/ask/ask.h"
#include "sys/os/log.h"
#include "unseal/unseal.h"

#define TRIES 3u

static int try_recovery_key(struct lk_target *t, const struct lk_secret *typed, struct lk_err *err)
{
	char text[LK_RECOVERY_KEY_TEXT + 1];
	struct lk_bytes pass = { (const uint8_t *)text, LK_RECOVERY_KEY_TEXT };
	int rc = LK_E_VOLUME;

	if (lk_recovery_key_normalize((const char *)typed->data, typed->len, text))
		rc = lk_luks_volume_key(t->luks, -1, pass, &t->volume_key, err);
	lk_wipe(text, sizeof(text));
	return rc;
}

int lk_prompt_volume_key(struct lk_target *t, unsigned int seconds, struct lk_err *err)
{
	char question[256];
	int rc = LK_E_VOLUME;

	(void)snprintf(question, sizeof(question),
		       "Recovery key or passphrase for volume %s:", t->vol->name);
	for (unsigned int i = 0; i < TRIES && rc == LK_E_VOLUME; i++) {
		LK_OWNED_SECRET typed = LK_SECRET_NONE;
		struct lk_bytes pass;

		lk_timing_step(t->timing, t->vol->name, "ready to ask for a key");
		rc = lk_ask_screen(question, seconds, &typed, err);
		lk_timing_typed(t->timing, t->vol->name, "key typed");
		if (rc != LK_OK)
			return rc;
		pass = (struct lk_bytes){ typed.data, typed.len };
		rc = try_recovery_key(t, &typed, err);
		if (rc == LK_E_VOLUME)
			rc = lk_luks_volume_key(t->luks, -1, pass, &t->volume_key, err);
		if (rc == LK_E_VOLUME)
			lk_log(LK_LOG_WARNING, "%s: that opens no keyslot", t->vol->name);
	}
	return rc;
}
