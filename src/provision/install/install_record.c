/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what install writes into the record of the TPM, its keys and its PCRs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "install/install.h"
#include "install/record.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_admin.h"
#include "sys/crypto/crypto_ek.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_config.h"

static void describe_tpm(const struct lk_tpm_info *info, struct lk_json *record)
{
	struct lk_json *tpm = lk_json_set_object(record, "tpm");
	char text[48];

	lk_json_set_text(tpm, "vendor", info->vendor);
	lk_json_set_text(tpm, "vendor-string", info->vendor_string);
	snprintf(text, sizeof(text), "%u.%u.%u.%u", info->firmware[0] >> 16,
		 info->firmware[0] & 0xffff, info->firmware[1] >> 16, info->firmware[1] & 0xffff);
	lk_json_set_text(tpm, "firmware", text);
	lk_json_set_text(tpm, "family", info->family);
	snprintf(text, sizeof(text), "%u.%02u", info->revision / 100, info->revision % 100);
	lk_json_set_text(tpm, "revision", text);
	snprintf(text, sizeof(text), "%04u-%03u", info->year, info->day_of_year);
	lk_json_set_text(tpm, "revision-date", text);
	lk_json_set_bool(tpm, "encrypt-decrypt", info->has_encrypt_decrypt);
}

static int describe_object(struct lk_tpm *tpm, struct lk_json *objects, const char *key,
			   uint32_t handle, struct lk_err *err)
{
	struct lk_tpm_public pub;
	int rc = lk_tpm_read_public(tpm, handle, &pub, err);

	if (rc != LK_OK)
		return rc;
	struct lk_json *obj = lk_json_set_object(objects, key);

	lk_json_set_handle(obj, "handle", handle);
	lk_json_set_hex(obj, "name", pub.name.data, pub.name.len);
	return LK_OK;
}

static int describe_nv(struct lk_tpm *tpm, struct lk_json *objects, const char *key, uint32_t index,
		       struct lk_err *err)
{
	struct lk_nv_public pub;
	int rc = lk_tpm_nv_read_public(tpm, index, &pub, err);

	if (rc != LK_OK)
		return rc;
	struct lk_json *obj = lk_json_set_object(objects, key);

	lk_json_set_handle(obj, "handle", index);
	lk_json_set_hex(obj, "name", pub.name.data, pub.name.len);
	return LK_OK;
}

struct floor {
	const char *key;
	uint32_t index;
	bool is_new;
	const char *advice;
};

static int describe_floor(struct lk_tpm *tpm, struct lk_json *objects, const struct floor *floor,
			  struct lk_err *err)
{
	uint64_t value = 0;
	int rc = describe_nv(tpm, objects, floor->key, floor->index, err);

	if (rc == LK_OK)
		rc = lk_tpm_floor_read(tpm, floor->index, &value, err);
	if (rc != LK_OK)
		return rc;
	lk_json_set_uint(lk_json_get(objects, floor->key), "value", value);
	/* A TPM starts a new counter above every one it has ever had. */
	if (floor->is_new && value != 1)
		lk_log(LK_LOG_WARNING,
		       "%s starts at %" PRIu64 ": this TPM had counters before; %s %" PRIu64,
		       floor->key, value, floor->advice, value);
	return LK_OK;
}

