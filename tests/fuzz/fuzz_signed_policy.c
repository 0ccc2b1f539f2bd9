/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of signed policies: what is read is written and read as the same. */
#include "core/policy/signed_policy.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static void check_written(const struct lk_signed_policy *sp, bool json)
{
	static char text[LK_SIGNED_POLICY_TEXT_MAX];
	struct lk_signed_policy again;
	LK_OWNED_YAML yaml = NULL;

	INVARIANT(lk_signed_policy_write(sp, json, text, sizeof(text)) == LK_OK);
	yaml = parse_document((const uint8_t *)text, strlen(text));
	INVARIANT(yaml);
	INVARIANT(lk_signed_policy_from_doc(lk_yaml_root(yaml), &again, NULL) == LK_OK);
	INVARIANT(memcmp(sp, &again, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_YAML yaml = parse_document(data, size);
	struct lk_signed_policy sp;
	struct lk_digest tbs;
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return 0;
	rc = lk_signed_policy_from_doc(lk_yaml_root(yaml), &sp, &err);
	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return 0;
	}
	check_written(&sp, false);
	check_written(&sp, true);
	INVARIANT(lk_signed_policy_tbs(&sp, lk_crypto_hash, &tbs) == LK_OK);
	INVARIANT(tbs.len == sp.digest.len);
	INVARIANT(2u * tbs.len == sp.signature_len);
	return 0;
}
