/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns status: what is installed in the TPM, and whether each volume would open. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "core/config/blob.h"
#include "sys/crypto/crypto.h"
#include "sys/format/json.h"
#include "volume/status_refs.h"

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
	bool in_lockout;
	struct lk_refs refs;
};

static void say(struct status *s, struct lk_json *obj, const char *key, const char *value)
{
	lk_json_set_text(obj, key, value);
	if (s->text)
		line(key, value);
}

static void say_bool(struct status *s, struct lk_json *obj, const char *key, bool value)
{
	lk_json_set_bool(obj, key, value);
	if (s->text)
		line(key, value ? "yes" : "no");
}

static void say_uint(struct status *s, struct lk_json *obj, const char *key, uint64_t value)
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
	s->in_lockout = info.in_lockout || info.failures >= info.max_tries;
	say(s, obj, "vendor", info.vendor);
	say_bool(s, obj, "owner-auth-set", info.owner_auth_set);
	say_bool(s, obj, "lockout-auth-set", info.lockout_auth_set);
	say_bool(s, obj, "in-lockout", info.in_lockout);
	say_uint(s, obj, "failed-tries", info.failures);
	say_uint(s, obj, "max-tries", info.max_tries);
	say_uint(s, obj, "recovery-time", info.recovery_time);
	return LK_OK;
}

static int counter_status(struct status *s, struct lk_json *obj, const char *key, uint32_t index,
			  struct lk_err *err)
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
static int device_id_status(struct status *s, const struct lk_tpm_public *root, struct lk_err *err)
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
		rc = lk_tpm_read_public(s->tpm, LK_HANDLE_CONFIG_KEY, &config, err);
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
		rc = counter_status(s, obj, "sequence-floor", LK_NV_SEQUENCE_FLOOR, err);
	return rc;
}

/** @sealed: the object at its handle is there, of the right policy. */
struct volume_state {
	const struct lk_policy_file *pf;
	const struct lk_volume *vol;
	bool sealed;
};

/** Of a token's policies: how many verify for this policy file, how many of these
 * the TPM's floor lets by, and how many of these fit the PCRs of now. */
struct usable {
	unsigned int verifying;
	unsigned int above_floor;
	unsigned int fitting;
};

static struct usable count_usable(const struct lk_policy_file *pf, const struct lk_token *token,
				  const struct lk_pcr_values *now, uint64_t floor)
{
	struct usable n = { 0 };

	for (size_t i = 0; i < token->n_policies; i++) {
		const struct lk_signed_policy *sp = &token->policies[i];

		if (lk_signed_policy_verify(sp, pf, NULL) != LK_OK)
			continue;
		n.verifying++;
		if (pf->version_floor && sp->version < floor)
			continue;
		n.above_floor++;
		n.fitting += lk_pcr_differing(&sp->pcrs, now, pf->pcrs.mask) == 0;
	}
	return n;
}

/** In lockout the TPM takes no PIN, but unseals what has none. */
static void say_opens(struct status *s, struct lk_json *obj, bool fits, bool pin)
{
	bool locked = pin && s->in_lockout;

	lk_json_set_bool(obj, "needs-pin", pin);
	lk_json_set_bool(obj, "opens-now", fits && !locked);
	if (!s->text)
		return;
	line("opens-now", !fits	   ? "no"
			  : locked ? "no: the TPM is in dictionary-attack lockout, and takes no PIN"
			  : pin	   ? "yes, with its PIN"
				   : "yes");
}

static void token_status(struct status *s, struct lk_json *obj, const struct volume_state *v,
			 struct lk_volume_header *h)
{
	const struct lk_policy_file *pf = v->pf;
	struct usable n;
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	struct lk_pcr_values now;
	struct lk_err why = { 0 };
	uint64_t floor = 0;

	say(s, obj, "uuid", lk_volume_header_uuid(h));
	say(s, obj, "state",
	    strcmp(lk_volume_header_subsystem(h), LK_MARK_FORMAT) == 0 ? "unfinished"
								       : "formatted");
	say_uint(s, obj, "keyslots", lk_volume_header_count_keyslots(h));
	if (lk_token_load(h, v->vol->handle, &token, &why) != LK_OK) {
		say(s, obj, "token",
		    lk_volume_header_next_token(h, -1) < 0 ? "missing"
							   : "not readable, or of another handle");
		say(s, obj, "remedy", why.msg);
		return;
	}
	say_uint(s, obj, "policies", token.n_policies);
	if (lk_tpm_pcr_read(s->tpm, &pf->pcrs, &now, NULL) != LK_OK ||
	    (pf->version_floor &&
	     lk_tpm_counter_read(s->tpm, pf->version_floor, &floor, NULL) != LK_OK))
		return;
	n = count_usable(pf, &token, &now, floor);
	say_uint(s, obj, "policies-verifying", n.verifying);
	say_uint(s, obj, "policies-above-floor", n.above_floor);
	say_uint(s, obj, "policies-fitting-now", n.fitting);
	say_opens(s, obj, v->sealed && n.fitting > 0, v->vol->pin);
}

static int volume_status(struct status *s, struct lk_json *array, const struct lk_policy_file *pf,
			 const struct lk_volume *vol, struct lk_err *err)
{
	const char *device = s->opts->value[LK_OPT_DEVICE];
	struct volume_state v = { pf, vol, false };
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
	v.sealed = sealed.present && lk_digest_equal(&sealed.auth_policy, &policy);
	if (s->text)
		putchar('\n');
	say(s, obj, "name", vol->name);
	say(s, obj, "sealed-object",
	    !sealed.present ? "missing"
	    : v.sealed	    ? "present"
			    : "of another policy");
	if (lk_fs_wait_device(device ? device : vol->device, 0, path, NULL)) {
		say(s, obj, "device", "missing");
		lk_refs_collect(&s->refs, pf, NULL);
		return LK_OK;
	}
	say(s, obj, "device", path);
	if (lk_volume_header_open(path, &h, NULL) == LK_OK)
		token_status(s, obj, &v, h);
	else
		say(s, obj, "state", "no LUKS2 header");
	lk_refs_collect(&s->refs, pf, h);
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
		rc = lk_err_set(err, LK_E_INPUT, 0, "%s: the policy file has no volume \"%s\"",
				s->opts->value[LK_OPT_POLICY], only);
	if (rc != LK_OK)
		return rc;
	array = lk_json_set_array(s->json, "volumes");
	for (size_t i = 0; rc == LK_OK && i < pf.n_volumes; i++)
		if (!only || strcmp(only, pf.volumes[i].name) == 0)
			rc = volume_status(s, array, &pf, &pf.volumes[i], err);
	lk_refs_say(&s->refs, s->json, s->text);
	return rc;
}

static int run(const struct lk_options *opts, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_TPM tpm = NULL;
	struct status s = { .opts = opts,
			    .json = json,
			    .text = !lk_option_given(opts, LK_OPT_JSON) };
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
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(POLICY) | LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) |
		   LK_OPT_BIT(JSON),
	.run = run,
};