static int describe_objects(struct lk_install *in, struct lk_json *record, struct lk_err *err)
{
	const struct floor version = { "version-floor", LK_NV_VERSION_FLOOR, !in->has_version_floor,
				       "sign no policy of a version under" };
	const struct floor sequence = { "sequence-floor", LK_NV_SEQUENCE_FLOOR,
					!in->has_sequence_floor,
					"seal configuration with sequences above" };
	struct lk_json *objects = lk_json_set_object(record, "objects");
	struct lk_name key;
	int rc = describe_object(in->tpm, objects, "storage-root-key", LK_HANDLE_SRK, err);

	if (rc == LK_OK)
		rc = describe_nv(in->tpm, objects, "policy-key", LK_NV_POLICY_KEY, err);
	if (rc == LK_OK)
		rc = describe_object(in->tpm, objects, "config-key", LK_HANDLE_CONFIG_KEY, err);
	if (rc == LK_OK)
		rc = describe_floor(in->tpm, objects, &version, err);
	if (rc == LK_OK)
		rc = describe_floor(in->tpm, objects, &sequence, err);
	if (rc != LK_OK)
		return rc;
	if (lk_policy_key_name(&in->key, lk_crypto_hash, &key) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	lk_json_set_hex(lk_json_get(objects, "policy-key"), "key-name", key.data, key.len);

	struct lk_json *config = lk_json_get(objects, "config-key");

	lk_json_set_text(config, "form", in->form == LK_KEY_FORM_CIPHER ? "cipher" : "sealed");
	lk_json_set_uint(config, "bits", 8 * in->config_key.len);
	return LK_OK;
}

/** What configuration for this one device is made out to. */
static int describe_device(struct lk_tpm *tpm, struct lk_json *record, struct lk_err *err)
{
	char id[LK_DEVICE_ID_TEXT];

	LK_TRY(lk_tpm_device(tpm, id, err));
	lk_json_set_text(record, "device-id", id);
	return LK_OK;
}

static int set_pem(struct lk_json *obj, const char *key, const char *label,
		   const struct lk_buf *der, struct lk_err *err)
{
	LK_OWNED_BUF pem = LK_BUF_NONE;
	const struct lk_bytes bytes = { der->data, der->len };
	int rc = lk_crypto_pem(label, bytes, &pem, err);

	if (rc == LK_OK)
		lk_json_set_text(obj, key, (const char *)pem.data);
	return rc;
}

/* Each certificate in PEM, one after the other. */
static int set_chain(struct lk_json *obj, const struct lk_buf *chain, struct lk_err *err)
{
	LK_OWNED_BUF all = LK_BUF_NONE;

	for (size_t at = 0, len; at < chain->len; at += len) {
		struct lk_bytes rest = { chain->data + at, chain->len - at };
		LK_OWNED_BUF pem = LK_BUF_NONE;
		uint8_t *grown;

		len = lk_ek_certificate_length(rest);
		if (!len)
			break;
		rest.len = len;
		LK_TRY(lk_crypto_pem("CERTIFICATE", rest, &pem, err));
		grown = realloc(all.data, all.len + pem.len + 1);
		if (!grown)
			return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
		all.data = grown;
		memcpy(all.data + all.len, pem.data, pem.len + 1);
		all.len += pem.len;
	}
	if (all.len)
		lk_json_set_text(obj, "chain", (const char *)all.data);
	return LK_OK;
}

static int check_certificate(const struct lk_ek *ek, const char *ca_file, struct lk_err *err)
{
	const struct lk_ek_certificate c = { { ek->certificate.data, ek->certificate.len },
					     { ek->chain.data, ek->chain.len } };
	LK_OWNED_EK_CA ca = NULL;

	if (ca_file)
		LK_TRY(lk_ek_ca_open(ca_file, &ca, err));
	return lk_ek_certificate_check(&c, (struct lk_bytes){ ek->spki.data, ek->spki.len }, ca,
				       NULL, err);
}

static int describe_certificate(const struct lk_ek *ek, const char *ca, struct lk_json *json,
				struct lk_err *err)
{
	struct lk_err why = { 0 };
	int rc;

	if (ek->certificate.len == 0)
		return !ca ? LK_OK
			   : lk_err_set(err, LK_E_POLICY, 0,
					"the TPM has no endorsement certificate to check");
	rc = check_certificate(ek, ca, &why);
	if (rc != LK_OK && (ca || rc != LK_E_POLICY))
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	/* A certificate for a key of another template is worth keeping: only
	 * who asked for the check is refused. */
	if (rc != LK_OK)
		lk_log(LK_LOG_WARNING, "%s", why.msg);
	lk_json_set_bool(json, "certificate-checked", ca != NULL);
	LK_TRY(set_pem(json, "certificate", "CERTIFICATE", &ek->certificate, err));
	return set_chain(json, &ek->chain, err);
}

int lk_install_describe_ek(struct lk_install *in, struct lk_json *record, struct lk_err *err)
{
	const char *ca = in->opts->value[LK_OPT_EK_CA];
	LK_OWNED_EK ek = { .kind = NULL };
	struct lk_err why = { 0 };
	struct lk_json *json;
	int rc =
		in->info.endorsement_auth_set && !in->endorsement.len
			? lk_err_set(
				  &why, LK_E_REFUSED, 0,
				  "the endorsement key: its hierarchy has an authorization, which --endorsement-auth gives")
			: lk_tpm_ek_read(in->tpm, &ek, &why);

	/* Nothing but the inventory needs it. */
	if (rc != LK_OK && (ca || rc == LK_E_NO_TPM))
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	if (rc != LK_OK) {
		lk_log(LK_LOG_WARNING, "not in the record: %s", why.msg);
		return LK_OK;
	}
	json = lk_json_set_object(record, "ek");
	LK_TRY(set_pem(json, "public", "PUBLIC KEY", &ek.spki, err));
	lk_json_set_hex(json, "area", ek.area.data, ek.area.len);
	lk_json_set_text(json, "template", ek.kind);
	return describe_certificate(&ek, ca, json, err);
}

int lk_install_describe(struct lk_install *in, struct lk_json *record, struct lk_err *err)
{
	int rc;

	describe_tpm(&in->info, record);
	rc = lk_install_describe_ek(in, record, err);
	if (rc == LK_OK)
		rc = lk_install_describe_ak(in, record, err);
	if (rc == LK_OK)
		rc = describe_device(in->tpm, record, err);
	if (rc == LK_OK)
		rc = describe_objects(in, record, err);
	if (rc == LK_OK)
		rc = lk_record_describe_pcrs(in->tpm, record, err);
	if (rc == LK_OK)
		rc = lk_record_prove(in->tpm, record, err);
	return rc;
}

/** Whether the record's endorsement key is this TPM's. */
static bool is_same_ek(struct lk_tpm *tpm, const struct lk_json *record)
{
	const char *has = lk_json_get_text(lk_json_get(record, "ek"), "public");
	LK_OWNED_BUF spki = LK_BUF_NONE;
	LK_OWNED_BUF pem = LK_BUF_NONE;

	return has && lk_tpm_ek_public(tpm, &spki, NULL) == LK_OK &&
	       lk_crypto_pem("PUBLIC KEY", (struct lk_bytes){ spki.data, spki.len }, &pem, NULL) ==
		       LK_OK &&
	       strcmp(has, (const char *)pem.data) == 0;
}

int lk_install_check_record(struct lk_install *in, struct lk_err *err)
{
	const char *path = in->opts->value[LK_OPT_RECORD];
	char ours[LK_DEVICE_ID_TEXT] = "", its[LK_DEVICE_ID_TEXT];
	LK_OWNED_JSON record = NULL;
	bool existed;

	LK_TRY(lk_record_load(path, &record, &existed, err));
	LK_TRY(lk_record_device(record, its, err));
	if (its[0] && in->has_root)
		LK_TRY(lk_tpm_device(in->tpm, ours, err));
	if (!its[0] || strcmp(its, ours) == 0 || is_same_ek(in->tpm, record))
		return LK_OK;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"--record %s belongs to another device (device-id %.16s...): this TPM has neither its storage root key nor its endorsement key; nothing was changed; give this device's record, or a new file, and keep that one: it has recovery keys",
		path, its);
}

