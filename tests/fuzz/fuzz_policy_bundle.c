/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of bundles of signed policies, with the digest made to fit. */
#include "core/policy/policy_bundle.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static void check_policies(struct lk_bytes body, size_t n)
{
	struct lk_bytes line;

	for (; lk_policy_bundle_next(&body, &line); n--) {
		LK_OWNED_YAML yaml = parse_document(line.data, line.len);
		struct lk_signed_policy sp;

		INVARIANT(n > 0 && line.len > 0 && line.len <= LK_SIGNED_POLICY_TEXT_MAX);
		if (yaml)
			(void)lk_signed_policy_from_doc(lk_yaml_root(yaml), &sp, NULL);
	}
	INVARIANT(n == 0 && body.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_policy_bundle b = { 0 };
	struct lk_err err = { 0 };
	struct lk_bytes body;
	int rc = lk_policy_bundle_head((struct lk_bytes){ data, size }, &b, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		return 0;
	}
	INVARIANT(b.n > 0 && b.n <= LK_POLICY_BUNDLE_COUNT);
	INVARIANT(b.len <= LK_POLICY_BUNDLE_MAX - LK_POLICY_BUNDLE_HEAD);
	body = (struct lk_bytes){ data + LK_POLICY_BUNDLE_HEAD, size - LK_POLICY_BUNDLE_HEAD };
	if (body.len > b.len)
		body.len = b.len;
	b.len = body.len;
	INVARIANT(lk_crypto_hash(LK_ALG_SHA256, &body, 1, &b.sha256));
	rc = lk_policy_bundle_check(&b, body, lk_crypto_hash, &err);
	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	else
		check_policies(body, b.n);
	return 0;
}
