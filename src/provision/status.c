/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns status: what is installed in the TPM, and whether each volume would open. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "core/blob.h"
#include "sys/crypto.h"
#include "sys/json.h"

/* One document is built; the text form is written from the same values. */

static void line(const char *what, const char *value)
{
	printf("%-20s %s\n", what, value);
}

struct status {
	const struct lk_options *opts;
	struct lk_tpm *tpm;
	struct lk_json *json;
	bool text;
};

static void say(struct status *s, struct lk_json *obj, const char *key,
		const char *value)
{
	lk_json_set_text(obj, key, value);
	if (s->text)
		line(key, value);
}

static void say_bool(struct status *s, struct lk_json *obj, const char *key,
		     bool value)
{
	lk_json_set_bool(obj, key, value);
	if (s->text)
		line(key, value ? "yes" : "no");
}

static void say_uint(struct status *s, struct lk_json *obj, const char *key,
		     uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	lk_json_set_uint(obj, key, value);
	if (s->text)
		line(key, text);
}

static int tpm_status(struct status *s, struct lk_err *err)
{
	struct lk_json *obj = lk_json_set_object(s->json, "tpm");
	struct lk_tpm_info info;
	int rc = lk_tpm_info_read(s->tpm, &info, err);

	if (rc != LK_OK)
		return rc;
	say(s, obj, "vendor", info.vendor);
	say_bool(s, obj, "owner-auth-set", info.owner_auth_set);
	say_bool(s, obj, "lockout-auth-set", info.lockout_auth_set);
	say_bool(s, obj, "in-lockout", info.in_lockout);
	say_uint(s, obj, "failed-tries", info.failures);
	say_uint(s, obj, "max-tries", info.max_tries);
	say_uint(s, obj, "recovery-time", info.recovery_time);
	return LK_OK;
}

static int counter_status(struct status *s, struct lk_json *obj,
			  const char *key, uint32_t index, struct lk_err *err)
{
	struct lk_nv_public nv;
	uint64_t value = 0;
	int rc = lk_tpm_nv_read_public(s->tpm, index, &nv, err);

	if (rc != LK_OK)
		return rc;
	if (!nv.present || !(nv.attributes & LK_NV_WRITTEN)) {
		say(s, obj, key, "missing");
		return LK_OK;
	}
	rc = lk_tpm_counter_read(s->tpm, index, &value, err);
	if (rc == LK_OK)
		say_uint(s, obj, key, value);
	return rc;
}

/** What configuration for this one device is made out to. */
static int device_id_status(struct status *s, const struct lk_tpm_public *root,
			    struct lk_err *err)
{
	char text[2 * LK_BLOB_ID_SIZE + 1];
	uint8_t id[LK_BLOB_ID_SIZE];
	int rc;

	if (!root->present) {
		say(s, s->json, "device-id", "missing");
		return LK_OK;
	}
	rc = lk_device_id(&root->name, lk_crypto_hash, id, err);
	if (rc != LK_OK)
		return rc;
	lk_hex_encode(id, sizeof(id), text);
	say(s, s->json, "device-id", text);
	return LK_OK;
}

static int object_status(struct status *s, struct lk_err *err)
{
	struct lk_json *obj = lk_json_set_object(s->json, "objects");
	struct lk_tpm_public root;
	struct lk_tpm_public config;
	struct lk_nv_public key;
	int rc = lk_tpm_read_public(s->tpm, LK_HANDLE_SRK, &root, err);

	if (rc == LK_OK)
		rc = lk_tpm_read_public(s->tpm, LK_HANDLE_CONFIG_KEY, &config,
					err);
	if (rc == LK_OK)
		rc = lk_tpm_nv_read_public(s->tpm, LK_NV_POLICY_KEY, &key, err);
	if (rc != LK_OK)
		return rc;
	rc = device_id_status(s, &root, err);
	if (rc != LK_OK)
		return rc;
	say(s, obj, "storage-root-key", root.present ? "present" : "missing");
	say(s, obj, "policy-key",
	    !key.present			    ? "missing"
	    : !(key.attributes & LK_NV_WRITELOCKED) ? "not locked"
						    : "locked");
	say(s, obj, "config-key",
	    !config.present   ? "missing"
	    : config.key_bits ? "cipher object"
			      : "sealed object");
	rc = counter_status(s, obj, "version-floor", LK_NV_VERSION_FLOOR, err);
	if (rc == LK_OK)
		rc = counter_status(s, obj, "sequence-floor",
				    LK_NV_SEQUENCE_FLOOR, err);
	return rc;
}

/** How many verify, are above the floor and fit the PCRs of now. */
static unsigned int count_fitting(const struct lk_policy_file *pf,
				  const struct lk_token *token,
				  const struct lk_pcr_values *now,
				  uint64_t floor)
{
	unsigned int fitting = 0;

	for (size_t i = 0; i < token->n_policies; i++) {
		const struct lk_signed_policy *sp = &token->policies[i];

		fitting += lk_signed_policy_verify(sp, pf, NULL) == LK_OK &&
			   (!pf->version_floor || sp->version >= floor) &&
			   lk_pcr_differing(&sp->pcrs, now, pf->pcrs.mask) == 0;
	}
	return fitting;
}

