/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading a provisioning record, and checking what its attestation key has signed of it. */
#include "verifier/device/record.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/attest/record_proof.h"
#include "core/attest/refusal.h"
#include "core/base/pem.h"
#include "sys/crypto/crypto.h"

#define SIGNED_MAX (LK_ATTEST_MAX + LK_TPMT_SIGNATURE_MAX)

/* One record's, with room for what its proof's hexadecimal stands for. */
struct reading {
	const struct lk_json *record;
	struct lk_vf_record out;
	struct lk_attest_key key;
	struct lk_record_claims claims;
	struct lk_record_proof proof;
	uint8_t room[6][SIGNED_MAX];
	size_t n_room;
};

static int get_hex(const struct lk_json *obj, const char *key, uint8_t *out, size_t cap,
		   size_t *ret_len, struct lk_err *err)
{
	const char *hex = lk_json_get_text(obj, key);

	if (!hex || !lk_hex_decode(hex, strlen(hex), out, cap, ret_len))
		return lk_err_set(err, LK_E_INPUT, 0, "%s isn't hexadecimal, or too long", key);
	return LK_OK;
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
static int find_id(struct reading *r, struct lk_err *err)
{
	const char *pem = lk_json_get_text(lk_json_get(r->record, "ek"), "public");
	struct lk_vf_record *o = &r->out;

	if (!pem)
		return hash_id((struct lk_bytes){ o->ak, o->ak_len }, o->id, err);
	if (!lk_pem_public_der(pem, o->ek, sizeof(o->ek), &o->ek_len))
		return lk_err_set(err, LK_E_INPUT, 0, "ek.public is no public key in PEM");
	return hash_id((struct lk_bytes){ o->ek, o->ek_len }, o->id, err);
}

/* Public area and Name, which have to belong together. */
static int find_key(struct reading *r, struct lk_err *err)
{
	const struct lk_json *key = lk_json_get(r->record, "ak");
	const char *hex = lk_json_get_text(key, "public");
	const char *name = lk_json_get_text(key, "name");
	struct lk_vf_record *o = &r->out;
	char computed[2 * LK_NAME_MAX + 1];

	if (!key || !hex)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"the record has no attestation key (ak.public): install makes one, where it is newer than the record");
	if (!lk_hex_decode(hex, strlen(hex), o->ak, sizeof(o->ak), &o->ak_len))
		return lk_err_set(err, LK_E_INPUT, 0, "ak.public isn't hexadecimal, or too long");
	LK_TRY(lk_attest_key_parse((struct lk_bytes){ o->ak, o->ak_len }, lk_crypto_hash, &r->key,
				   err));
	lk_hex_encode(r->key.name.data, r->key.name.len, computed);
	if (name && strcmp(name, computed) != 0)
		return lk_err_set(
			err, LK_E_POLICY, 0,
			"ak: the Name isn't that of the public area beside it: the record was changed");
	o->ak_name = r->key.name;
	return LK_OK;
}

/* What the record says. */

static int claim_name(const struct lk_json *obj, const char *key, struct lk_name *ret,
		      struct lk_err *err)
{
	size_t len = 0;

	LK_TRY(get_hex(obj, key, ret->data, sizeof(ret->data), &len, err));
	ret->len = (uint16_t)len;
	return LK_OK;
}

/* install writes its Name; a replacement writes the key itself. */
static int claim_policy_key(const struct lk_json *obj, struct lk_name *ret, struct lk_err *err)
{
	struct lk_policy_key key;
	uint8_t spki[LK_SPKI_MAX];
	size_t len = 0;

	if (lk_json_get_text(obj, "key-name"))
		return claim_name(obj, "key-name", ret, err);
	LK_TRY(get_hex(obj, "key", spki, sizeof(spki), &len, err));
	LK_TRY(lk_policy_key_from_spki(spki, len, &key, err));
	return lk_policy_key_name(&key, lk_crypto_hash, ret);
}

static int claim_pcrs(const struct lk_json *record, const char *bank, struct lk_pcr_values *ret,
		      struct lk_err *err)
{
	const struct lk_json *values = lk_json_get(lk_json_get(record, "pcrs"), bank ? bank : "");
	char number[4];
	size_t len = 0;

