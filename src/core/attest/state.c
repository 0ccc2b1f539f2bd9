/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the bytes of a device's state. */
#include "core/attest/state.h"

#include <string.h>

#define VERSION 1u

enum flag {
	FLAG_ANY = 1,
	FLAG_PADDED = 2,
	FLAG_VERSION = 4,
	FLAG_SEQUENCE = 8,
	FLAG_CLEARED = 16,
	FLAG_KEXEC = 32,
	FLAG_ALL = 63
};

static uint8_t flags(const struct lk_attest_state *s)
{
	return (uint8_t)((s->any ? FLAG_ANY : 0) |
			 (s->how == LK_IMA_PADDED_SHA1 ? FLAG_PADDED : 0) |
			 (s->has_floor[0] ? FLAG_VERSION : 0) |
			 (s->has_floor[1] ? FLAG_SEQUENCE : 0) | (s->cleared ? FLAG_CLEARED : 0) |
			 (s->kexec ? FLAG_KEXEC : 0));
}

size_t lk_attest_state_write(const struct lk_attest_state *s,
			     uint8_t out[static LK_ATTEST_STATE_MAX])
{
	struct lk_writer w = lk_writer_init(out, LK_ATTEST_STATE_MAX);
	size_t size = lk_alg_size(s->values.sel.bank);

	lk_write_u8(&w, VERSION);
	lk_write_u8(&w, flags(s));
	lk_write_be32(&w, s->boot);
	lk_write_be32(&w, s->restarts);
	lk_write_be64(&w, s->clock);
	lk_write_be64(&w, s->nonce_ms);
	lk_write_be64(&w, s->firmware);
	lk_write_be64(&w, s->ima_bytes);
	lk_write_be32(&w, s->ima_entries);
	lk_write_be64(&w, s->floor[0]);
	lk_write_be64(&w, s->floor[1]);
	lk_write_be16(&w, (uint16_t)s->values.sel.bank);
	lk_write_be32(&w, size ? s->values.sel.mask : 0);
	for (unsigned int i = 0; size && i < LK_PCR_COUNT; i++)
		if (s->values.sel.mask >> i & 1)
			lk_write_bytes(&w, s->values.value[i], size);
	lk_write_bytes(&w, s->ima_value, size);
	lk_write_u8(&w, (uint8_t)s->policy.len);
	lk_write_bytes(&w, s->policy.data, s->policy.len);
	if (s->kexec)
		lk_write_bytes(&w, s->ima_base, size);
	return w.len;
}

static bool read_values(struct lk_reader *r, struct lk_attest_state *s)
{
	uint16_t bank = lk_read_be16(r);
	uint32_t mask = lk_read_be32(r);
	size_t size = lk_alg_size((enum lk_alg)bank);
	struct lk_bytes v;

	if ((bank && !size) || mask >> LK_PCR_COUNT || (!size && mask))
		return false;
	s->values.sel = (struct lk_pcr_selection){ (enum lk_alg)bank, mask };
	for (unsigned int i = 0; i < LK_PCR_COUNT; i++) {
		if (!(mask >> i & 1))
			continue;
		v = lk_read_bytes(r, size);
		if (v.len)
			memcpy(s->values.value[i], v.data, v.len);
	}
	v = lk_read_bytes(r, size);
	if (v.len)
		memcpy(s->ima_value, v.data, v.len);
	return true;
}

bool lk_attest_state_read(struct lk_bytes bytes, struct lk_attest_state *ret)
{
	struct lk_reader r = lk_reader_init(bytes.data, bytes.len);
	struct lk_attest_state s = { 0 };
	struct lk_bytes policy, base;
	uint8_t flag;

	if (lk_read_u8(&r) != VERSION)
		return false;
	flag = lk_read_u8(&r);
	s.any = flag & FLAG_ANY;
	s.how = flag & FLAG_PADDED ? LK_IMA_PADDED_SHA1 : LK_IMA_OWN_HASH;
	s.has_floor[0] = flag & FLAG_VERSION;
	s.has_floor[1] = flag & FLAG_SEQUENCE;
	s.cleared = flag & FLAG_CLEARED;
	s.kexec = flag & FLAG_KEXEC;
	s.boot = lk_read_be32(&r);
	s.restarts = lk_read_be32(&r);
	s.clock = lk_read_be64(&r);
	s.nonce_ms = lk_read_be64(&r);
	s.firmware = lk_read_be64(&r);
	s.ima_bytes = lk_read_be64(&r);
	s.ima_entries = lk_read_be32(&r);
	s.floor[0] = lk_read_be64(&r);
	s.floor[1] = lk_read_be64(&r);
	if (flag & ~FLAG_ALL || !read_values(&r, &s))
		return false;
	policy = lk_read_bytes(&r, lk_read_u8(&r));
	if (s.kexec) {
		base = lk_read_bytes(&r, lk_alg_size(s.values.sel.bank));
		if (base.len)
			memcpy(s.ima_base, base.data, base.len);
	}
	if (!lk_reader_done(&r) || policy.len > LK_DIGEST_MAX)
		return false;
	s.policy.len = (uint16_t)policy.len;
	if (policy.len)
		memcpy(s.policy.data, policy.data, policy.len);
	*ret = s;
	return true;
}

void lk_attest_state_accept(struct lk_attest_state *state, const struct lk_attest *quote,
			    uint64_t nonce_ms)
{
	state->any = true;
	state->boot = quote->reset_count;
	state->restarts = quote->restart_count;
	state->clock = quote->clock;
	state->firmware = quote->firmware;
	state->nonce_ms = nonce_ms;
}
