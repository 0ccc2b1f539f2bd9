/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of signed root keys and device files: what is read is written and read as the same. */
#include "core/policy/signed_root_key.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static void check_written(const struct lk_signed_root_key *sr, bool json)
{
	char text[LK_SIGNED_ROOT_KEY_TEXT];
	struct lk_signed_root_key again;
	LK_OWNED_YAML yaml = NULL;
	size_t len = lk_signed_root_key_write(sr, json, text);

	INVARIANT(len < sizeof(text) && len == strlen(text));
	yaml = parse_document((const uint8_t *)text, len);
	INVARIANT(yaml);
	INVARIANT(lk_signed_root_key_from_doc(lk_yaml_root(yaml), &again, NULL) == LK_OK);
	INVARIANT(memcmp(sr, &again, sizeof(again)) == 0);
}

static void check_device(const struct lk_doc *doc)
{
	char text[LK_DEVICE_YAML_TEXT];
	struct lk_device_file df, again;
	LK_OWNED_YAML yaml = NULL;
	struct lk_err err = { 0 };
	int rc = lk_device_file_from_doc(doc, lk_crypto_hash, &df, &err);

	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	if (rc != LK_OK)
		rc = lk_device_file_from_record(doc, lk_crypto_hash, &df, &err);
	if (rc != LK_OK)
		return;
	INVARIANT(lk_device_file_write(&df, text) < sizeof(text));
	yaml = parse_document((const uint8_t *)text, strlen(text));
	INVARIANT(yaml);
	INVARIANT(lk_device_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, &again, NULL) ==
		  LK_OK);
	INVARIANT(memcmp(&df, &again, sizeof(df)) == 0);
}

/* With a policy file of which all but the key is as the statement says, or isn't. */
static void check_fits(const struct lk_signed_root_key *sr)
{
	static struct lk_policy_file pf;
	struct lk_err err = { 0 };
	int rc;

	pf.key.curve = LK_CURVE_P256;
	pf.policy_ref_len = sr->policy_ref_len;
	memcpy(pf.policy_ref, sr->policy_ref, sr->policy_ref_len);
	rc = lk_signed_root_key_check(sr, &pf, lk_crypto_hash, &err);
	INVARIANT(rc == LK_OK || err.msg[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_YAML yaml = parse_document(data, size);
	struct lk_signed_root_key sr;
	struct lk_digest tbs;
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return 0;
	check_device(lk_yaml_root(yaml));
	rc = lk_signed_root_key_from_doc(lk_yaml_root(yaml), &sr, &err);
	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return 0;
	}
	check_fits(&sr);
	check_written(&sr, false);
	check_written(&sr, true);
	INVARIANT(lk_signed_root_key_tbs(&sr, lk_crypto_hash, &tbs) == LK_OK);
	INVARIANT(2u * tbs.len == sr.signature_len);
	return 0;
}