int lk_install_open_record(struct lk_install *in, struct lk_json **ret, struct lk_err *err)
{
	static const char *const gone[] = { "device-id", "auths", "objects", "decommissioned-at",
					    NULL };
	const char *path = in->opts->value[LK_OPT_RECORD];
	char ours[LK_DEVICE_ID_TEXT], its[LK_DEVICE_ID_TEXT];
	LK_OWNED_JSON record = NULL;
	bool existed;

	LK_TRY(lk_record_load(path, &record, &existed, err));
	LK_TRY(lk_tpm_device(in->tpm, ours, err));
	LK_TRY(lk_record_device(record, its, err));
	if (its[0] && strcmp(its, ours) != 0) {
		(void)lk_record_retire(record, "installed-before", gone);
		lk_log(LK_LOG_WARNING,
		       "the TPM was cleared since this record was written: the device's ID is another now, and its volumes are to be sealed anew (reseal)");
	}
	/* A device that is installed again isn't gone any more. */
	lk_json_remove(record, "decommissioned-at");
	LK_TRY(lk_install_describe(in, record, err));
	*ret = record;
	record = NULL;
	return LK_OK;
}

int lk_install_add_ek(struct lk_install *in, bool *ret_added, struct lk_err *err)
{
	const char *path = in->opts->value[LK_OPT_RECORD];
	LK_OWNED_JSON record = NULL;
	bool existed;

	LK_TRY(lk_record_load(path, &record, &existed, err));
	if (lk_json_get(record, "ek"))
		return LK_OK;
	LK_TRY(lk_install_describe_ek(in, record, err));
	if (!lk_json_get(record, "ek"))
		return LK_OK;
	LK_TRY(lk_record_save(path, record, err));
	*ret_added = true;
	return LK_OK;
}
