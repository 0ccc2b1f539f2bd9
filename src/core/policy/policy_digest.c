/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the arithmetic of policy digests. */
#include "core/policy/policy_digest.h"

#include <string.h>

#define CC_POLICY_NV	     0x00000149u
#define CC_POLICY_AUTHORIZE  0x0000016au
#define CC_POLICY_AUTH_VALUE 0x0000016bu
#define CC_POLICY_PCR	     0x0000017fu
#define EO_UNSIGNED_LE	     0x0009u

void lk_policy_start(enum lk_alg alg, struct lk_digest *digest)
{
	*digest = (struct lk_digest){ .len = (uint16_t)lk_alg_size(alg) };
}

static struct lk_bytes digest_bytes(const struct lk_digest *d)
{
	return (struct lk_bytes){ d->data, d->len };
}

int lk_policy_pcr(enum lk_alg alg, const struct lk_pcr_values *values, lk_hash_fn hash,
		  struct lk_digest *digest)
{
	struct lk_bytes pcr[LK_PCR_COUNT];
	size_t n = 0;
	size_t size = lk_alg_size(values->sel.bank);
	struct lk_digest pcr_digest;
	uint8_t head[16];
	struct lk_writer w = lk_writer_init(head, sizeof(head));

	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (values->sel.mask & 1u << i)
			pcr[n++] = (struct lk_bytes){ values->value[i], size };
	if (!hash(alg, pcr, n, &pcr_digest))
		return LK_E_SYSTEM;

	lk_write_be32(&w, CC_POLICY_PCR);
	lk_pcr_selection_marshal(&values->sel, &w);
	const struct lk_bytes parts[] = { digest_bytes(digest),
					  { head, w.len },
					  digest_bytes(&pcr_digest) };
	return hash(alg, parts, 3, digest) ? LK_OK : LK_E_SYSTEM;
}

int lk_policy_nv_floor(enum lk_alg alg, uint32_t nv_index, uint64_t version, lk_hash_fn hash,
		       struct lk_digest *digest)
{
	uint8_t args[12];
	struct lk_writer w = lk_writer_init(args, sizeof(args));
	uint8_t cc[4];
	struct lk_writer wc = lk_writer_init(cc, sizeof(cc));
	struct lk_digest args_digest;
	struct lk_name name;
	int rc = lk_floor_name(nv_index, hash, &name);

	if (rc != LK_OK)
		return rc;
	lk_write_be64(&w, version);
	lk_write_be16(&w, 0); /* offset */
	lk_write_be16(&w, EO_UNSIGNED_LE);
	if (!hash(alg, &(struct lk_bytes){ args, w.len }, 1, &args_digest))
		return LK_E_SYSTEM;
	lk_write_be32(&wc, CC_POLICY_NV);
	const struct lk_bytes parts[] = { digest_bytes(digest),
					  { cc, wc.len },
					  digest_bytes(&args_digest),
					  { name.data, name.len } };
	return hash(alg, parts, 4, digest) ? LK_OK : LK_E_SYSTEM;
}

int lk_policy_authorize(enum lk_alg alg, const struct lk_name *key_name, struct lk_bytes policy_ref,
			lk_hash_fn hash, struct lk_digest *digest)
{
	uint8_t cc[4];
	struct lk_writer w = lk_writer_init(cc, sizeof(cc));
	struct lk_digest first;

	/* PolicyUpdate() from an all-zero digest (Part 3, 23.16.1). */
	lk_policy_start(alg, digest);
	lk_write_be32(&w, CC_POLICY_AUTHORIZE);
	const struct lk_bytes parts[] = { digest_bytes(digest),
					  { cc, w.len },
					  { key_name->data, key_name->len } };
	if (!hash(alg, parts, 3, &first))
		return LK_E_SYSTEM;
	const struct lk_bytes second[] = { digest_bytes(&first), policy_ref };
	return hash(alg, second, 2, digest) ? LK_OK : LK_E_SYSTEM;
}

int lk_policy_auth_value(enum lk_alg alg, lk_hash_fn hash, struct lk_digest *digest)
{
	uint8_t cc[4];
	struct lk_writer w = lk_writer_init(cc, sizeof(cc));

	lk_write_be32(&w, CC_POLICY_AUTH_VALUE);
	const struct lk_bytes parts[] = { digest_bytes(digest), { cc, w.len } };
	return hash(alg, parts, 2, digest) ? LK_OK : LK_E_SYSTEM;
}

int lk_policy_signed_digest(enum lk_alg alg, const struct lk_digest *approved,
			    struct lk_bytes policy_ref, lk_hash_fn hash, struct lk_digest *ret)
{
	const struct lk_bytes parts[] = { digest_bytes(approved), policy_ref };

	return hash(alg, parts, 2, ret) ? LK_OK : LK_E_SYSTEM;
}

void lk_floor_nv_public(uint32_t nv_index, bool written, uint8_t out[static LK_FLOOR_PUBLIC_SIZE])
{
	/* TPMS_NV_PUBLIC (Part 2, 13.5). OWNERWRITE, AUTHWRITE, counter,
	 * OWNERREAD, AUTHREAD, NO_DA: anyone on the device may raise it, and
	 * nobody may lower it. */
	uint32_t attributes = 0x02060016u;
	struct lk_writer w = lk_writer_init(out, LK_FLOOR_PUBLIC_SIZE);

	if (written)
		attributes |= 0x20000000u;
	lk_write_be32(&w, nv_index);
	lk_write_be16(&w, LK_ALG_SHA256);
	lk_write_be32(&w, attributes);
	lk_write_be16(&w, 0); /* authPolicy: none */
	lk_write_be16(&w, 8); /* dataSize */
}

int lk_floor_name(uint32_t nv_index, lk_hash_fn hash, struct lk_name *ret)
{
	uint8_t public[LK_FLOOR_PUBLIC_SIZE];
	struct lk_digest digest;
	struct lk_writer w = lk_writer_init(ret->data, sizeof(ret->data));

	lk_floor_nv_public(nv_index, true, public);
	if (!hash(LK_ALG_SHA256, &(struct lk_bytes){ public, sizeof(public) }, 1, &digest))
		return LK_E_SYSTEM;
	lk_write_be16(&w, LK_ALG_SHA256);
	lk_write_bytes(&w, digest.data, digest.len);
	ret->len = (uint16_t)w.len;
	return LK_OK;
}
