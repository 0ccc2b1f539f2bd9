/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what a fleet's groups get: a file of values, or a signed policy. */
#include <string.h>

#include "core/policy/pcr_text.h"
#include "policy/fleet.h"
#include "sys/crypto/crypto.h"

static int values_text(const struct lk_fleet *f, size_t group, void *ctx, struct lk_buf *ret,
		       struct lk_err *err)
{
	const struct lk_fleet_device *d = &f->devices[f->order[f->groups[group].first]];
	char text[LK_PCR_JSON_MAX + 1];
	size_t len = lk_pcr_values_write_json(d->values, text, LK_PCR_JSON_MAX);

	(void)ctx;
	text[len] = '\n';
	ret->data = (uint8_t *)strndup(text, len + 1);
	if (!len || !ret->data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	ret->len = len + 1;
	return LK_OK;
}

int lk_fleet_predict(const struct lk_fleet_args *args, struct lk_err *err)
{
	const struct lk_fleet_writing how = { ".json", values_text, NULL };
	LK_OWNED_FLEET f = LK_FLEET_NONE;
	struct lk_policy_file pf;

	LK_TRY(lk_document_policy_file(args->policy, &pf, err));
	LK_TRY(lk_fleet_compile(args, &pf, &f, err));
	LK_TRY(lk_fleet_write(&f, &how, err));
	return lk_fleet_report(&f, err);
}

struct signer {
	const struct lk_signing_args *args;
	const struct lk_private_key *key;
};

static int signed_text(const struct lk_fleet *f, size_t group, void *ctx, struct lk_buf *ret,
		       struct lk_err *err)
{
	const struct lk_fleet_device *d = &f->devices[f->order[f->groups[group].first]];
	const struct signer *s = ctx;
	struct lk_signing signing = { .file = f->pf };
	uint8_t signature[LK_SIGNATURE_MAX];
	struct lk_digest tbs;
	size_t len = 0;
	int rc = lk_signing_prepare_values(s->args, d->values, &signing, err);

	if (rc == LK_OK && lk_signed_policy_tbs(&signing.policy, lk_crypto_hash, &tbs) != LK_OK)
		rc = lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (rc == LK_OK)
		rc = lk_private_key_sign(s->key, &tbs, signature, &len, err);
	if (rc == LK_OK)
		rc = lk_signing_text(&signing, (struct lk_bytes){ signature, len }, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s%s", d->path,
			      f->groups[group].n > 1 ? " and those like it" : "");
	return rc;
}

int lk_fleet_sign(const struct lk_fleet_args *args, const struct lk_signing_args *signing,
		  const struct lk_private_key *key, const struct lk_policy_file *pf,
		  struct lk_err *err)
{
	struct signer s = { signing, key };
	const struct lk_fleet_writing how = { ".yaml", signed_text, &s };
	LK_OWNED_FLEET f = LK_FLEET_NONE;

	LK_TRY(lk_fleet_compile(args, pf, &f, err));
	LK_TRY(lk_fleet_write(&f, &how, err));
	return lk_fleet_report(&f, err);
}