/** @sealed: the object at the volume's handle is there, of the right policy. */
static void token_status(struct status *s, struct lk_json *obj,
			 const struct lk_policy_file *pf,
			 struct lk_volume_header *h, bool sealed)
{
	unsigned int fitting;
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	struct lk_pcr_values now;
	uint64_t floor = 0;

	say(s, obj, "uuid", lk_volume_header_uuid(h));
	say(s, obj, "state",
	    strcmp(lk_volume_header_subsystem(h), LK_MARK_FORMAT) == 0
		    ? "unfinished"
		    : "formatted");
	say_uint(s, obj, "keyslots", lk_volume_header_count_keyslots(h));
	if (lk_token_load(h, &token, NULL) != LK_OK) {
		say(s, obj, "token", "missing");
		return;
	}
	say_uint(s, obj, "policies", token.n_policies);
	if (lk_tpm_pcr_read(s->tpm, &pf->pcrs, &now, NULL) != LK_OK ||
	    (pf->version_floor && lk_tpm_counter_read(s->tpm, pf->version_floor,
						      &floor, NULL) != LK_OK))
		return;
	fitting = count_fitting(pf, &token, &now, floor);
	say_uint(s, obj, "policies-fitting-now", fitting);
	say_bool(s, obj, "opens-now", sealed && fitting > 0);
}

static int volume_status(struct status *s, struct lk_json *array,
			 const struct lk_policy_file *pf,
			 const struct lk_volume *vol, struct lk_err *err)
{
	const char *device = s->opts->value[LK_OPT_DEVICE];
	struct lk_json *obj = lk_json_add_object(array);
	LK_OWNED_VOLUME_HEADER h = NULL;
	char path[LK_DEVICE_PATH_MAX];
	struct lk_tpm_public sealed;
	struct lk_digest policy;
	int rc = lk_tpm_read_public(s->tpm, vol->handle, &sealed, err);

	if (rc == LK_OK)
		rc = lk_volume_auth_policy(pf, vol, &policy, err);
	if (rc != LK_OK)
		return rc;
	if (s->text)
		putchar('\n');
	say(s, obj, "name", vol->name);
	say(s, obj, "sealed-object",
	    !sealed.present ? "missing"
	    : lk_digest_equal(&sealed.auth_policy, &policy)
		    ? "present"
		    : "of another policy");
	if (lk_fs_wait_device(device ? device : vol->device, 0, path, NULL)) {
		say(s, obj, "device", "missing");
		return LK_OK;
	}
	say(s, obj, "device", path);
	if (lk_volume_header_open(path, &h, NULL) == LK_OK)
		token_status(s, obj, pf, h,
			     sealed.present &&
				     lk_digest_equal(&sealed.auth_policy,
						     &policy));
	else
		say(s, obj, "state", "no LUKS2 header");
	return LK_OK;
}

/** Without a policy file the TPM's part alone is shown. */
static int volumes_status(struct status *s, struct lk_err *err)
{
	const char *only = s->opts->value[LK_OPT_VOLUME];
	struct lk_policy_file pf;
	struct lk_json *array;
	int rc = lk_policy_file_load(s->opts->value[LK_OPT_POLICY], &pf, err);

	if (rc != LK_OK && !lk_option_given(s->opts, LK_OPT_POLICY))
		return LK_OK;
	if (rc == LK_OK && only && !lk_policy_file_volume(&pf, only))
		rc = lk_err_set(err, LK_E_INPUT, 0,
				"the policy file has no volume \"%s\"", only);
	if (rc != LK_OK)
		return rc;
	array = lk_json_set_array(s->json, "volumes");
	for (size_t i = 0; rc == LK_OK && i < pf.n_volumes; i++)
		if (!only || strcmp(only, pf.volumes[i].name) == 0)
			rc = volume_status(s, array, &pf, &pf.volumes[i], err);
	return rc;
}

static int run(const struct lk_options *opts, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_TPM tpm = NULL;
	struct status s = { opts, NULL, json,
			    !lk_option_given(opts, LK_OPT_JSON) };
	int rc;

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	rc = lk_tpm_open_option(opts, &tpm, err);
	s.tpm = tpm;
	if (rc == LK_OK)
		rc = tpm_status(&s, err);
	if (rc == LK_OK)
		rc = object_status(&s, err);
	if (rc == LK_OK)
		rc = volumes_status(&s, err);
	if (rc == LK_OK && !s.text)
		rc = lk_json_write(json, &text, err);
	if (rc == LK_OK && !s.text)
		fwrite(text.data, 1, text.len, stdout);
	return rc;
}

const struct lk_command lk_cmd_status = {
	.name = "status",
	.summary = "show what is installed, and whether each volume would open",
	.args = "",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(POLICY) | LK_OPT_BIT(VOLUME) |
		   LK_OPT_BIT(DEVICE) | LK_OPT_BIT(JSON),
	.run = run,
};
