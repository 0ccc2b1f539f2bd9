/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the layout of what the TPM keeps of a volume. */
#include "volume/payload.h"

#include <string.h>

#define SIZE	 (LK_PASSPHRASE_SIZE + LK_VOLUME_IDENTITY_SIZE)
#define SIZE_OLD (64u + LK_VOLUME_IDENTITY_SIZE)

int lk_payload_join(const struct lk_secret *passphrase, const struct lk_secret *volume_key,
		    struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET payload = LK_SECRET_NONE;
	size_t len = passphrase->len;

	LK_TRY(lk_secret_init(&payload, len + LK_VOLUME_IDENTITY_SIZE, err));
	memcpy(payload.data, passphrase->data, len);
	payload.len = len + LK_VOLUME_IDENTITY_SIZE;
	LK_TRY(lk_luks_identity(volume_key, payload.data + len, err));
	*ret = lk_secret_take(&payload);
	return LK_OK;
}

int lk_payload_check(const struct lk_secret *payload, uint32_t handle, struct lk_err *err)
{
	if (payload->len == SIZE || payload->len == SIZE_OLD)
		return LK_OK;
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"what is sealed at 0x%08x is %zu bytes, not the %u or %u that latchkey-provision seals",
		handle, payload->len, SIZE, SIZE_OLD);
}

struct lk_bytes lk_payload_passphrase(const struct lk_secret *payload)
{
	return (struct lk_bytes){ payload->data, payload->len - LK_VOLUME_IDENTITY_SIZE };
}

int lk_payload_check_identity(const struct lk_secret *payload, const struct lk_secret *volume_key,
			      struct lk_err *err)
{
	uint8_t identity[LK_VOLUME_IDENTITY_SIZE];
	size_t at = payload->len - sizeof(identity);
	int rc = lk_luks_identity(volume_key, identity, err);

	if (rc == LK_OK && !lk_secret_equal(identity, payload->data + at, sizeof(identity)))
		rc = lk_err_set(
			err, LK_E_VOLUME, 0,
			"it opens, but has another volume key than the one it was sealed with: the volume was replaced");
	lk_wipe(identity, sizeof(identity));
	return rc;
}
