/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the record's proof: what it says of the TPM, signed by the TPM's attestation key. */
#include <stdio.h>
#include <string.h>

#include "core/attest/record_proof.h"
#include "core/base/pem.h"
#include "install/record.h"
#include "sys/crypto/crypto.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_attest.h"
#include "sys/tpm/tpm_config.h"

#define PROOF	      "proof"
#define EK_PUBLIC_MAX 1024u
#define TRIES	      5u /* for PCRs that move between reading and quoting */

struct proving {
	struct lk_tpm *tpm;
	struct lk_tpm_ak ak;
	struct lk_digest binding;
};

static int describe_bank(struct lk_tpm *tpm, struct lk_json *pcrs, enum lk_alg alg,
			 struct lk_err *err)
{
	const struct lk_pcr_selection all = { alg, 0xffffff };
	struct lk_pcr_values values;
	struct lk_json *bank;

	LK_TRY(lk_tpm_pcr_read(tpm, &all, &values, err));
	bank = lk_json_set_object(pcrs, lk_alg_name(alg));
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		char number[4];

		snprintf(number, sizeof(number), "%u", i);
		lk_json_set_hex(bank, number, values.value[i], lk_alg_size(alg));
	}
	return LK_OK;
}

int lk_record_describe_pcrs(struct lk_tpm *tpm, struct lk_json *record, struct lk_err *err)
{
	static const enum lk_alg banks[] = { LK_ALG_SHA256, LK_ALG_SHA384 };
	struct lk_json *pcrs = lk_json_set_object(record, "pcrs");

	for (size_t i = 0; i < 2; i++) {
		int rc = describe_bank(tpm, pcrs, banks[i], err);

		/* A bank that isn't active has no values. */
		if (rc != LK_OK && rc != LK_E_POLICY)
			return rc;
	}
	return LK_OK;
}

static int find_binding(struct proving *p, const struct lk_json *record, struct lk_err *err)
{
	const char *pem = lk_json_get_text(lk_json_get(record, "ek"), "public");
	uint8_t der[EK_PUBLIC_MAX];
	struct lk_bytes ek = { der, 0 };

	LK_TRY(lk_tpm_ak_read(p->tpm, &p->ak, err));
	if (pem && !lk_pem_public_der(pem, der, sizeof(der), &ek.len))
		return lk_err_set(err, LK_E_INPUT, 0, "the record's ek.public is malformed");
	if (!lk_record_binding(&p->ak.key, ek, lk_crypto_hash, &p->binding))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return LK_OK;
}

static void put(struct lk_json *proof, const char *key, const struct lk_tpm_attested *a)
{
	struct lk_json *one = lk_json_set_object(proof, key);

	lk_json_set_hex(one, "attest", a->attest, a->attest_len);
	lk_json_set_hex(one, "signature", a->signature, a->signature_len);
}

static int prove_objects(struct proving *p, struct lk_json *proof, struct lk_err *err)
{
	static const struct {
		const char *key;
		uint32_t handle;
	} objects[] = { { "storage-root-key", LK_HANDLE_SRK },
			{ "config-key", LK_HANDLE_CONFIG_KEY } },
	  counters[] = { { "version-floor", LK_NV_VERSION_FLOOR },
			 { "sequence-floor", LK_NV_SEQUENCE_FLOOR } };
	struct lk_bytes over = { p->binding.data, p->binding.len };
	struct lk_nv_public policy_key;
	struct lk_tpm_attested a;

	for (size_t i = 0; i < 2; i++) {
		LK_TRY(lk_tpm_certify(p->tpm, over, objects[i].handle, &a, err));
		put(proof, objects[i].key, &a);
		LK_TRY(lk_tpm_certify_counter(p->tpm, over, counters[i].handle, &a, err));
		put(proof, counters[i].key, &a);
	}
	LK_TRY(lk_tpm_nv_read_public(p->tpm, LK_NV_POLICY_KEY, &policy_key, err));
	LK_TRY(lk_tpm_certify_nv(p->tpm, over,
				 &(struct lk_nv_whole){ LK_NV_POLICY_KEY, policy_key.size }, &a,
				 err));
	put(proof, "policy-key", &a);
	return LK_OK;
}

