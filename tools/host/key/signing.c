/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns preparing a policy to be signed, and writing it once it is. */
#include "key/signing.h"

#include <string.h>

#include "core/policy/policy_ref.h"
#include "core/policy/unextended.h"
#include "sys/crypto/crypto.h"
#include "volume/signed.h"

int lk_signing_load_policy(const struct lk_signing_args *args, struct lk_policy_file *ret,
			   struct lk_err *err)
{
	LK_TRY(lk_document_policy_file(args->policy, ret, err));
	if (lk_policy_ref_check(ret, args->shared_ref, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "%s", args->policy);
	return err->rc;
}

static int read_inputs(const struct lk_signing_args *args, struct lk_policy_file *pf,
		       struct lk_pcr_values *values, struct lk_err *err)
{
	if (!args->pcr_values)
		return lk_err_set(err, LK_E_USAGE, 0, "--pcr-values is needed");
	if (!strcmp(args->policy, "-") && !strcmp(args->pcr_values, "-"))
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--policy and --pcr-values can't both be standard input");
	LK_TRY(lk_signing_load_policy(args, pf, err));
	return lk_read_pcr_values(args->pcr_values, pf, values, err);
}

/* Nothing that no one has measured is signed unless it is named. */
static int check_extended(const struct lk_signing_args *args, struct lk_signing *s,
			  struct lk_err *err)
{
	const struct lk_policy_file *pf = &s->file;
	uint32_t latch = pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch;
	uint32_t named = 0;

	if (args->unextended && lk_pcr_mask_parse(args->unextended, &named, err) != LK_OK) {
		lk_err_prefix(err, "--unextended");
		return LK_E_USAGE;
	}
	LK_TRY(lk_unextended_consent(&s->policy.pcrs, pf->pcrs.mask & ~latch, named, err));
	s->policy.unextended = named;
	return lk_signed_policy_check_extended(&s->policy, pf, 0, err);
}

int lk_signing_version(const struct lk_signing_args *args, uint32_t *ret, struct lk_err *err)
{
	static const uint32_t range[2] = { 1, UINT32_MAX };

	*ret = 0;
	return args->version ? lk_option_number("version", args->version, range, ret, err) : LK_OK;
}

static int prepare_signing(const struct lk_signing_args *args, const struct lk_pcr_values *values,
			   struct lk_signing *ret, struct lk_err *err)
{
	uint32_t version = 0;

	LK_TRY(lk_signing_version(args, &version, err));
	return lk_signed_policy_prepare(&ret->file, values, version, args->label ? args->label : "",
					lk_crypto_hash, &ret->policy, err);
}

int lk_signing_prepare(const struct lk_signing_args *args, struct lk_signing *ret,
		       struct lk_err *err)
{
	struct lk_pcr_values values;
	uint32_t version;
	int rc;

	LK_TRY(lk_signing_version(args, &version, err));
	LK_TRY(read_inputs(args, &ret->file, &values, err));
	rc = prepare_signing(args, &values, ret, err);
	if (rc == LK_OK)
		rc = check_extended(args, ret, err);
	if (rc == LK_E_INPUT || rc == LK_E_REFUSED)
		lk_err_prefix(err, "%s", args->pcr_values);
	return rc;
}

/* Of many devices some may extend what others don't: the word is for those that don't. */
int lk_signing_prepare_values(const struct lk_signing_args *args,
			      const struct lk_pcr_values *values, struct lk_signing *ret,
			      struct lk_err *err)
{
	uint32_t named = 0;

	LK_TRY(prepare_signing(args, values, ret, err));
	if (args->unextended && lk_pcr_mask_parse(args->unextended, &named, err) != LK_OK) {
		lk_err_prefix(err, "--unextended");
		return LK_E_USAGE;
	}
	ret->policy.unextended = lk_pcrs_unextended(&ret->policy.pcrs, named);
	return lk_signed_policy_check_extended(&ret->policy, &ret->file, 0, err);
}

int lk_signing_expect_key(const struct lk_private_key *key, const char *uri,
			  const struct lk_policy_file *pf, struct lk_err *err)
{
	const struct lk_policy_key *public = lk_private_key_public(key);
	size_t size = lk_curve_size(pf->key.curve);

	if (public->curve == pf->key.curve && !memcmp(public->x, pf->key.x, size) &&
	    !memcmp(public->y, pf->key.y, size))
		return LK_OK;
	return lk_err_set(err, LK_E_POLICY, 0,
			  "%s: not the private half of policy-key in the policy file", uri);
}

/* A label may come from the command line in any bytes; what no device could
 * read shall not be written. A policy without signature isn't read by any. */
static int check_readable(const struct lk_signed_policy *sp, const char *text, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	struct lk_signed_policy again;
	int rc;

	rc = lk_yaml_parse((const uint8_t *)text, strlen(text), &yaml, err);
	if (rc == LK_OK && sp->signature_len)
		rc = lk_signed_policy_from_doc(lk_yaml_root(yaml), &again, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "label or policy-ref can't be written");
	else if (sp->signature_len && strcmp(again.label, sp->label) != 0)
		rc = lk_err_set(err, LK_E_INPUT, 0,
				"label can't be written so that it is read the same");
	return rc;
}

static int make_text(const struct lk_signed_policy *sp, char text[static LK_SIGNED_POLICY_TEXT_MAX],
		     struct lk_err *err)
{
	int rc = lk_signed_policy_write(sp, false, text, LK_SIGNED_POLICY_TEXT_MAX);

	if (rc != LK_OK)
		return lk_err_set(err, rc, 0, "the signed policy is too long");
	return check_readable(sp, text, err);
}

int lk_signing_write(const struct lk_signed_policy *sp, const struct lk_output *out,
		     struct lk_err *err)
{
	char text[LK_SIGNED_POLICY_TEXT_MAX];

	LK_TRY(make_text(sp, text, err));
	return lk_write_output(out, (struct lk_bytes){ (uint8_t *)text, strlen(text) }, err);
}

static int put_signature(struct lk_signing *signing, struct lk_bytes signature, struct lk_err *err)
{
	struct lk_signed_policy *sp = &signing->policy;

	if (signature.len > sizeof(sp->signature))
		return lk_err_set(err, LK_E_INPUT, 0, "signature: too long");
	memcpy(sp->signature, signature.data, signature.len);
	sp->signature_len = signature.len;
	return lk_signed_policy_verify(sp, &signing->file, err);
}

int lk_signing_finish(struct lk_signing *signing, struct lk_bytes signature,
		      const struct lk_output *out, struct lk_err *err)
{
	LK_TRY(put_signature(signing, signature, err));
	return lk_signing_write(&signing->policy, out, err);
}

int lk_signing_text(struct lk_signing *signing, struct lk_bytes signature, struct lk_buf *ret,
		    struct lk_err *err)
{
	char text[LK_SIGNED_POLICY_TEXT_MAX];

	LK_TRY(put_signature(signing, signature, err));
	LK_TRY(make_text(&signing->policy, text, err));
	ret->data = (uint8_t *)strdup(text);
	if (!ret->data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	ret->len = strlen(text);
	return LK_OK;
}
