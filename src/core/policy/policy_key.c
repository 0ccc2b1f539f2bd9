/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the encodings of the policy key's public half. */
#include "core/policy/policy_key.h"

#include <string.h>

#include "core/base/bom.h"
#include "core/base/pem.h"

/* SubjectPublicKeyInfo up to the point's coordinates (RFC 5480): sequence,
 * id-ecPublicKey, named curve, bit string, 0x04. One prefix for each curve is
 * the whole parser: whatever else DER could say is refused. */
static const uint8_t spki_p256[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
	0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};
static const uint8_t spki_p384[] = {
	0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04,
};

static const struct curve {
	enum lk_curve curve;
	const char *name;
	size_t size;
	enum lk_alg hash;
	const uint8_t *prefix;
	size_t prefix_len;
} curves[] = {
	{ LK_CURVE_P256, "p256", 32, LK_ALG_SHA256, spki_p256, sizeof(spki_p256) },
	{ LK_CURVE_P384, "p384", 48, LK_ALG_SHA384, spki_p384, sizeof(spki_p384) },
};

static const struct curve *find_curve(enum lk_curve curve)
{
	return &curves[curve == LK_CURVE_P384 ? 1 : 0];
}

bool lk_name_equal(const struct lk_name *a, const struct lk_name *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

size_t lk_curve_size(enum lk_curve curve)
{
	return find_curve(curve)->size;
}

enum lk_alg lk_curve_hash(enum lk_curve curve)
{
	return find_curve(curve)->hash;
}

const char *lk_curve_name(enum lk_curve curve)
{
	return find_curve(curve)->name;
}

int lk_policy_key_from_spki(const uint8_t *der, size_t len, struct lk_policy_key *ret,
			    struct lk_err *err)
{
	for (size_t i = 0; i < 2; i++) {
		const struct curve *c = &curves[i];

		if (len != c->prefix_len + 2 * c->size ||
		    memcmp(der, c->prefix, c->prefix_len) != 0)
			continue;
		*ret = (struct lk_policy_key){ .curve = c->curve };
		memcpy(ret->x, der + c->prefix_len, c->size);
		memcpy(ret->y, der + c->prefix_len + c->size, c->size);
		return LK_OK;
	}
	return lk_err_set(
		err, LK_E_INPUT, 0,
		"not a public key on P-384 or P-256 by name, with an uncompressed point (make one with latchkey keygen)");
}

/* The text between two lines, or NULL. White space around them is passed over,
 * anything else is not. */
static const char *pem_body(const char *pem, size_t len, size_t *ret_len)
{
	static const char head[] = "-----BEGIN PUBLIC KEY-----";
	static const char tail[] = "-----END PUBLIC KEY-----";
	const size_t nh = sizeof(head) - 1;
	const size_t nt = sizeof(tail) - 1;

	while (len && strchr(" \t\r\n", *pem) && *pem)
		pem++, len--;
	while (len && strchr(" \t\r\n", pem[len - 1]) && pem[len - 1])
		len--;
	if (len < nh + nt || memcmp(pem, head, nh) != 0 || memcmp(pem + len - nt, tail, nt) != 0)
		return NULL;
	*ret_len = len - nh - nt;
	return pem + nh;
}

/* What it is instead. Of a private key nothing but that is said. */
static int not_public(struct lk_bytes text, struct lk_err *err)
{
	const char *foreign = lk_bom_foreign(text);
	const char *kind = lk_pem_kind(text);

	if (foreign)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"it begins with the byte order mark of %s: save it as UTF-8, or plain ASCII",
			foreign);
	if (!kind || strcmp(kind, "a public key") == 0)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"not a PEM public key: expected BEGIN PUBLIC KEY, base64, END PUBLIC KEY and nothing else");
	if (strcmp(kind, "a private key") == 0)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"this is a private key, which belongs nowhere but to who signs; its public half is wanted: keygen wrote it beside it (policy-key.pub.pem), and openssl pkey -pubout makes it");
	return lk_err_set(err, LK_E_INPUT, 0,
			  "this is %s; a public key is wanted (BEGIN PUBLIC KEY)", kind);
}

int lk_policy_key_from_pem(const char *pem, size_t len, struct lk_policy_key *ret,
			   struct lk_err *err)
{
	struct lk_bytes text = lk_bom_skip((struct lk_bytes){ (const uint8_t *)pem, len });
	uint8_t der[LK_SPKI_MAX];
	size_t der_len;
	size_t body_len;
	const char *body = pem_body((const char *)text.data, text.len, &body_len);

	if (!body)
		return not_public(text, err);
	if (!lk_base64_decode(body, body_len, der, sizeof(der), &der_len))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "PEM public key: bad base64, or not a key on P-384 or P-256");
	return lk_policy_key_from_spki(der, der_len, ret, err);
}

size_t lk_policy_key_to_spki(const struct lk_policy_key *key, uint8_t out[static LK_SPKI_MAX])
{
	const struct curve *c = find_curve(key->curve);
	struct lk_writer w = lk_writer_init(out, LK_SPKI_MAX);

	lk_write_bytes(&w, c->prefix, c->prefix_len);
	lk_write_bytes(&w, key->x, c->size);
	lk_write_bytes(&w, key->y, c->size);
	return w.len;
}

size_t lk_policy_key_to_tpmt_public(const struct lk_policy_key *key,
				    uint8_t out[static LK_TPMT_PUBLIC_MAX])
{
	const struct curve *c = find_curve(key->curve);
	struct lk_writer w = lk_writer_init(out, LK_TPMT_PUBLIC_MAX);

	lk_write_be16(&w, 0x0023);	       /* TPM_ALG_ECC */
	lk_write_be16(&w, (uint16_t)c->hash);  /* nameAlg */
	lk_write_be32(&w, 0x00040040);	       /* sign, userWithAuth */
	lk_write_be16(&w, 0);		       /* authPolicy: none */
	lk_write_be16(&w, 0x0010);	       /* symmetric: null */
	lk_write_be16(&w, 0x0018);	       /* scheme: ECDSA ... */
	lk_write_be16(&w, (uint16_t)c->hash);  /* ... with H */
	lk_write_be16(&w, (uint16_t)c->curve); /* curveID */
	lk_write_be16(&w, 0x0010);	       /* kdf: null */
	lk_write_be16(&w, (uint16_t)c->size);
	lk_write_bytes(&w, key->x, c->size);
	lk_write_be16(&w, (uint16_t)c->size);
	lk_write_bytes(&w, key->y, c->size);
	return w.len;
}

int lk_policy_key_name(const struct lk_policy_key *key, lk_hash_fn hash, struct lk_name *ret)
{
	enum lk_alg alg = lk_curve_hash(key->curve);
	uint8_t public[LK_TPMT_PUBLIC_MAX];
	struct lk_bytes part = { public, 0 };
	struct lk_digest digest;
	struct lk_writer w = lk_writer_init(ret->data, sizeof(ret->data));

	part.len = lk_policy_key_to_tpmt_public(key, public);
	if (!hash(alg, &part, 1, &digest))
		return LK_E_SYSTEM;
	lk_write_be16(&w, (uint16_t)alg);
	lk_write_bytes(&w, digest.data, digest.len);
	ret->len = (uint16_t)w.len;
	return LK_OK;
}