/* The counters may have moved since install wrote what they were. */
static int refresh_floors(struct proving *p, struct lk_json *record, struct lk_err *err)
{
	static const char *const keys[] = { "version-floor", "sequence-floor" };
	static const uint32_t index[] = { LK_NV_VERSION_FLOOR, LK_NV_SEQUENCE_FLOOR };
	struct lk_json *objects = lk_json_get(record, "objects");

	for (size_t i = 0; i < 2; i++) {
		uint64_t value = 0;

		LK_TRY(lk_tpm_floor_read(p->tpm, index[i], &value, err));
		lk_json_set_uint(lk_json_get(objects, keys[i]), "value", value);
	}
	return LK_OK;
}

/* Over the values that the record has. */
static int prove_moment(struct proving *p, struct lk_json *record, struct lk_json *proof,
			struct lk_err *err)
{
	struct lk_bytes over = { p->binding.data, p->binding.len };
	struct lk_pcr_selection all = { LK_ALG_SHA256, 0xffffff };
	struct lk_pcr_values before, after;
	struct lk_tpm_attested a;

	for (unsigned int i = 0; i < TRIES; i++) {
		LK_TRY(lk_record_describe_pcrs(p->tpm, record, err));
		if (!lk_json_get(lk_json_get(record, "pcrs"), lk_alg_name(all.bank)))
			all.bank = LK_ALG_SHA384;
		LK_TRY(lk_tpm_pcr_read(p->tpm, &all, &before, err));
		LK_TRY(lk_tpm_quote(p->tpm, over, &all, &a, err));
		LK_TRY(lk_tpm_pcr_read(p->tpm, &all, &after, err));
		if (lk_pcr_differing(&before, &after, all.mask))
			continue;
		put(proof, "quote", &a);
		lk_json_set_text(lk_json_get(proof, "quote"), "bank", lk_alg_name(all.bank));
		return LK_OK;
	}
	return lk_err_set(err, LK_E_AGAIN, 0, "the PCRs changed each time while they were quoted");
}

int lk_record_prove(struct lk_tpm *tpm, struct lk_json *record, struct lk_err *err)
{
	struct proving p = { .tpm = tpm };
	struct lk_json *proof;
	struct lk_err why = { 0 };
	int rc;

	lk_json_remove(record, PROOF);
	if (!lk_json_get(record, "ak"))
		return LK_OK;
	rc = find_binding(&p, record, &why);
	proof = lk_json_set_object(record, PROOF);
	lk_json_set_hex(proof, "over", p.binding.data, p.binding.len);
	if (rc == LK_OK)
		rc = prove_objects(&p, proof, &why);
	if (rc == LK_OK)
		rc = refresh_floors(&p, record, &why);
	if (rc == LK_OK)
		rc = prove_moment(&p, record, proof, &why);
	if (rc == LK_OK)
		return LK_OK;
	/* The device itself needs none; whoever imports the record decides. */
	lk_json_remove(record, PROOF);
	if (rc == LK_E_NO_TPM)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	lk_log(LK_LOG_WARNING,
	       "not in the record: a proof of what it says, so that latchkey-verifier refuses to import it unless told otherwise: %s",
	       why.msg);
	return LK_OK;
}

int lk_record_is_proven(struct lk_tpm *tpm, const struct lk_json *record, bool *ret,
			struct lk_err *err)
{
	const char *over = lk_json_get_text(lk_json_get(record, PROOF), "over");
	struct proving p = { .tpm = tpm };
	char text[2 * LK_DIGEST_MAX + 1];

	*ret = true;
	if (!lk_json_get(record, "ak"))
		return LK_OK;
	LK_TRY(find_binding(&p, record, err));
	lk_hex_encode(p.binding.data, p.binding.len, text);
	*ret = over && strcmp(over, text) == 0;
	return LK_OK;
}
