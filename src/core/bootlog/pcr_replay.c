/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns extending PCRs by calculation. */
#include "core/bootlog/pcr_replay.h"

#include <assert.h>
#include <string.h>

#define DRTM_FIRST 17u
#define DRTM_LAST  22u

void lk_pcr_replay_init(struct lk_pcr_replay *r, enum lk_alg bank)
{
	*r = (struct lk_pcr_replay){ .values.sel = { bank, (1u << LK_PCR_COUNT) - 1u } };
	for (unsigned int i = DRTM_FIRST; i <= DRTM_LAST; i++)
		memset(r->values.value[i], 0xff, lk_alg_size(bank));
}

bool lk_pcr_replay_extend(struct lk_pcr_replay *r, unsigned int pcr, struct lk_bytes digest,
			  lk_hash_fn hash)
{
	size_t size = lk_alg_size(r->values.sel.bank);
	struct lk_bytes parts[2];
	struct lk_digest sum;

	assert(pcr < LK_PCR_COUNT && digest.len == size);
	parts[0] = (struct lk_bytes){ r->values.value[pcr], size };
	parts[1] = digest;
	if (!hash(r->values.sel.bank, parts, 2, &sum))
		return false;
	memcpy(r->values.value[pcr], sum.data, size);
	r->extended |= 1u << pcr;
	return true;
}
