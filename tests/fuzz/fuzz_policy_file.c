/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the policy file. */
#include "core/policy/policy_file.h"
#include "core/policy/policy_ref.h"
#include "fuzz.h"
#include "sys/crypto/crypto.h"

static void check(const struct lk_policy_file *pf)
{
	INVARIANT(pf->n_volumes <= LK_VOLUMES_MAX);
	INVARIANT(pf->pcrs.mask && pf->pcrs.mask < 1u << LK_PCR_COUNT);
	INVARIANT(!(pf->pcrs.mask & (1u << 16 | 1u << 23)));
	INVARIANT(pf->latch == LK_NO_PCR || pf->pcrs.mask & 1u << pf->latch);
	INVARIANT(pf->policy_ref_len <= LK_POLICY_REF_MAX);
	INVARIANT(lk_policy_ref_is_bound((struct lk_bytes){ pf->policy_ref, pf->policy_ref_len }) ==
		  (pf->format == 2));
	INVARIANT(pf->root_name.len == 0 || pf->root_name.len == 34 || pf->root_name.len == 50);
	for (size_t i = 0; i < pf->n_volumes; i++) {
		const struct lk_volume *v = &pf->volumes[i];

		INVARIANT(lk_policy_file_volume(pf, v->name) == v);
		INVARIANT(!strchr(v->name, '/'));
		INVARIANT(!strstr(v->format.cipher, "null"));
		INVARIANT(v->on_failure != LK_ON_FAILURE_PROMPT || pf->latch != LK_NO_PCR);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_YAML yaml = parse_document(data, size);
	static struct lk_policy_file pf;
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return 0;
	rc = lk_policy_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, &pf, &err);
	if (rc == LK_OK)
		check(&pf);
	else
		check_error(rc, LK_E_INPUT, &err);
	return 0;
}
