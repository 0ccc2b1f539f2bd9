/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns holding a record's proof against what the record says. */
#include "core/attest/record_proof.h"

#include <inttypes.h>

#include "core/attest/refusal.h"

#define NV_POLICY_KEY		 0x018a0000u
#define NV_POLICY_KEY_ATTRIBUTES 0x22062802u /* as install leaves it: written and locked */

bool lk_record_binding(const struct lk_attest_key *key, struct lk_bytes ek, lk_hash_fn hash,
		       struct lk_digest *ret)
{
	static const uint8_t tag[] = "latchkey:record";
	const struct lk_bytes parts[] = { { tag, sizeof(tag) },
					  { key->name.data, key->name.len },
					  ek };

	return hash(LK_ALG_SHA256, parts, 3, ret);
}

static bool is_name(struct lk_bytes certified, const struct lk_name *name)
{
	return name->len && lk_bytes_same(certified, (struct lk_bytes){ name->data, name->len });
}

static int check_object(const struct lk_quote_terms *t, const struct lk_signed_attest *proof,
			const struct lk_name *name, const char *what, struct lk_err *err)
{
	struct lk_attest a = { 0 };

	LK_TRY(lk_signed_check(t, proof, LK_ATTEST_CERTIFY, &a, err));
	if (!is_name(a.certify.name, name))
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_RECORD,
				  "the %s that is certified isn't the one that the record names",
				  what);
	return LK_OK;
}

/* The index, by what its public area has to be; and the key that it holds. */
static int check_policy_key(const struct lk_quote_terms *t, const struct lk_signed_attest *proof,
			    const struct lk_name *name, struct lk_err *err)
{
	uint8_t public[14];
	struct lk_writer w = lk_writer_init(public, sizeof(public));
	uint8_t index[34];
	struct lk_writer n = lk_writer_init(index, sizeof(index));
	struct lk_policy_key key;
	struct lk_digest digest;
	struct lk_name own = { 0 };
	struct lk_attest a = { 0 };

	LK_TRY(lk_signed_check(t, proof, LK_ATTEST_NV, &a, err));
	lk_write_be32(&w, NV_POLICY_KEY);
	lk_write_be16(&w, LK_ALG_SHA256);
	lk_write_be32(&w, NV_POLICY_KEY_ATTRIBUTES);
	lk_write_be16(&w, 0);
	lk_write_be16(&w, (uint16_t)a.nv.content.len);
	if (!t->hash(LK_ALG_SHA256, &(struct lk_bytes){ public, w.len }, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	lk_write_be16(&n, LK_ALG_SHA256);
	lk_write_bytes(&n, digest.data, digest.len);
	if (lk_bytes_same(a.nv.index_name, (struct lk_bytes){ index, n.len }) && !a.nv.offset &&
	    lk_policy_key_from_spki(a.nv.content.data, a.nv.content.len, &key, NULL) == LK_OK)
		LK_TRY(lk_policy_key_name(&key, t->hash, &own));
	if (!own.len || !lk_name_equal(&own, name))
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_RECORD,
			"the policy key that is certified isn't the one that the record names, written and locked at 0x%08x",
			NV_POLICY_KEY);
	return LK_OK;
}

static int check_floors(const struct lk_quote_terms *t, const struct lk_record_claims *claims,
			const struct lk_record_proof *proof, struct lk_err *err)
{
	for (unsigned int i = 0; i < LK_FLOOR_COUNT; i++) {
		uint64_t value = 0;

		LK_TRY(lk_floor_check(t, &proof->floor[i], (enum lk_floor_kind)i, &value, err));
		if (value != claims->floor[i])
			return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_RECORD,
					  "a counter is certified as %" PRIu64
					  ", and the record says %" PRIu64,
					  value, claims->floor[i]);
	}
	return LK_OK;
}

static int check_quote(const struct lk_quote_terms *t, const struct lk_record_claims *claims,
		       const struct lk_record_proof *proof, struct lk_attest *ret,
		       struct lk_err *err)
{
	uint8_t all[LK_PCR_COUNT * LK_DIGEST_MAX];
	struct lk_writer w = lk_writer_init(all, sizeof(all));
	struct lk_pcr_values values;

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (claims->pcrs.sel.mask >> i & 1)
			lk_write_bytes(&w, claims->pcrs.value[i],
				       lk_alg_size(claims->pcrs.sel.bank));
	LK_TRY(lk_quote_check(t, &proof->quote, ret, err));
	return lk_quote_values(ret, (struct lk_bytes){ all, w.len }, t->hash, &values, err);
}

int lk_record_proof_check(const struct lk_quote_terms *terms, const struct lk_record_claims *claims,
			  const struct lk_record_proof *proof, struct lk_attest *ret,
			  struct lk_err *err)
{
	struct lk_quote_terms t = *terms;
	struct lk_digest binding;
	struct lk_attest quote;

	if (!lk_record_binding(t.key, claims->ek, t.hash, &binding))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	t.nonce = (struct lk_bytes){ binding.data, binding.len };
	t.pcrs = claims->pcrs.sel;
	LK_TRY(check_object(&t, &proof->root, &claims->root, "storage root key", err));
	LK_TRY(check_object(&t, &proof->config_key, &claims->config_key, "configuration key", err));
	LK_TRY(check_policy_key(&t, &proof->policy_key, &claims->policy_key, err));
	LK_TRY(check_floors(&t, claims, proof, err));
	LK_TRY(check_quote(&t, claims, proof, &quote, err));
	*ret = quote;
	return LK_OK;
}
