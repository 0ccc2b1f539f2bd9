/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of what a TPM attests, of signatures, public areas, states and nonces: each is refused for a reason, or is what it says. */
#include "core/attest/attest.h"
#include "core/attest/attest_key.h"
#include "core/attest/nonce.h"
#include "core/attest/refusal.h"
#include "core/attest/state.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

/* What the clock says, and tests/fuzz/seeds.py. */
#define FUZZ_NOW_MS 1000000u

static void check_refusal(int rc, const struct lk_err *err)
{
	INVARIANT(rc == LK_E_INPUT || rc == LK_E_POLICY);
	INVARIANT((int)err->rc == rc && err->msg[0]);
	INVARIANT(err->code > LK_REFUSAL_NONE && err->code < LK_REFUSAL_COUNT);
}

static void check_view(struct lk_bytes whole, struct lk_bytes part)
{
	INVARIANT(!part.len ||
		  (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
}

static void fuzz_attest(struct lk_bytes bytes, enum lk_attest_kind kind)
{
	struct lk_attest a;
	struct lk_err err = { 0 };
	int rc = lk_attest_parse(bytes, kind, &a, &err);

	if (rc != LK_OK) {
		check_refusal(rc, &err);
		return;
	}
	INVARIANT(a.kind == kind);
	check_view(bytes, a.signer);
	check_view(bytes, a.extra);
	if (kind == LK_ATTEST_QUOTE) {
		INVARIANT(!(a.quote.sel.mask >> LK_PCR_COUNT));
		check_view(bytes, a.quote.digest);
	} else if (kind == LK_ATTEST_NV) {
		INVARIANT(a.nv.content.len <= LK_NV_CONTENT_MAX);
		check_view(bytes, a.nv.content);
	}
}

static void fuzz_state(struct lk_bytes bytes)
{
	uint8_t again[LK_ATTEST_STATE_MAX];
	struct lk_attest_state s;

	if (!lk_attest_state_read(bytes, &s))
		return;
	INVARIANT(lk_attest_state_write(&s, again) == bytes.len);
	INVARIANT(!memcmp(again, bytes.data, bytes.len));
}

/* The key is bytes of zero: the seeds have nonces of it. */
static int fuzz_nonce(struct lk_bytes bytes, struct lk_err *err)
{
	static const uint8_t key[LK_NONCE_KEY_SIZE];
	const struct lk_nonce_maker maker = { { key, sizeof(key) }, lk_crypto_hmac };
	uint8_t again[LK_NONCE_SIZE];
	uint64_t given = 0;
	int rc = lk_nonce_check(&maker, FUZZ_NOW_MS, bytes, &given, err);

	if (rc != LK_OK)
		return rc;
	INVARIANT(given <= FUZZ_NOW_MS + LK_NONCE_AHEAD_MS);
	INVARIANT(given + LK_NONCE_LIFE_MS >= FUZZ_NOW_MS);
	INVARIANT(lk_nonce_make(&maker, given, bytes.data + 8, again, NULL) == LK_OK);
	INVARIANT(!memcmp(again, bytes.data, sizeof(again)));
	return LK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_bytes bytes = { data + 1, size - 1 };
	uint8_t raw[LK_ECDSA_P256_SIZE];
	struct lk_attest_key key;
	struct lk_err err = { 0 };
	int rc = LK_OK;

	if (!size)
		return 0;
	switch (data[0]) {
	case 0:
		fuzz_attest(bytes, LK_ATTEST_QUOTE);
		break;
	case 1:
		fuzz_attest(bytes, LK_ATTEST_NV);
		break;
	case 2:
		fuzz_attest(bytes, LK_ATTEST_CERTIFY);
		break;
	case 3:
		rc = lk_attest_signature_parse(bytes, raw, &err);
		break;
	case 4:
		rc = lk_attest_key_parse(bytes, lk_crypto_hash, &key, &err);
		INVARIANT(rc != LK_OK || (key.name.len == 34 && key.qualified_name.len == 34));
		break;
	case 5:
		fuzz_state(bytes);
		break;
	default:
		rc = fuzz_nonce(bytes, &err);
	}
	if (rc != LK_OK)
		check_refusal(rc, &err);
	return 0;
}
