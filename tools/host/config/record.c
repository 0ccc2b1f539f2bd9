/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading provisioning records. */
#include "config/record.h"

#include <inttypes.h>
#include <string.h>

#include "sys/crypto/crypto.h"
#include "sys/os/fs.h"
#include "sys/format/yaml.h"

static int get(const struct lk_doc *map, const char *key, const struct lk_doc **ret,
	       struct lk_err *err)
{
	*ret = map->type == LK_DOC_MAP ? lk_doc_get(map, key) : NULL;
	if (*ret && (*ret)->type == LK_DOC_MAP)
		return LK_OK;
	LK_TRY(lk_doc_expect_kind(map, "latchkey-record", err));
	return lk_doc_error(map, err, "no %s: is this a provisioning record?", key);
}

/* A TPM Name is an algorithm and its digest. */
static int get_device(const struct lk_doc *root_key, struct lk_record *ret, struct lk_err *err)
{
	struct lk_name name;
	size_t len = 0;
	int rc = lk_doc_get_hex(root_key, "name", name.data, sizeof(name.data), &len, err);

	if (rc != LK_OK)
		return rc;
	name.len = (uint16_t)len;
	if (len < 2 || len != 2 + lk_alg_size((enum lk_alg)(name.data[0] << 8 | name.data[1])))
		return lk_doc_error(root_key, err, "name: not a TPM Name");
	return lk_device_id(&name, lk_crypto_hash, ret->device, err);
}

/* It says the same once more, for people; where it doesn't, the record was
 * changed by hand, and there is no telling which is right. */
static int check_device_id(const struct lk_doc *root, const struct lk_record *record,
			   struct lk_err *err)
{
	uint8_t id[LK_BLOB_ID_SIZE];
	size_t len = 0;
	int rc;

	if (!lk_doc_get(root, "device-id"))
		return LK_OK;
	rc = lk_doc_get_hex(root, "device-id", id, sizeof(id), &len, err);
	if (rc != LK_OK)
		return rc;
	if (len == sizeof(id) && !memcmp(id, record->device, sizeof(id)))
		return LK_OK;
	return lk_doc_error(lk_doc_get(root, "device-id"), err,
			    "device-id isn't the SHA-256 of storage-root-key's name");
}

/* latchkey-provision decommission --record says so. */
static int check_not_gone(const struct lk_doc *root, struct lk_err *err)
{
	if (root->type != LK_DOC_MAP || !lk_doc_get(root, "decommissioned-at"))
		return LK_OK;
	return lk_err_set(err, LK_E_POLICY, 0,
			  "the device is gone: it was decommissioned, as its record says");
}

static int get_all(const struct lk_doc *root, struct lk_record *ret, struct lk_err *err)
{
	const struct lk_doc *objects, *object;
	int rc = get(root, "objects", &objects, err);

	if (rc == LK_OK)
		rc = get(objects, "storage-root-key", &object, err);
	if (rc == LK_OK)
		rc = get_device(object, ret, err);
	if (rc == LK_OK)
		rc = get(objects, "config-key", &object, err);
	if (rc == LK_OK)
		rc = lk_doc_get_uint(object, "bits", 128, 256, &ret->config_key_bits, err);
	if (rc == LK_OK)
		rc = get(objects, "sequence-floor", &object, err);
	if (rc == LK_OK)
		rc = lk_doc_get_uint(object, "value", 0, UINT64_MAX, &ret->sequence_floor, err);
	return rc == LK_OK ? check_device_id(root, ret, err) : rc;
}

int lk_record_read(const char *path, struct lk_record *ret, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_fs_read(path, LK_RECORD_MAX, &text, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_yaml_parse_long(text.data, text.len, &yaml, err);
	if (rc == LK_OK)
		rc = check_not_gone(lk_yaml_root(yaml), err);
	if (rc == LK_OK)
		rc = get_all(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_record_fits(const struct lk_record *record, const char *path, uint64_t sequence,
		   size_t config_key_size, struct lk_err *err)
{
	if (sequence <= record->sequence_floor)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "%s: the device's floor was %" PRIu64
				  " when it was provisioned: it would refuse sequence %" PRIu64,
				  path, record->sequence_floor, sequence);
	if (record->config_key_bits != 8 * config_key_size)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "%s: the device has a configuration key of %" PRIu64
				  " bits; this one has %zu",
				  path, record->config_key_bits, 8 * config_key_size);
	return LK_OK;
}
