/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the provisioning record: what an inventory needs, and secrets encrypted to its owner. */
#include "install/record.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/crypto/crypto_sign.h"
#include "sys/os/fs.h"

#define RECORD_MAX (1024u * 1024u)

int lk_record_load(const char *path, struct lk_json **ret, bool *ret_existed, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_JSON json = NULL;
	bool existed = access(path, F_OK) == 0;
	int rc = LK_OK;

	if (strcmp(path, "-") == 0)
		return lk_err_set(err, LK_E_USAGE, 0, "--record -: the record has to be a file");
	if (existed) {
		rc = lk_fs_read(path, RECORD_MAX, &text, err);
		if (rc == LK_OK)
			rc = lk_json_parse((const char *)text.data, text.len, &json, err);
		if (rc == LK_OK && !lk_json_get(json, "volumes"))
			rc = lk_err_set(err, LK_E_INPUT, 0, "no provisioning record");
	} else {
		json = lk_json_object();
		if (!json)
			return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
		lk_json_set_uint(json, "latchkey-record", 1);
		lk_json_set_array(json, "volumes");
	}
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return rc;
	}
	*ret = json;
	json = NULL;
	*ret_existed = existed;
	return LK_OK;
}

int lk_record_save(const char *path, const struct lk_json *record, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	int rc = lk_json_write(record, &text, err);

	return rc == LK_OK ? lk_fs_replace(path, text.data, text.len, 0600, err) : rc;
}

int lk_record_try(const char *path, const char *recipient, struct lk_err *err)
{
	static const uint8_t anything[1];
	LK_OWNED_JSON record = NULL;
	LK_OWNED_BUF cms = LK_BUF_NONE;
	bool existed;
	int rc = lk_record_load(path, &record, &existed, err);

	if (rc == LK_OK && recipient)
		rc = lk_cms_encrypt(recipient, (struct lk_bytes){ anything, 1 }, &cms, err);
	if (rc != LK_OK || existed)
		return rc;
	rc = lk_record_save(path, record, err);
	if (rc == LK_OK)
		(void)unlink(path);
	return rc;
}

int lk_record_set_secret(struct lk_json *obj, const char *key, const char *recipient,
			 const struct lk_secret *secret, struct lk_err *err)
{
	const struct lk_bytes plain = { secret->data, secret->len };
	LK_OWNED_BUF cms = LK_BUF_NONE;
	int rc = lk_cms_encrypt(recipient, plain, &cms, err);

	if (rc == LK_OK)
		lk_json_set_text(obj, key, (const char *)cms.data);
	return rc;
}

struct lk_json *lk_record_volume_entry(struct lk_json *record, const struct lk_record_volume *vol)
{
	struct lk_json *volumes = lk_json_get(record, "volumes");
	struct lk_json *entry = lk_json_find(volumes, "name", vol->name);

	if (!entry)
		entry = lk_json_add_object(volumes);
	lk_json_set_text(entry, "name", vol->name);
	lk_json_set_text(entry, "uuid", vol->uuid);
	lk_json_set_handle(entry, "handle", vol->handle);
	if (vol->object.len)
		lk_json_set_hex(entry, "object-name", vol->object.data, vol->object.len);
	return entry;
}
