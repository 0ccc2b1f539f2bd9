/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading, preparing, checking and writing signed root keys. */
#include "core/policy/signed_root_key.h"

#include <stdio.h>
#include <string.h>

#include "core/base/bytes.h"

/* Its NUL is part of it. */
static const char tag[] = "latchkey:signed-root-key:1";

/* policyRefs are text of the owner's; one that needs more than plain characters is
 * signed for by none of these documents. */
static bool is_plain(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
			return false;
	return true;
}

static int get_ref(const struct lk_doc *doc, struct lk_signed_root_key *sr, struct lk_err *err)
{
	const char *text;

	LK_TRY(lk_doc_get_text(doc, "policy-ref", LK_POLICY_REF_MAX, &text, err));
	sr->policy_ref_len = strlen(text);
	memcpy(sr->policy_ref, text, sr->policy_ref_len);
	if (!is_plain(sr->policy_ref, sr->policy_ref_len))
		return lk_doc_error(
			lk_doc_get(doc, "policy-ref"), err,
			"policy-ref: plain characters without quotes and backslashes are expected");
	return LK_OK;
}

int lk_signed_root_key_from_doc(const struct lk_doc *doc, struct lk_signed_root_key *ret,
				struct lk_err *err)
{
	static const char *const known[] = {
		"latchkey-root-key", "device-id", "name", "policy-ref", "key", "signature", NULL
	};
	struct lk_signed_root_key sr = { 0 };
	uint64_t format;
	size_t len;

	LK_TRY(lk_doc_expect_keys(doc, known, err));
	LK_TRY(lk_doc_get_uint(doc, "latchkey-root-key", 1, 1, &format, err));
	LK_TRY(lk_doc_get_hex(doc, "device-id", sr.id, sizeof(sr.id), &len, err));
	if (len != sizeof(sr.id))
		return lk_doc_error(lk_doc_get(doc, "device-id"), err,
				    "device-id: 32 bytes are expected");
	LK_TRY(lk_doc_get_name(doc, "name", &sr.root, err));
	LK_TRY(get_ref(doc, &sr, err));
	LK_TRY(lk_doc_get_name(doc, "key", &sr.key, err));
	LK_TRY(lk_doc_get_hex(doc, "signature", sr.signature, sizeof(sr.signature),
			      &sr.signature_len, err));
	if (sr.signature_len != 2u * (sr.key.len - 2u))
		return lk_doc_error(lk_doc_get(doc, "signature"), err,
				    "signature: r and s of %u bytes each are expected",
				    sr.key.len - 2u);
	*ret = sr;
	return LK_OK;
}

int lk_signed_root_key_prepare(const struct lk_policy_file *pf, const struct lk_device_file *device,
			       lk_hash_fn hash, struct lk_signed_root_key *ret, struct lk_err *err)
{
	struct lk_signed_root_key sr = { .root = device->root,
					 .policy_ref_len = pf->policy_ref_len };

	if (!is_plain(pf->policy_ref, pf->policy_ref_len))
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"policy-ref: a root key is signed for one of plain characters alone, without quotes and backslashes");
	memcpy(sr.id, device->id, sizeof(sr.id));
	memcpy(sr.policy_ref, pf->policy_ref, pf->policy_ref_len);
	if (lk_policy_key_name(&pf->key, hash, &sr.key) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	*ret = sr;
	return LK_OK;
}

int lk_signed_root_key_check(const struct lk_signed_root_key *sr, const struct lk_policy_file *pf,
			     lk_hash_fn hash, struct lk_err *err)
{
	const struct lk_name none = { 0 };
	struct lk_device_file device;
	struct lk_name key;

	LK_TRY(lk_device_file_make(&sr->root, &none, hash, &device, err));
	if (lk_policy_key_name(&pf->key, hash, &key) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (!lk_name_equal(&sr->key, &key))
		return lk_err_set(err, LK_E_POLICY, 0,
				  "key: made for another policy key than the policy file's");
	if (sr->policy_ref_len != pf->policy_ref_len ||
	    memcmp(sr->policy_ref, pf->policy_ref, pf->policy_ref_len) != 0)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"policy-ref: signed for \"%.48s\", the policy file's is \"%.48s\"",
			(const char *)sr->policy_ref, (const char *)pf->policy_ref);
	if (memcmp(sr->id, device.id, sizeof(sr->id)) != 0)
		return lk_err_set(err, LK_E_POLICY, 0,
				  "device-id: not the SHA-256 of the Name beside it");
	return LK_OK;
}

int lk_signed_root_key_tbs(const struct lk_signed_root_key *sr, lk_hash_fn hash,
			   struct lk_digest *ret)
{
	enum lk_alg alg = sr->key.len == 50 ? LK_ALG_SHA384 : LK_ALG_SHA256;
	const uint8_t name_len[2] = { (uint8_t)(sr->root.len >> 8), (uint8_t)sr->root.len };
	const uint8_t ref_len[2] = { 0, (uint8_t)sr->policy_ref_len };
	const struct lk_bytes parts[] = {
		{ (const uint8_t *)tag, sizeof(tag) }, { name_len, sizeof(name_len) },
		{ sr->root.data, sr->root.len },       { sr->id, sizeof(sr->id) },
		{ ref_len, sizeof(ref_len) },	       { sr->policy_ref, sr->policy_ref_len },
	};

	return hash(alg, parts, sizeof(parts) / sizeof(parts[0]), ret) ? LK_OK : LK_E_SYSTEM;
}

size_t lk_signed_root_key_write(const struct lk_signed_root_key *sr, bool json,
				char out[static LK_SIGNED_ROOT_KEY_TEXT])
{
	char id[2 * LK_DEVICE_ID_SIZE + 1], name[2 * LK_NAME_MAX + 1], key[2 * LK_NAME_MAX + 1];
	char signature[2 * sizeof(sr->signature) + 1];
	int n;

	lk_hex_encode(sr->id, sizeof(sr->id), id);
	lk_hex_encode(sr->root.data, sr->root.len, name);
	lk_hex_encode(sr->key.data, sr->key.len, key);
	lk_hex_encode(sr->signature, sr->signature_len, signature);
	if (json)
		n = snprintf(
			out, LK_SIGNED_ROOT_KEY_TEXT,
			"{\"latchkey-root-key\":1,\"device-id\":\"%s\",\"name\":\"%s\",\"policy-ref\":\"%.*s\",\"key\":\"%s\",\"signature\":\"%s\"}",
			id, name, (int)sr->policy_ref_len, (const char *)sr->policy_ref, key,
			signature);
	else
		n = snprintf(
			out, LK_SIGNED_ROOT_KEY_TEXT,
			"latchkey-root-key: 1\ndevice-id: \"%s\"\nname: \"%s\"\npolicy-ref: \"%.*s\"\nkey: \"%s\"\nsignature: \"%s\"\n",
			id, name, (int)sr->policy_ref_len, (const char *)sr->policy_ref, key,
			signature);
	return (size_t)n;
}
