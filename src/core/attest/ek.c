/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading the endorsement key's TPMT_PUBLIC (TPM 2.0 Part 2, 12.2.4; TCG EK Credential Profile, B). */
#include "core/attest/ek.h"

#include <string.h>

#include "core/attest/refusal.h"

#define ALG_RSA	 0x0001u
#define ALG_ECC	 0x0023u
#define ALG_NULL 0x0010u
#define ALG_AES	 0x0006u
#define ALG_CFB	 0x0043u

/* TPMA_OBJECT (Part 2, 8.3): fixedTPM, fixedParent, sensitiveDataOrigin, restricted, decrypt. */
#define MUST 0x00030032u
#define SIGN 0x00040000u

static int refuse_ek(struct lk_err *err, enum lk_rc rc, const char *what)
{
	return lk_err_set(err, rc, LK_REFUSAL_EK, "endorsement key: its public area %s", what);
}

static bool read_point(struct lk_reader *r, struct lk_policy_key *point)
{
	uint8_t *const out[] = { point->x, point->y };
	size_t size = lk_curve_size(point->curve);

	for (size_t i = 0; i < 2; i++) {
		size_t len = lk_read_be16(r);
		struct lk_bytes v = lk_read_bytes(r, len);

		if (!v.len || len > size)
			return false;
		memcpy(out[i] + size - len, v.data, len);
	}
	return true;
}

static bool read_ecc(struct lk_reader *r, struct lk_ek_key *key)
{
	uint16_t scheme = lk_read_be16(r);
	uint16_t curve = lk_read_be16(r);
	uint16_t kdf = lk_read_be16(r);

	if (r->failed || scheme != ALG_NULL || kdf != ALG_NULL ||
	    (curve != LK_CURVE_P256 && curve != LK_CURVE_P384))
		return false;
	key->point.curve = (enum lk_curve)curve;
	return read_point(r, &key->point);
}

static bool read_rsa(struct lk_reader *r, struct lk_ek_key *key)
{
	uint16_t scheme = lk_read_be16(r);
	uint16_t bits = lk_read_be16(r);
	uint32_t exponent = lk_read_be32(r);

	key->rsa = true;
	key->modulus = lk_read_bytes(r, lk_read_be16(r));
	/* A product of two primes is odd; with an even one nothing can be computed. */
	return !r->failed && scheme == ALG_NULL && (!exponent || exponent == 65537) &&
	       (bits == 2048 || bits == 3072 || bits == 4096) && key->modulus.len == bits / 8u &&
	       key->modulus.data[0] & 0x80 && key->modulus.data[key->modulus.len - 1] & 1;
}

static int compute_name(struct lk_bytes public, lk_hash_fn hash, struct lk_ek_key *key,
			struct lk_err *err)
{
	struct lk_writer w = lk_writer_init(key->name.data, sizeof(key->name.data));
	struct lk_digest digest;

	if (!hash(key->name_alg, &public, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	lk_write_be16(&w, (uint16_t)key->name_alg);
	lk_write_bytes(&w, digest.data, digest.len);
	key->name.len = (uint16_t)w.len;
	return LK_OK;
}

int lk_ek_parse(struct lk_bytes tpmt_public, lk_hash_fn hash, struct lk_ek_key *ret,
		struct lk_err *err)
{
	struct lk_reader r = lk_reader_init(tpmt_public.data, tpmt_public.len);
	struct lk_ek_key key = { .rsa = false };
	uint16_t type = lk_read_be16(&r);
	uint16_t name_alg = lk_read_be16(&r);
	uint32_t attributes = lk_read_be32(&r);
	uint16_t symmetric, mode;

	(void)lk_read_bytes(&r, lk_read_be16(&r)); /* its policy is the TPM's affair */
	symmetric = lk_read_be16(&r);
	key.aes_bits = lk_read_be16(&r);
	mode = lk_read_be16(&r);
	if (r.failed)
		return refuse_ek(err, LK_E_INPUT, "is cut");
	if ((attributes & MUST) != MUST || attributes & SIGN)
		return refuse_ek(
			err, LK_E_POLICY,
			"isn't that of a restricted decryption key that stays in the TPM which made it");
	key.name_alg = name_alg == LK_ALG_SHA256 || name_alg == LK_ALG_SHA384
			       ? (enum lk_alg)name_alg
			       : LK_ALG_NONE;
	if (key.name_alg == LK_ALG_NONE || symmetric != ALG_AES || mode != ALG_CFB ||
	    (key.aes_bits != 128 && key.aes_bits != 256) || (type != ALG_RSA && type != ALG_ECC))
		return refuse_ek(
			err, LK_E_POLICY,
			"has algorithms that aren't known here: RSA or ECC with SHA-256 or SHA-384 and AES in CFB mode are");
	if (!(type == ALG_RSA ? read_rsa(&r, &key) : read_ecc(&r, &key)) || !lk_reader_done(&r))
		return refuse_ek(
			err, LK_E_INPUT,
			"is cut, goes on after its end, or has a key of another kind than the TCG's templates");
	LK_TRY(compute_name(tpmt_public, hash, &key, err));
	*ret = key;
	return LK_OK;
}

/* DER of one element's head, for lengths below 65536. */
static void put_head(struct lk_writer *w, uint8_t tag, size_t len)
{
	lk_write_u8(w, tag);
	if (len >= 256) {
		lk_write_u8(w, 0x82);
		lk_write_be16(w, (uint16_t)len);
		return;
	}
	if (len >= 128)
		lk_write_u8(w, 0x81);
	lk_write_u8(w, (uint8_t)len);
}

static size_t head_size(size_t len)
{
	return len >= 256 ? 4 : len >= 128 ? 3 : 2;
}

size_t lk_ek_spki(const struct lk_ek_key *key, uint8_t out[static LK_EK_SPKI_MAX])
{
	/* rsaEncryption with NULL (RFC 8017, A.1), and the exponent. */
	static const uint8_t algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					     0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	static const uint8_t exponent[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };
	struct lk_writer w = lk_writer_init(out, LK_EK_SPKI_MAX);
	size_t integer = key->modulus.len + 1; /* its first bit is set: a zero before it */
	size_t numbers = head_size(integer) + integer + sizeof(exponent);
	size_t bits = 1 + head_size(numbers) + numbers;

	if (!key->rsa)
		return lk_policy_key_to_spki(&key->point, out);
	put_head(&w, 0x30, sizeof(algorithm) + head_size(bits) + bits);
	lk_write_bytes(&w, algorithm, sizeof(algorithm));
	put_head(&w, 0x03, bits);
	lk_write_u8(&w, 0);
	put_head(&w, 0x30, numbers);
	put_head(&w, 0x02, integer);
	lk_write_u8(&w, 0);
	lk_write_bytes(&w, key->modulus.data, key->modulus.len);
	lk_write_bytes(&w, exponent, sizeof(exponent));
	return w.len;
}