	ret->sel.bank = bank ? lk_alg_from_name(bank) : LK_ALG_NONE;
	if (!values || ret->sel.bank == LK_ALG_NONE)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "pcrs has no values of the bank that proof.quote names");
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		(void)snprintf(number, sizeof(number), "%u", i);
		LK_TRY(get_hex(values, number, ret->value[i], LK_DIGEST_MAX, &len, err));
		if (len != lk_alg_size(ret->sel.bank))
			return lk_err_set(err, LK_E_INPUT, 0,
					  "pcrs: PCR %u isn't of the bank's size", i);
		ret->sel.mask |= 1u << i;
	}
	return LK_OK;
}

static int read_claims(struct reading *r, const struct lk_json *proof, struct lk_err *err)
{
	static const char *const floors[LK_FLOOR_COUNT] = { "version-floor", "sequence-floor" };
	const struct lk_json *objects = lk_json_get(r->record, "objects");
	struct lk_record_claims *c = &r->claims;

	c->ek = (struct lk_bytes){ r->out.ek, r->out.ek_len };
	LK_TRY(claim_name(lk_json_get(objects, "storage-root-key"), "name", &c->root, err));
	LK_TRY(claim_name(lk_json_get(objects, "config-key"), "name", &c->config_key, err));
	LK_TRY(claim_policy_key(lk_json_get(objects, "policy-key"), &c->policy_key, err));
	for (size_t i = 0; i < LK_FLOOR_COUNT; i++)
		if (!lk_json_get_uint(lk_json_get(objects, floors[i]), "value", &c->floor[i]))
			return lk_err_set(err, LK_E_INPUT, 0, "objects: %s has no value",
					  floors[i]);
	return claim_pcrs(r->record, lk_json_get_text(lk_json_get(proof, "quote"), "bank"),
			  &c->pcrs, err);
}

/* What the key has signed. */

static int take_signed(struct reading *r, const struct lk_json *proof, const char *key,
		       struct lk_signed_attest *ret, struct lk_err *err)
{
	const struct lk_json *one = lk_json_get(proof, key);
	uint8_t *attest = r->room[r->n_room++], *signature = attest + LK_ATTEST_MAX;

	if (!one)
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_RECORD,
				  "proof has no %s: something was taken out of the record", key);
	ret->attest.data = attest;
	ret->signature.data = signature;
	LK_TRY(get_hex(one, "attest", attest, LK_ATTEST_MAX, &ret->attest.len, err));
	return get_hex(one, "signature", signature, LK_TPMT_SIGNATURE_MAX, &ret->signature.len,
		       err);
}

static int read_proof(struct reading *r, const struct lk_json *proof, struct lk_err *err)
{
	struct lk_record_proof *p = &r->proof;

	LK_TRY(take_signed(r, proof, "storage-root-key", &p->root, err));
	LK_TRY(take_signed(r, proof, "config-key", &p->config_key, err));
	LK_TRY(take_signed(r, proof, "policy-key", &p->policy_key, err));
	LK_TRY(take_signed(r, proof, "version-floor", &p->floor[LK_FLOOR_VERSION], err));
	LK_TRY(take_signed(r, proof, "sequence-floor", &p->floor[LK_FLOOR_SEQUENCE], err));
	return take_signed(r, proof, "quote", &p->quote, err);
}

static int check_proof(struct reading *r, const struct lk_vf_record_terms *terms,
		       struct lk_err *err)
{
	const struct lk_quote_terms t = { .key = &r->key,
					  .hash = lk_crypto_hash,
					  .verify = lk_crypto_verify_key };
	const struct lk_json *proof = lk_json_get(r->record, "proof");
	struct lk_attest quote;
	int rc;

