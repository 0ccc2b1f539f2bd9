/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns checking quotes and certified floors. */
#include "core/attest/quote.h"

#include <inttypes.h>
#include <string.h>

#include "core/attest/refusal.h"
#include "core/policy/policy_digest.h"

static const uint32_t floor_index[LK_FLOOR_COUNT] = { 0x018a0001u, 0x018a0002u };

static int refuse_quote(struct lk_err *err, enum lk_refusal why, const char *text)
{
	return lk_err_set(err, LK_E_POLICY, why, "%s", text);
}

int lk_signed_check(const struct lk_quote_terms *t, const struct lk_signed_attest *in,
		    enum lk_attest_kind kind, struct lk_attest *ret, struct lk_err *err)
{
	struct lk_attest a = { 0 };
	uint8_t signature[LK_ECDSA_P256_SIZE];
	struct lk_bytes name = { t->key->qualified_name.data, t->key->qualified_name.len };
	struct lk_digest digest;
	int rc;

	LK_TRY(lk_attest_parse(in->attest, kind, &a, err));
	LK_TRY(lk_attest_signature_parse(in->signature, signature, err));
	if (!t->hash(LK_ALG_SHA256, &in->attest, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	rc = t->verify(t->verify_ctx, &t->key->point, &digest,
		       (struct lk_bytes){ signature, sizeof(signature) }, err);
	if (rc == LK_E_POLICY)
		return refuse_quote(
			err, LK_REFUSAL_SIGNATURE,
			"the signature isn't this device's attestation key's, or what it is over was changed");
	if (rc != LK_OK)
		return rc;
	if (!lk_bytes_same(a.signer, name))
		return refuse_quote(
			err, LK_REFUSAL_SIGNER,
			"the quote is of another key, or the key isn't a primary one of the endorsement hierarchy");
	if (!lk_bytes_same(a.extra, t->nonce))
		return refuse_quote(err, LK_REFUSAL_NONCE_OTHER,
				    "the quote is over another nonce than the message's");
	*ret = a;
	return LK_OK;
}

int lk_quote_check(const struct lk_quote_terms *terms, const struct lk_signed_attest *quote,
		   struct lk_attest *ret, struct lk_err *err)
{
	struct lk_attest a = { 0 };

	LK_TRY(lk_signed_check(terms, quote, LK_ATTEST_QUOTE, &a, err));
	if (a.quote.bank != (uint16_t)terms->pcrs.bank)
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_BANK,
				  "the quote is of bank 0x%04x, and %s was asked for", a.quote.bank,
				  lk_alg_name(terms->pcrs.bank));
	if (a.quote.sel.mask != terms->pcrs.mask) {
		char has[LK_PCR_MASK_TEXT], asked[LK_PCR_MASK_TEXT];

		lk_pcr_mask_format(a.quote.sel.mask, has);
		lk_pcr_mask_format(terms->pcrs.mask, asked);
		return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_SELECTION,
				  "the quote is of PCRs %s, and %s were asked for", has, asked);
	}
	/* Of the signing scheme's hash, whatever the bank is. */
	if (a.quote.digest.len != lk_alg_size(LK_ALG_SHA256))
		return refuse_quote(err, LK_REFUSAL_DIGEST_SIZE,
				    "the quote's digest of the PCRs isn't of SHA-256's size");
	*ret = a;
	return LK_OK;
}

static unsigned int count(uint32_t mask)
{
	unsigned int n = 0;

	for (; mask; mask &= mask - 1)
		n++;
	return n;
}

int lk_quote_values(const struct lk_attest *quote, struct lk_bytes values, lk_hash_fn hash,
		    struct lk_pcr_values *ret, struct lk_err *err)
{
	struct lk_pcr_values v = { .sel = quote->quote.sel };
	size_t size = lk_alg_size(v.sel.bank);
	const uint8_t *at = values.data;
	struct lk_digest digest;

	if (!size || values.len != size * count(v.sel.mask))
		return lk_err_set(err, LK_E_INPUT, LK_REFUSAL_VALUES,
				  "values: %zu bytes, which isn't a digest for each quoted PCR",
				  values.len);
	if (!hash(LK_ALG_SHA256, &values, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (!lk_bytes_same((struct lk_bytes){ digest.data, digest.len }, quote->quote.digest))
		return refuse_quote(err, LK_REFUSAL_VALUES, "values: they aren't what was quoted");
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(v.sel.mask >> i & 1))
			continue;
		memcpy(v.value[i], at, size);
		at += size;
	}
	*ret = v;
	return LK_OK;
}

bool lk_quote_is_same(const struct lk_attest *quote, const struct lk_attest_state *before,
		      lk_hash_fn hash)
{
	struct lk_bytes parts[LK_PCR_COUNT];
	size_t size = lk_alg_size(before->values.sel.bank);
	struct lk_digest digest;
	size_t n = 0;

	if (!before->any || before->boot != quote->reset_count || !size ||
	    before->values.sel.bank != quote->quote.sel.bank ||
	    before->values.sel.mask != quote->quote.sel.mask)
		return false;
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++)
		if (before->values.sel.mask >> i & 1)
			parts[n++] = (struct lk_bytes){ before->values.value[i], size };
	return hash(LK_ALG_SHA256, parts, n, &digest) &&
	       lk_bytes_same((struct lk_bytes){ digest.data, digest.len }, quote->quote.digest);
}

int lk_floor_check(const struct lk_quote_terms *terms, const struct lk_signed_attest *floor,
		   enum lk_floor_kind which, uint64_t *ret_value, struct lk_err *err)
{
	struct lk_attest a = { 0 };
	struct lk_name name;
	struct lk_reader r;

	LK_TRY(lk_signed_check(terms, floor, LK_ATTEST_NV, &a, err));
	LK_TRY(lk_floor_name(floor_index[which], terms->hash, &name));
	if (!lk_bytes_same(a.nv.index_name, (struct lk_bytes){ name.data, name.len }) ||
	    a.nv.offset || a.nv.content.len != 8)
		return lk_err_set(
			err, LK_E_POLICY, LK_REFUSAL_FLOOR,
			"what is certified isn't the whole counter at NV index 0x%08x, as install makes it",
			floor_index[which]);
	r = lk_reader_init(a.nv.content.data, a.nv.content.len);
	*ret_value = lk_read_be64(&r);
	return LK_OK;
}

int lk_quote_fresh(const struct lk_attest_state *before, const struct lk_attest *quote,
		   uint64_t nonce_ms, enum lk_boot_change *ret, struct lk_err *err)
{
	if (!before->any) {
		*ret = LK_BOOT_FIRST;
		return LK_OK;
	}
	if (quote->reset_count > before->boot) {
		*ret = LK_BOOT_NEW;
		return LK_OK;
	}
	if (quote->reset_count == before->boot && quote->clock > before->clock &&
	    quote->restart_count >= before->restarts) {
		*ret = quote->restart_count > before->restarts ? LK_BOOT_RESUMED : LK_BOOT_SAME;
		return LK_OK;
	}
	if (quote->reset_count < before->boot && nonce_ms > before->nonce_ms) {
		*ret = LK_BOOT_CLEARED;
		return LK_OK;
	}
	return lk_err_set(err, LK_E_POLICY, LK_REFUSAL_CLOCK,
			  "the quote isn't newer than the last one that was accepted: boot %" PRIu32
			  " at %" PRIu64 " ms, and that was boot %" PRIu32 " at %" PRIu64 " ms",
			  quote->reset_count, quote->clock, before->boot, before->clock);
}
