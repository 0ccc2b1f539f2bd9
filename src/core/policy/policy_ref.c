/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns how a policyRef is made of a policy file's selection, and the refusal of one that isn't. */
#include "core/policy/policy_ref.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

void lk_policy_ref_line(const struct lk_policy_file *pf, char out[static LK_POLICY_REF_LINE_MAX])
{
	char pcrs[LK_PCR_MASK_TEXT], latch[8] = "none", floor[16] = "none";
	uint32_t mask = pf->pcrs.mask;

	if (pf->latch != LK_NO_PCR) {
		mask &= ~(1u << pf->latch);
		(void)snprintf(latch, sizeof(latch), "%u", pf->latch);
	}
	if (pf->version_floor)
		(void)snprintf(floor, sizeof(floor), "0x%08x", pf->version_floor);
	lk_pcr_mask_format(mask, pcrs);
	(void)snprintf(out, LK_POLICY_REF_LINE_MAX, "bank=%s pcrs=%s latch=%s floor=%s",
		       lk_alg_name(pf->pcrs.bank), pcrs, latch, floor);
}

int lk_policy_ref_bind(struct lk_policy_file *pf, const char *name, lk_hash_fn hash)
{
	char line[LK_POLICY_REF_LINE_MAX], hex[2 * LK_DIGEST_MAX + 1];
	char ref[LK_POLICY_REF_BOUND_MAX + 1];
	struct lk_bytes part;
	struct lk_digest digest;
	int n;

	lk_policy_ref_line(pf, line);
	part = (struct lk_bytes){ (const uint8_t *)line, strlen(line) };
	if (!hash(LK_ALG_SHA256, &part, 1, &digest))
		return LK_E_SYSTEM;
	lk_hex_encode(digest.data, digest.len, hex);
	n = snprintf(ref, sizeof(ref), "%.*s:%.*s", (int)LK_POLICY_REF_NAME_MAX, name,
		     (int)LK_POLICY_REF_DIGITS, hex);
	pf->policy_ref_len = (size_t)n;
	memcpy(pf->policy_ref, ref, pf->policy_ref_len);
	return LK_OK;
}

bool lk_policy_ref_is_bound(struct lk_bytes ref)
{
	if (ref.len < LK_POLICY_REF_DIGITS + 2u || ref.len > LK_POLICY_REF_BOUND_MAX ||
	    ref.data[ref.len - LK_POLICY_REF_DIGITS - 1] != ':')
		return false;
	for (size_t i = ref.len - LK_POLICY_REF_DIGITS; i < ref.len; i++) {
		uint8_t c = ref.data[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

struct lk_bytes lk_policy_ref_name(const struct lk_policy_file *pf)
{
	size_t len = pf->policy_ref_len;

	if (pf->format >= 2)
		len -= LK_POLICY_REF_DIGITS + 1u;
	return (struct lk_bytes){ pf->policy_ref, len };
}

int lk_policy_ref_check(const struct lk_policy_file *pf, const char *shared, struct lk_err *err)
{
	char ref[LK_POLICY_REF_MAX + 1] = { 0 }, shown[LK_TEXT_SHOWN_MAX + 4];

	memcpy(ref, pf->policy_ref, pf->policy_ref_len);
	if (pf->format >= 2 && shared)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--shared-policy-ref: the policy file is of format 2, whose policyRef is its selection's alone; leave the option out");
	if (pf->format >= 2)
		return LK_OK;
	if (shared && strcmp(shared, ref) == 0)
		return LK_OK;
	if (shared)
		return lk_err_set(
			err, LK_E_USAGE, 0,
			"--shared-policy-ref: the policy file's policy-ref is \"%s\"; give exactly that, or leave the option out",
			lk_text_show(ref, shown));
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"the policy file is of format 1, whose policy-ref \"%s\" isn't bound to its selection: every policy signed with this reference and key opens every volume sealed to it, whatever PCRs and latch its policy file asks for; nothing was changed; write a file of format 2 (latchkey-policy(5), FORMAT 1, says how a device changes over), or accept that with --shared-policy-ref \"%s\"",
		lk_text_show(ref, shown), shown);
}