	if (!proof && terms->unproven)
		return LK_OK;
	if (!proof)
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_RECORD,
			"nothing proves this record: its attestation key hasn't signed it (\"latchkey-provision install\", run again on the device, has it sign; --unproven takes it as it is)");
	LK_TRY(read_claims(r, proof, err));
	LK_TRY(read_proof(r, proof, err));
	rc = lk_record_proof_check(&t, &r->claims, &r->proof, &quote, err);
	if (rc != LK_OK) {
		lk_err_prefix(err, "proof");
		return rc;
	}
	memcpy(r->out.floor, r->claims.floor, sizeof(r->out.floor));
	r->out.proof |= LK_VF_PROOF_RECORD;
	return LK_OK;
}

/* Its endorsement certificate. */

/* What enrolment goes by has to be the same key. */
static int check_area(struct reading *r, const struct lk_json *ek, struct lk_err *err)
{
	uint8_t area[LK_EK_AREA_MAX], spki[LK_EK_SPKI_MAX];
	struct lk_ek_key key;
	size_t len = 0;

	if (!lk_json_get_text(ek, "area"))
		return LK_OK;
	LK_TRY(get_hex(ek, "area", area, sizeof(area), &len, err));
	LK_TRY(lk_ek_parse((struct lk_bytes){ area, len }, lk_crypto_hash, &key, err));
	if (!lk_bytes_same((struct lk_bytes){ spki, lk_ek_spki(&key, spki) },
			   (struct lk_bytes){ r->out.ek, r->out.ek_len }))
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_EK,
				  "ek: its area and its public key aren't one key");
	return LK_OK;
}

static int read_pem(const struct lk_json *ek, const char *key, uint8_t *out, size_t cap,
		    size_t *ret_len, struct lk_err *err)
{
	const char *pem = lk_json_get_text(ek, key);

	*ret_len = 0;
	if (pem && !lk_ek_certificates_from_pem(pem, out, cap, ret_len))
		return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_CERTIFICATE,
				  "ek.%s isn't certificates in PEM, or too long", key);
	return LK_OK;
}

static int check_certificate(struct reading *r, struct lk_ek_ca *ca, struct lk_err *err)
{
	const struct lk_json *ek = lk_json_get(r->record, "ek");
	uint8_t der[LK_EK_CERTIFICATE_MAX], chain[LK_EK_CHAIN_BYTES_MAX];
	struct lk_ek_certificate c = { { der, 0 }, { chain, 0 } };

	if (!ek)
		return LK_OK;
	LK_TRY(check_area(r, ek, err));
	if (!ca || !lk_json_get_text(ek, "certificate"))
		return LK_OK;
	LK_TRY(read_pem(ek, "certificate", der, sizeof(der), &c.der.len, err));
	LK_TRY(read_pem(ek, "chain", chain, sizeof(chain), &c.chain.len, err));
	LK_TRY(lk_ek_certificate_check(&c, (struct lk_bytes){ r->out.ek, r->out.ek_len }, ca, NULL,
				       err));
	r->out.proof |= LK_VF_PROOF_CERTIFICATE;
	return LK_OK;
}

int lk_vf_record_read(const struct lk_json *record, const struct lk_vf_record_terms *terms,
		      struct lk_vf_record *ret, struct lk_err *err)
{
	struct reading r = { .record = record };

	LK_TRY(find_key(&r, err));
	LK_TRY(find_id(&r, err));
	LK_TRY(check_proof(&r, terms, err));
	LK_TRY(check_certificate(&r, terms->ca, err));
	*ret = r.out;
	return LK_OK;
}

static const char *quote_of(const struct lk_json *record)
{
	return lk_json_get_text(lk_json_get(lk_json_get(record, "proof"), "quote"), "attest");
}

bool lk_vf_record_signed_anew(struct lk_bytes old, const char *now)
{
	LK_OWNED_JSON before = NULL;
	LK_OWNED_JSON after = NULL;
	const char *quote, *other;

	if (lk_json_parse((const char *)old.data, old.len, &before, NULL) != LK_OK ||
	    lk_json_parse(now, strlen(now), &after, NULL) != LK_OK)
		return true;
	quote = quote_of(before);
	other = quote_of(after);
	if (!quote || !other)
		return !lk_bytes_same(old, (struct lk_bytes){ (const uint8_t *)now, strlen(now) });
	return strcasecmp(quote, other) != 0;
}
