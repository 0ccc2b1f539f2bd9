/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and writing the device file, and taking one out of a record. */
#include "core/policy/device_file.h"

#include <stdio.h>
#include <string.h>

#include "core/base/bytes.h"

int lk_doc_get_name(const struct lk_doc *map, const char *key, struct lk_name *ret,
		    struct lk_err *err)
{
	struct lk_name name = { 0 };
	size_t len = 0;
	size_t size;

	LK_TRY(lk_doc_get_hex(map, key, name.data, sizeof(name.data), &len, err));
	size = len < 2 ? 0 : lk_alg_size((enum lk_alg)(name.data[0] << 8 | name.data[1]));
	if (!size || len != 2 + size)
		return lk_doc_error(
			lk_doc_get(map, key), err,
			"%s: not a TPM Name, which is an algorithm and a digest, 34 or 50 bytes",
			key);
	name.len = (uint16_t)len;
	*ret = name;
	return LK_OK;
}

int lk_device_file_make(const struct lk_name *root, const struct lk_name *policy_key,
			lk_hash_fn hash, struct lk_device_file *ret, struct lk_err *err)
{
	const struct lk_bytes name = { root->data, root->len };
	struct lk_digest id;

	if (!hash(LK_ALG_SHA256, &name, 1, &id) || id.len != LK_DEVICE_ID_SIZE)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	*ret = (struct lk_device_file){ .root = *root, .policy_key = *policy_key };
	memcpy(ret->id, id.data, sizeof(ret->id));
	return LK_OK;
}

/* The ID is there for people and for inventories; where it isn't the Name's, the
 * text was changed by hand, and there is no telling which is right. */
static int check_id(const struct lk_doc *doc, const struct lk_device_file *df, struct lk_err *err)
{
	uint8_t id[LK_DEVICE_ID_SIZE];
	size_t len = 0;

	LK_TRY(lk_doc_get_hex(doc, "device-id", id, sizeof(id), &len, err));
	if (len == sizeof(id) && memcmp(id, df->id, sizeof(id)) == 0)
		return LK_OK;
	return lk_doc_error(lk_doc_get(doc, "device-id"), err,
			    "device-id: not the SHA-256 of the root key's Name");
}

/* Both have a map of their own: there may be more to say of a key some day. */
static int get_key(const struct lk_doc *doc, const char *key, struct lk_name *ret,
		   struct lk_err *err)
{
	static const char *const known[] = { "name", NULL };
	const struct lk_doc *map = lk_doc_get(doc, key);

	if (!map)
		return lk_doc_error(doc, err, "%s: missing", key);
	LK_TRY(lk_doc_expect_keys(map, known, err));
	return lk_doc_get_name(map, "name", ret, err);
}

int lk_device_file_from_doc(const struct lk_doc *doc, lk_hash_fn hash, struct lk_device_file *ret,
			    struct lk_err *err)
{
	static const char *const known[] = { "latchkey-device", "device-id", "root-key",
					     "policy-key", NULL };
	struct lk_name policy_key = { 0 };
	struct lk_device_file df;
	struct lk_name root;
	uint64_t format;

	LK_TRY(lk_doc_expect_keys(doc, known, err));
	LK_TRY(lk_doc_get_uint(doc, "latchkey-device", 1, 1, &format, err));
	LK_TRY(get_key(doc, "root-key", &root, err));
	if (lk_doc_get(doc, "policy-key"))
		LK_TRY(get_key(doc, "policy-key", &policy_key, err));
	LK_TRY(lk_device_file_make(&root, &policy_key, hash, &df, err));
	LK_TRY(check_id(doc, &df, err));
	*ret = df;
	return LK_OK;
}

/* NULL where there is no such map. */
static const struct lk_doc *child_map(const struct lk_doc *of, const char *key)
{
	const struct lk_doc *map = of ? lk_doc_get(of, key) : NULL;

	return map && map->type == LK_DOC_MAP ? map : NULL;
}

int lk_device_file_from_record(const struct lk_doc *record, lk_hash_fn hash,
			       struct lk_device_file *ret, struct lk_err *err)
{
	const struct lk_doc *objects = child_map(record, "objects");
	const struct lk_doc *root_key = child_map(objects, "storage-root-key");
	const struct lk_doc *nv = child_map(objects, "policy-key");
	struct lk_name policy_key = { 0 };
	struct lk_device_file df;
	struct lk_name root;

	if (!root_key) {
		LK_TRY(lk_doc_expect_kind(record, "latchkey-record", err));
		return lk_doc_error(
			record, err,
			"no storage-root-key: is this a provisioning record that install has finished?");
	}
	LK_TRY(lk_doc_get_name(root_key, "name", &root, err));
	if (nv && lk_doc_get(nv, "key-name"))
		LK_TRY(lk_doc_get_name(nv, "key-name", &policy_key, err));
	LK_TRY(lk_device_file_make(&root, &policy_key, hash, &df, err));
	if (lk_doc_get(record, "device-id"))
		LK_TRY(check_id(record, &df, err));
	*ret = df;
	return LK_OK;
}

size_t lk_device_file_write(const struct lk_device_file *df, char out[static LK_DEVICE_YAML_TEXT])
{
	char id[2 * LK_DEVICE_ID_SIZE + 1];
	char name[2 * LK_NAME_MAX + 1];
	int n;

	lk_hex_encode(df->id, sizeof(df->id), id);
	lk_hex_encode(df->root.data, df->root.len, name);
	n = snprintf(out, LK_DEVICE_YAML_TEXT,
		     "latchkey-device: 1\ndevice-id: \"%s\"\nroot-key:\n  name: \"%s\"\n", id,
		     name);
	if (!df->policy_key.len)
		return (size_t)n;
	lk_hex_encode(df->policy_key.data, df->policy_key.len, name);
	return (size_t)(n + snprintf(out + n, LK_DEVICE_YAML_TEXT - (size_t)n,
				     "policy-key:\n  name: \"%s\"\n", name));
}
