/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading the attestation key's TPMT_PUBLIC (TPM 2.0 Part 2, 12.2.4). */
#include "core/attest/attest_key.h"

#include <string.h>

#include "core/attest/refusal.h"

#define ALG_ECC	  0x0023u
#define ALG_NULL  0x0010u
#define ALG_ECDSA 0x0018u

struct attribute {
	uint32_t bit;
	enum lk_refusal refusal;
	const char *name;
};

/* In the order in which a person would ask. */
static const struct attribute wanted[] = {
	{ LK_AK_RESTRICTED, LK_REFUSAL_KEY_RESTRICTED,
	  "restricted: it would sign what only looks like a quote" },
	{ LK_AK_FIXED_TPM, LK_REFUSAL_KEY_FIXED_TPM, "fixedTPM: it may be in other TPMs too" },
	{ LK_AK_FIXED_PARENT, LK_REFUSAL_KEY_FIXED_PARENT,
	  "fixedParent: it may be duplicated elsewhere" },
	{ LK_AK_ORIGIN, LK_REFUSAL_KEY_ORIGIN,
	  "sensitiveDataOrigin: its private half may be known outside the TPM" },
	{ LK_AK_SIGN, LK_REFUSAL_KEY_SIGN_ONLY, "for signing" },
	{ LK_AK_USER_WITH_AUTH, LK_REFUSAL_KEY_AUTH, "userWithAuth, as install makes it" },
};

static int form(struct lk_err *err, const char *what)
{
	return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_KEY_FORM,
			  "attestation key: its public area %s", what);
}

static int check_attributes(uint32_t attributes, struct lk_err *err)
{
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!(attributes & wanted[i].bit))
			return lk_err_set(err, LK_E_POLICY, wanted[i].refusal,
					  "attestation key: it isn't %s", wanted[i].name);
	if (attributes & LK_AK_DECRYPT)
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_KEY_SIGN_ONLY,
				  "attestation key: it is for decrypting too");
	if (attributes & ~LK_AK_ATTRIBUTES)
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_KEY_ATTRIBUTES,
			"attestation key: attributes 0x%08x are more than install gives one",
			attributes);
	return LK_OK;
}

static bool read_coordinate(struct lk_reader *r, uint8_t *out)
{
	size_t len = lk_read_be16(r);
	struct lk_bytes v;

	if (len > 32)
		r->failed = true;
	v = lk_read_bytes(r, len);
	if (v.len)
		memcpy(out + 32 - v.len, v.data, v.len);
	return v.len > 0;
}

static void put_name(struct lk_name *name, const struct lk_digest *digest)
{
	struct lk_writer w = lk_writer_init(name->data, sizeof(name->data));

	lk_write_be16(&w, LK_ALG_SHA256);
	lk_write_bytes(&w, digest->data, digest->len);
	name->len = (uint16_t)w.len;
}

/* Part 1, 16: the Name; and below a hierarchy H(handle || Name). */
static int compute_names(struct lk_bytes public, lk_hash_fn hash, struct lk_attest_key *key,
			 struct lk_err *err)
{
	static const uint8_t hierarchy[] = { 0x40, 0x00, 0x00, 0x0b };
	struct lk_bytes parts[2] = { { hierarchy, sizeof(hierarchy) } };
	struct lk_digest digest;

	if (!hash(LK_ALG_SHA256, &public, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	put_name(&key->name, &digest);
	parts[1] = (struct lk_bytes){ key->name.data, key->name.len };
	if (!hash(LK_ALG_SHA256, parts, 2, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	put_name(&key->qualified_name, &digest);
	return LK_OK;
}

int lk_attest_key_parse(struct lk_bytes tpmt_public, lk_hash_fn hash, struct lk_attest_key *ret,
			struct lk_err *err)
{
	struct lk_reader r = lk_reader_init(tpmt_public.data, tpmt_public.len);
	struct lk_attest_key key = { .point.curve = LK_CURVE_P256 };
	uint16_t type = lk_read_be16(&r);
	uint16_t name_alg = lk_read_be16(&r);
	uint16_t symmetric, scheme, hash_alg, curve, kdf;
	struct lk_bytes policy;

	if (r.failed)
		return form(err, "is cut");
	if (type != ALG_ECC || name_alg != LK_ALG_SHA256)
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_KEY_SCHEME,
			"attestation key: type 0x%04x with name algorithm 0x%04x; ECC with SHA-256 is expected",
			type, name_alg);
	key.attributes = lk_read_be32(&r);
	policy = lk_read_bytes(&r, lk_read_be16(&r));
	if (r.failed)
		return form(err, "is cut");
	LK_TRY(check_attributes(key.attributes, err));
	if (policy.len)
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_KEY_ATTRIBUTES,
				  "attestation key: it has an authorization policy");
	symmetric = lk_read_be16(&r);
	scheme = lk_read_be16(&r);
	hash_alg = scheme == ALG_NULL ? 0 : lk_read_be16(&r);
	curve = lk_read_be16(&r);
	kdf = lk_read_be16(&r);
	if (r.failed)
		return form(err, "is cut");
	if (symmetric != ALG_NULL || scheme != ALG_ECDSA || hash_alg != LK_ALG_SHA256 ||
	    curve != LK_CURVE_P256 || kdf != ALG_NULL)
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_KEY_SCHEME,
			"attestation key: scheme 0x%04x with hash 0x%04x on curve 0x%04x; ECDSA with SHA-256 on P-256 is expected",
			scheme, hash_alg, curve);
	if (!read_coordinate(&r, key.point.x) || !read_coordinate(&r, key.point.y) ||
	    !lk_reader_done(&r))
		return form(err, "is cut, or goes on after its end");
	LK_TRY(compute_names(tpmt_public, hash, &key, err));
	*ret = key;
	return LK_OK;
}
