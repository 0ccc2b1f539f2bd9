/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the files that the verifier reads: settings, flavors with their policies, and devices' records. */
#include "core/attest/attest_key.h"
#include "fuzz.h"
#include "judge_fakes.h"
#include "sys/format/json.h"
#include "verifier/device/record.h"

/* A refusal in a sentence; of more kinds than one where signatures and Names are looked at. */
static void check_refused(int rc, const struct lk_err *err)
{
	INVARIANT(rc == LK_E_INPUT || rc == LK_E_POLICY);
	INVARIANT((int)err->rc == rc && err->msg[0]);
}

static void fuzz_settings(struct lk_bytes text)
{
	struct lk_yaml *yaml = parse_document(text.data, text.len);
	struct lk_vf_settings s = { .connections = 4096, .overdue_h = 48 };
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return;
	rc = lk_vf_settings_from_doc(lk_yaml_root(yaml), &s, &err);
	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
	} else {
		INVARIANT(!(s.pcrs.mask >> LK_PCR_COUNT) && lk_alg_size(s.pcrs.bank));
		INVARIANT(s.connections >= 16 && s.overdue_h >= 1);
		INVARIANT(memchr(s.listen, '\0', sizeof(s.listen)) &&
			  !s.key[0] == !s.certificate[0]);
	}
	lk_yaml_free(yaml);
}

static void fuzz_flavor(struct lk_bytes text)
{
	struct lk_yaml *yaml = parse_document(text.data, text.len);
	LK_OWNED_VF_FLAVOR f = { .latch = LK_PCR_NONE };
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return;
	rc = lk_vf_flavor_from_doc(lk_yaml_root(yaml), &f, &err);
	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	else
		INVARIANT(lk_vf_flavor_seal(&f, &err) == LK_OK &&
			  f.has_equals == (f.equals.sel.mask != 0));
	lk_yaml_free(yaml);
}

/* The size of a policy file in 2 bytes, it, and a signed policy. */
static void fuzz_policies(struct lk_bytes rest)
{
	struct lk_reader r = lk_reader_init(rest.data, rest.len);
	struct lk_bytes file = lk_read_bytes(&r, lk_read_le16(&r));
	LK_OWNED_VF_FLAVOR f = { .latch = LK_PCR_NONE };
	struct lk_policy_file pf;
	struct lk_err err = { 0 };
	int rc;

	if (r.failed)
		return;
	f.policy_file = strndup((const char *)file.data, file.len);
	INVARIANT(f.policy_file);
	rc = lk_vf_flavor_policy_file(f.policy_file, &f, &pf, &err);
	if (rc == LK_OK) {
		struct lk_bytes policy = lk_read_bytes(&r, r.left);

		for (unsigned int i = 0; i < 2 && rc == LK_OK; i++)
			rc = lk_vf_flavor_add_policy(&f, &pf, policy, &err);
		INVARIANT(f.n == (rc == LK_OK ? 1 : 0));
	}
	if (rc != LK_OK)
		check_refused(rc, &err);
}

/* Whether signatures are good: no mutation makes one that is. */
static bool all_signed;

static void fuzz_record(struct lk_bytes text, bool proven)
{
	const struct lk_vf_record_terms terms = { .unproven = !proven };
	LK_OWNED_JSON json = NULL;
	struct lk_vf_record record;
	struct lk_err err = { 0 };
	int rc = lk_json_parse((const char *)text.data, text.len, &json, &err);

	all_signed = proven;
	if (rc == LK_OK)
		rc = lk_vf_record_read(json, &terms, &record, &err);
	all_signed = false;

	if (rc != LK_OK) {
		check_refused(rc, &err);
		return;
	}
	INVARIANT(strspn(record.id, "0123456789abcdef") == LK_VF_ID_TEXT - 1);
	INVARIANT(record.ak_len <= sizeof(record.ak) && record.ak_name.len == 34);
	INVARIANT(!proven || record.proof & LK_VF_PROOF_RECORD);
}

/* The fakes of fuzz_judge.c. */
int64_t lk_fuzz_now(void)
{
	return 1;
}

int lk_fuzz_verify_key(void *ctx, const struct lk_policy_key *key, const struct lk_digest *digest,
		       struct lk_bytes signature, struct lk_err *err)
{
	return all_signed ? LK_OK : lk_crypto_verify_key(ctx, key, digest, signature, err);
}

int lk_fuzz_verify(const struct lk_policy_key *key, const struct lk_digest *digest,
		   struct lk_bytes signature, struct lk_err *err)
{
	return lk_crypto_verify(key, digest, signature, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lk_bytes rest = { data + 1, size - 1 };

	if (!size)
		return 0;
	switch (data[0]) {
	case 's':
		fuzz_settings(rest);
		break;
	case 'f':
		fuzz_flavor(rest);
		break;
	case 'p':
		fuzz_policies(rest);
		break;
	case 'r':
	case 'R':
		fuzz_record(rest, data[0] == 'R');
		break;
	default:
		break;
	}
	return 0;
}
