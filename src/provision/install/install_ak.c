/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns install's part of the attestation key: whether it is there, and what the record says of it. */
#include "install/install.h"
#include "install/record.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_attest.h"

bool lk_install_can_make_ak(const struct lk_install *in)
{
	return !in->has_ak && (!in->info.owner_auth_set || in->owner.len) &&
	       (!in->info.endorsement_auth_set || in->endorsement.len);
}

int lk_install_survey_ak(struct lk_install *in, struct lk_err *err)
{
	struct lk_tpm_public now;
	struct lk_tpm_ak ak;
	struct lk_err why = { 0 };
	int rc;

	LK_TRY(lk_tpm_read_public(in->tpm, LK_HANDLE_AK, &now, err));
	if (!now.present)
		return LK_OK;
	rc = lk_tpm_ak_read(in->tpm, &ak, &why);
	if (rc == LK_E_OBJECT)
		return lk_err_set(
			err, LK_E_REFUSED, why.code,
			"0x%08x, where the attestation key belongs, holds something else (%s); nothing was changed; if nobody needs it, \"tpm2_evictcontrol -C o -c 0x%08x\" removes it",
			LK_HANDLE_AK, why.msg, LK_HANDLE_AK);
	if (rc != LK_OK)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	in->has_ak = true;
	return LK_OK;
}

int lk_install_describe_ak(struct lk_install *in, struct lk_json *record, struct lk_err *err)
{
	struct lk_tpm_public now;
	struct lk_tpm_ak ak;
	struct lk_json *json;

	LK_TRY(lk_tpm_read_public(in->tpm, LK_HANDLE_AK, &now, err));
	if (!now.present) {
		lk_log(LK_LOG_WARNING, "no attestation key was made: %s",
		       in->info.endorsement_auth_set && !in->endorsement.len
			       ? "the endorsement hierarchy has an authorization, which --endorsement-auth gives"
			       : "install with --owner-auth makes it");
		return LK_OK;
	}
	LK_TRY(lk_tpm_ak_read(in->tpm, &ak, err));
	json = lk_json_set_object(record, "ak");
	lk_json_set_handle(json, "handle", LK_HANDLE_AK);
	lk_json_set_hex(json, "name", ak.key.name.data, ak.key.name.len);
	lk_json_set_hex(json, "public", ak.public, ak.public_len);
	return LK_OK;
}

int lk_install_add_ak(struct lk_install *in, bool *ret_added, struct lk_err *err)
{
	const char *path = in->opts->value[LK_OPT_RECORD];
	LK_OWNED_JSON record = NULL;
	bool existed;

	if (!in->has_ak)
		return LK_OK;
	LK_TRY(lk_record_load(path, &record, &existed, err));
	if (lk_json_get(record, "ak"))
		return LK_OK;
	LK_TRY(lk_install_describe_ak(in, record, err));
	LK_TRY(lk_record_save(path, record, err));
	*ret_added = true;
	return LK_OK;
}

int lk_install_add_proof(struct lk_install *in, bool *ret_added, struct lk_err *err)
{
	const char *path = in->opts->value[LK_OPT_RECORD];
	LK_OWNED_JSON record = NULL;
	bool existed, proven;

	if (!in->has_ak)
		return LK_OK;
	LK_TRY(lk_record_load(path, &record, &existed, err));
	LK_TRY(lk_record_is_proven(in->tpm, record, &proven, err));
	if (proven)
		return LK_OK;
	LK_TRY(lk_record_prove(in->tpm, record, err));
	LK_TRY(lk_record_save(path, record, err));
	*ret_added = lk_json_get(record, "proof") != NULL;
	return LK_OK;
}
