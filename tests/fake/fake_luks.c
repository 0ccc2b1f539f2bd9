/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a stand-in for sys/luks/luks.h. */
#include "sys/luks/luks.h"

#include <stdlib.h>
#include <string.h>

#include "world.h"

struct lk_luks {
	struct fake_volume *v;
};

void lk_luks_free(struct lk_luks *luks)
{
	free(luks);
}

int lk_luks_open(const char *device, const struct lk_volume *vol, struct lk_luks **ret,
		 struct lk_err *err)
{
	struct fake_volume *v = fake_volume_of(vol->name);

	(void)device;
	fake_event("header %s", vol->name);
	if (v->header_rc != LK_OK)
		return fake_result(v->header_rc, "the header", err);
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return fake_result(LK_E_SYSTEM, "calloc", err);
	(*ret)->v = v;
	return LK_OK;
}

const char *lk_luks_uuid(const struct lk_luks *luks)
{
	(void)luks;
	return "01234567-89ab-cdef-0123-456789abcdef";
}

int lk_luks_token(const struct lk_luks *luks, unsigned int n, struct lk_buf *ret,
		  struct lk_err *err)
{
	if (!luks->v->token || n)
		return fake_result(LK_E_HEADER, "finding the token", err);
	ret->data = (uint8_t *)strdup(luks->v->token);
	ret->len = strlen(luks->v->token);
	return LK_OK;
}

static bool opens(const struct fake_volume *v, int keyslot, struct lk_bytes passphrase)
{
	uint8_t sealed[64];

	fake_passphrase(v, sealed);
	if (passphrase.len == 64 && memcmp(passphrase.data, sealed, 64) == 0)
		return true;
	return keyslot < 0 && v->typed && passphrase.len == strlen(v->typed) &&
	       memcmp(passphrase.data, v->typed, passphrase.len) == 0;
}

int lk_luks_volume_key(const struct lk_luks *luks, int keyslot, struct lk_bytes passphrase,
		       struct lk_secret *ret, struct lk_err *err)
{
	const struct fake_volume *v = luks->v;
	uint8_t key[64];
	int rc;

	fake_event("keyslot %s %d", v->name, keyslot);
	if (v->keyslot_rc != LK_OK)
		return fake_result(v->keyslot_rc, "the keyslot", err);
	if (!opens(v, keyslot, passphrase))
		return fake_result(LK_E_VOLUME, "the passphrase", err);
	fake_volume_key(v, !v->replaced, key);
	rc = lk_secret_from(ret, key, sizeof(key), err);
	lk_wipe(key, sizeof(key));
	return rc;
}

/* The key's first half stands for its HMAC. */
int lk_luks_identity(const struct lk_secret *volume_key,
		     uint8_t ret[static LK_VOLUME_IDENTITY_SIZE], struct lk_err *err)
{
	(void)err;
	memcpy(ret, volume_key->data, LK_VOLUME_IDENTITY_SIZE);
	return LK_OK;
}

int lk_luks_map(struct lk_luks *luks, const struct lk_volume *vol,
		const struct lk_secret *volume_key, struct lk_err *err)
{
	(void)volume_key;
	fake_event("map %s", vol->name);
	return fake_result(luks->v->map_rc, "mapping", err);
}

bool lk_luks_is_mapped(const char *name)
{
	const struct fake_volume *v = fake_volume_of(name);

	return v && v->mapped_before;
}
