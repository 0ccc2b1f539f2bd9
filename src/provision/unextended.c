/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns looking for PCRs that nobody has extended, before anything relies on them. */
#include "unextended.h"

#include "common.h"
#include "core/policy/unextended.h"
#include "sys/os/log.h"

/* What policy files select, as a rule: firmware, boot image, Secure Boot, IMA. */
#define USUAL_PCRS (1u << 0 | 1u << LK_PCR_BOOT | 1u << LK_PCR_SECURE_BOOT | 1u << LK_PCR_IMA)

int lk_unextended_option(const struct lk_options *opts, uint32_t *ret, struct lk_err *err)
{
	const char *list = opts->value[LK_OPT_UNEXTENDED];

	*ret = 0;
	if (!list || lk_pcr_mask_parse(list, ret, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "--unextended");
	return LK_E_USAGE;
}

int lk_unextended_admit(const struct lk_options *opts, const struct lk_policy_file *pf,
			const struct lk_pcr_values *values, uint32_t consent, struct lk_err *err)
{
	uint32_t latch = pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;
	uint32_t mask = pf->pcrs.mask & ~latch;
	uint32_t named;

	LK_TRY(lk_unextended_option(opts, &named, err));
	LK_TRY(lk_unextended_consent(values, mask, named, err));
	return lk_unextended_check(values, mask, named | consent, err);
}

static void warn_of_bank(struct lk_tpm *tpm, enum lk_alg bank)
{
	const struct lk_pcr_selection usual = { bank, USUAL_PCRS };
	struct lk_pcr_values values;
	char pcrs[LK_PCR_MASK_TEXT];
	uint32_t mask;

	/* A bank that isn't active can't be read. */
	if (lk_tpm_pcr_read(tpm, &usual, &values, NULL) != LK_OK)
		return;
	mask = lk_pcrs_unextended(&values, USUAL_PCRS);
	if (!mask)
		return;
	lk_pcr_mask_format(mask, pcrs);
	lk_log(LK_LOG_WARNING,
	       "bank %s: nobody has extended PCR %s in this boot: a policy file that relies on it there would open the volume in any boot (is it another bank that the firmware measures into, or, for PCR 10, a kernel without IMA?)",
	       lk_alg_name(bank), pcrs);
}

/* Before a second machine is refused: whose signed policies these will be. */
static void say_shared(const struct lk_policy_file *pf)
{
	uint32_t latch = pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;
	char shared[LK_PCR_SHARED_TEXT], pcrs[LK_PCR_MASK_TEXT];

	lk_pcr_shared_text(pf->pcrs.mask & ~latch, shared);
	lk_pcr_mask_format(pf->pcrs.mask & ~latch, pcrs);
	lk_log(LK_LOG_INFO, "signed policies over PCRs %s: %s", pcrs, shared);
}

int lk_unextended_survey(struct lk_tpm *tpm, const struct lk_options *opts, struct lk_err *err)
{
	const char *path = opts->value[LK_OPT_POLICY];
	struct lk_pcr_values values;
	struct lk_policy_file pf;
	int rc;

	if (!lk_option_given(opts, LK_OPT_POLICY)) {
		if (lk_option_given(opts, LK_OPT_UNEXTENDED))
			return lk_err_set(err, LK_E_USAGE, 0,
					  "--unextended is of the PCRs that --policy FILE selects");
		warn_of_bank(tpm, LK_ALG_SHA256);
		warn_of_bank(tpm, LK_ALG_SHA384);
		lk_log(LK_LOG_INFO,
		       "no --policy: of the selections that \"latchkey policy init\" writes, 0,7,10 gives each machine signed policies of its own, unless disks and boot options are alike; " LK_PCRS_OF_A_FLEET
		       " (--fleet) gives machines of one model and firmware shared ones");
		return LK_OK;
	}
	LK_TRY(lk_policy_file_load(path, &pf, err));
	rc = lk_tpm_pcr_read(tpm, &pf.pcrs, &values, err);
	if (rc == LK_OK)
		rc = lk_unextended_admit(opts, &pf, &values, 0, err);
	if (rc == LK_OK)
		say_shared(&pf);
	if (rc != LK_OK && rc != LK_E_USAGE)
		lk_err_prefix(err, "%s", path);
	return rc;
}
