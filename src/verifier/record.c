/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading what a provisioning record says of who the device is. A device has its own, so that it may be anything. */
#include <string.h>

#include "core/attest/attest_key.h"
#include "sys/crypto/crypto.h"
#include "verifier.h"

#define PUBLIC_MAX 4096u

/* DER of a PEM text. */
static bool pem_body(const char *pem, uint8_t out[static PUBLIC_MAX], size_t *ret_len)
{
	const char *begin = strstr(pem, "-----BEGIN PUBLIC KEY-----");
	const char *from = begin ? strchr(begin, '\n') : NULL;
	const char *to = from ? strstr(from, "-----END") : NULL;

	while (from && to && from < to && (*from == '\n' || *from == '\r'))
		from++;
	return to && to > from &&
	       lk_base64_decode(from, (size_t)(to - from), out, PUBLIC_MAX, ret_len);
}

static int hash_id(struct lk_bytes of, char ret[static LK_VF_ID_TEXT], struct lk_err *err)
{
	struct lk_digest digest;

	if (!lk_crypto_hash(LK_ALG_SHA256, &of, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	lk_hex_encode(digest.data, digest.len, ret);
	return LK_OK;
}

/* By the endorsement key; a record without one has its attestation key for it. */
static int find_id(const struct lk_json *record, struct lk_bytes ak, char ret[static LK_VF_ID_TEXT],
		   struct lk_err *err)
{
	const char *pem = lk_json_get_text(lk_json_get(record, "ek"), "public");
	uint8_t der[PUBLIC_MAX];
	size_t len;

	if (!pem)
		return hash_id(ak, ret, err);
	if (!pem_body(pem, der, &len))
		return lk_err_set(err, LK_E_INPUT, 0, "ek.public is no public key in PEM");
	return hash_id((struct lk_bytes){ der, len }, ret, err);
}

/* Public area and Name, which have to belong together. */
static int find_key(const struct lk_json *record, struct lk_vf_import *im,
		    uint8_t ak[static LK_VF_AK_MAX], struct lk_err *err)
{
	const struct lk_json *key = lk_json_get(record, "ak");
	const char *hex = lk_json_get_text(key, "public");
	const char *name = lk_json_get_text(key, "name");
	struct lk_attest_key parsed;
	char computed[2 * LK_NAME_MAX + 1];
	size_t len;

	if (!key || !hex)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"the record has no attestation key (ak.public): install makes one, where it is newer than the record");
	if (!lk_hex_decode(hex, strlen(hex), ak, LK_VF_AK_MAX, &len))
		return lk_err_set(err, LK_E_INPUT, 0, "ak.public isn't hexadecimal, or too long");
	im->ak = (struct lk_bytes){ ak, len };
	LK_TRY(lk_attest_key_parse(im->ak, lk_crypto_hash, &parsed, err));
	lk_hex_encode(parsed.name.data, parsed.name.len, computed);
	if (name && strcmp(name, computed) != 0)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"ak: the Name isn't that of the public area beside it: the record was changed");
	im->ak_name = parsed.name;
	return LK_OK;
}

int lk_vf_record_read(struct lk_bytes text, uint8_t ak[static LK_VF_AK_MAX],
		      struct lk_vf_import *im, struct lk_err *err)
{
	LK_OWNED_JSON record = NULL;

	LK_TRY(lk_json_parse((const char *)text.data, text.len, &record, err));
	LK_TRY(find_key(record, im, ak, err));
	return find_id(record, im->ak, im->id, err);
}
