/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a provisioning record says: whose it is, its secrets, its volumes, and what was superseded. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/bytes.h"
#include "core/config/blob.h"
#include "core/policy/policy_digest.h"
#include "install/record.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_sign.h"
#include "sys/tpm/tpm_config.h"

static int device_text(const struct lk_name *root, char ret[static LK_DEVICE_ID_TEXT],
		       struct lk_err *err)
{
	uint8_t id[LK_BLOB_ID_SIZE];

	LK_TRY(lk_device_id(root, lk_crypto_hash, id, err));
	lk_hex_encode(id, sizeof(id), ret);
	return LK_OK;
}

int lk_tpm_device(struct lk_tpm *tpm, char ret[static LK_DEVICE_ID_TEXT], struct lk_err *err)
{
	struct lk_name root;

	LK_TRY(lk_tpm_root_name(tpm, &root, err));
	return device_text(&root, ret, err);
}

int lk_record_device(const struct lk_json *record, char ret[static LK_DEVICE_ID_TEXT],
		     struct lk_err *err)
{
	const struct lk_json *objects = lk_json_get(record, "objects");
	const char *name = lk_json_get_text(lk_json_get(objects, "storage-root-key"), "name");
	const char *id = lk_json_get_text(record, "device-id");
	struct lk_name root = { 0 };
	size_t len = 0;

	ret[0] = '\0';
	if (id && strlen(id) != LK_DEVICE_ID_TEXT - 1)
		return lk_err_set(err, LK_E_INPUT, 0, "the record's device-id is malformed");
	if (id)
		memcpy(ret, id, LK_DEVICE_ID_TEXT);
	if (id || !name)
		return LK_OK;
	if (!lk_hex_decode(name, strlen(name), root.data, sizeof(root.data), &len))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "the record's name of the storage-root-key is malformed");
	root.len = (uint16_t)len;
	return device_text(&root, ret, err);
}

int lk_record_of_tpm(const char *path, struct lk_tpm *tpm, struct lk_json **ret, struct lk_err *err)
{
	LK_OWNED_JSON record = NULL;
	char ours[LK_DEVICE_ID_TEXT], its[LK_DEVICE_ID_TEXT];
	bool existed;

	LK_TRY(lk_record_load(path, &record, &existed, err));
	LK_TRY(lk_tpm_device(tpm, ours, err));
	LK_TRY(lk_record_device(record, its, err));
	if (its[0] && strcmp(its, ours) != 0)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"--record %s belongs to another device (its device-id is %.16s..., and this one's is %.16s...); nothing was changed; give this device's record, or a new file (where this TPM was cleared or replaced, install comes first)",
			path, its, ours);
	lk_json_set_text(record, "device-id", ours);
	if (ret) {
		*ret = record;
		record = NULL;
	}
	return LK_OK;
}

int lk_record_check(const struct lk_options *opts, struct lk_tpm *tpm, struct lk_err *err)
{
	const char *path = opts->value[LK_OPT_RECORD];

	if (!path)
		return LK_OK;
	LK_TRY(lk_record_of_tpm(path, tpm, NULL, err));
	return lk_record_try(path, opts->value[LK_OPT_RECIPIENT], err);
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

void lk_record_supersede(struct lk_json *obj)
{
	char text[32] = "";
	time_t now = time(NULL);
	struct tm utc;

	if (gmtime_r(&now, &utc))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	lk_json_set_bool(obj, "superseded", true);
	lk_json_set_text(obj, "superseded-at", text);
}

struct lk_json *lk_record_retire(struct lk_json *obj, const char *list, const char *const *keys)
{
	struct lk_json *array = lk_json_get(obj, list);
	struct lk_json *old = NULL;

	for (const char *const *key = keys; *key; key++) {
		if (!lk_json_has(obj, *key))
			continue;
		if (!old && !lk_json_is_array(array))
			array = lk_json_set_array(obj, list);
		if (!old)
			old = lk_json_add_object(array);
		lk_json_share(old, obj, *key);
		lk_json_remove(obj, *key);
	}
	if (old)
		lk_record_supersede(old);
	return old;
}

struct lk_json *lk_record_find_volume(const struct lk_json *record, const char *uuid)
{
	return lk_json_find(lk_json_get(record, "volumes"), "uuid", uuid);
}

/** Those with the same name that were current until now; then the superseded go last. */
static void supersede_others(struct lk_json *volumes, const struct lk_record_volume *vol)
{
	size_t n = lk_json_count(volumes);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		struct lk_json *entry = lk_json_at(volumes, at);
		const char *name = lk_json_get_text(entry, "name");
		const char *uuid = lk_json_get_text(entry, "uuid");

		if (name && strcmp(name, vol->target->vol->name) == 0 &&
		    !(uuid && strcmp(uuid, vol->uuid) == 0) &&
		    !lk_json_is_true(entry, "superseded"))
			lk_record_supersede(entry);
		if (lk_json_is_true(entry, "superseded"))
			lk_json_move_to_end(volumes, at);
		else
			at++;
	}
}

/** What the volume was sealed as before; at another handle that may still open it. */
static void keep_sealed_before(struct lk_json *entry, uint32_t handle)
{
	static const char *const keys[] = { "handle",	  "object-name", "policy-ref",
					    "policy-key", "pin",	 NULL };
	const char *had = lk_json_get_text(entry, "handle");
	struct lk_json *old;
	char text[16];

	if (!lk_json_has(entry, "object-name"))
		return;
	(void)snprintf(text, sizeof(text), "0x%08x", handle);
	bool same = had && strcmp(had, text) == 0;

	old = lk_record_retire(entry, "sealed-before", keys);
	if (old && !same) {
		lk_json_remove(old, "superseded");
		lk_json_remove(old, "superseded-at");
	}
}

struct lk_json *lk_record_volume_entry(struct lk_json *record, const struct lk_record_volume *vol,
				       struct lk_err *err)
{
	const struct lk_policy_file *pf = &vol->target->pf;
	const struct lk_volume *v = vol->target->vol;
	struct lk_json *volumes = lk_json_get(record, "volumes");
	struct lk_json *entry = lk_record_find_volume(record, vol->uuid);
	char hex[2 * sizeof(vol->object.data) + 1], ref[LK_POLICY_REF_MAX + 1];
	const char *had = lk_json_get_text(entry, "object-name");
	struct lk_name key;

	if (lk_policy_key_name(&pf->key, lk_crypto_hash, &key) != LK_OK) {
		(void)lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
		return NULL;
	}
	if (!entry)
		entry = lk_json_add_object(volumes);
	lk_hex_encode(vol->object.data, vol->object.len, hex);
	if (vol->object.len && had && strcmp(had, hex) != 0)
		keep_sealed_before(entry, v->handle);
	lk_json_set_text(entry, "name", v->name);
	lk_json_set_text(entry, "uuid", vol->uuid);
	lk_json_set_handle(entry, "handle", v->handle);
	if (vol->object.len)
		lk_json_set_text(entry, "object-name", hex);
	memcpy(ref, pf->policy_ref, pf->policy_ref_len);
	ref[pf->policy_ref_len] = '\0';
	lk_json_set_text(entry, "policy-ref", ref);
	lk_json_set_hex(entry, "policy-key", key.data, key.len);
	lk_json_set_bool(entry, "pin", v->pin);
	lk_json_remove(entry, "superseded");
	lk_json_remove(entry, "superseded-at");
	supersede_others(volumes, vol);
	return entry;
}
