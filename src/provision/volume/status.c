/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns status: what is installed in the TPM, and whether each volume would open. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "core/config/blob.h"
#include "core/policy/policy_digest.h"
#include "root_key.h"
#include "signed_root_key.h"
#include "sys/crypto/crypto.h"
#include "sys/format/json.h"
#include "sys/os/log.h"
#include "volume/status_refs.h"
#include "sys/tpm/tpm_config.h"

/* One document is built; the text form is written from the same values. */

static void line(const char *what, const char *value)
{
	printf("%-20s ", what);
	lk_print_shown(stdout, value);
	putchar('\n');
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

/** Whether anything says whose TPM it has to be; one that is another's is refused. */
static int proven_status(struct status *s, struct lk_err *err)
{
	struct lk_policy_file pf;
	bool has_policy = lk_policy_file_load(s->opts->value[LK_OPT_POLICY], &pf, NULL) == LK_OK;
	bool known = false;

	LK_TRY(lk_tpm_pin_ours(s->tpm, s->opts, has_policy ? &pf : NULL, &known, err));
	lk_json_set_bool(s->json, "proven", known);
	if (s->text)
		line("proven",
		     known ? "yes: it is the TPM that this device was installed with"
			   : "no: nothing here says whose TPM it has to be, so somebody on its bus may answer for it; see latchkey-device(5)");
	return LK_OK;
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
	say_bool(s, obj, "endorsement-auth-set", info.endorsement_auth_set);
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
	struct lk_name name;
	uint64_t value = 0;

	LK_TRY(lk_tpm_nv_read_public(s->tpm, index, &nv, err));
	if (lk_floor_name(index, lk_crypto_hash, &name) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (!nv.present) {
		say(s, obj, key, "missing");
	} else if (nv.name.len == name.len && memcmp(nv.name.data, name.data, name.len) == 0) {
		LK_TRY(lk_tpm_floor_read(s->tpm, index, &value, err));
		say_uint(s, obj, key, value);
	} else {
		/* Also one of ours that a power cut has left without a value. */
		say(s, obj, key, nv.attributes & LK_NV_WRITTEN ? "something else" : "unfinished");
	}
	return LK_OK;
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

/** By looks: nothing is tried that the TPM would count. */
static int root_status(struct status *s, struct lk_json *obj, struct lk_err *err)
{
	struct lk_err why = { 0 };
	bool present = false;
	int rc = lk_tpm_root_check(s->tpm, LK_ROOT_LOOK, &present, &why);
	char text[LK_ERR_MSG_MAX + 16];

	if (rc != LK_OK && rc != LK_E_REFUSED && rc != LK_E_LOCKED)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	(void)snprintf(text, sizeof(text), "not usable: %s", why.msg);
	say(s, obj, "storage-root-key", rc != LK_OK ? text : present ? "present" : "missing");
	return LK_OK;
}

static const char *policy_key_state(const struct lk_nv_public *nv)
{
	const uint32_t state = LK_NV_WRITTEN | LK_NV_WRITELOCKED;

	if (!nv->present)
		return "missing";
	if ((nv->attributes & ~state) != LK_NV_POLICY_KEY_ATTRIBUTES || nv->has_policy)
		return "something else";
	return nv->attributes & LK_NV_WRITELOCKED ? "locked" : "not locked";
}

static const char *config_key_state(const struct lk_tpm_public *pub)
{
	if (!pub->present)
		return "missing";
	if (!lk_tpm_is_config_key(pub))
		return "something else";
	return pub->key_bits ? "cipher object" : "sealed object";
}

static int object_status(struct status *s, struct lk_err *err)
{
	struct lk_json *obj = lk_json_set_object(s->json, "objects");
	struct lk_tpm_public root;
	struct lk_tpm_public config;
	struct lk_nv_public key;

	LK_TRY(lk_tpm_read_public(s->tpm, LK_HANDLE_SRK, &root, err));
	LK_TRY(lk_tpm_read_public(s->tpm, LK_HANDLE_CONFIG_KEY, &config, err));
	LK_TRY(lk_tpm_nv_read_public(s->tpm, LK_NV_POLICY_KEY, &key, err));
	LK_TRY(device_id_status(s, &root, err));
	LK_TRY(root_status(s, obj, err));
	say(s, obj, "policy-key", policy_key_state(&key));
	say(s, obj, "config-key", config_key_state(&config));
	LK_TRY(counter_status(s, obj, "version-floor", LK_NV_VERSION_FLOOR, err));
	return counter_status(s, obj, "sequence-floor", LK_NV_SEQUENCE_FLOOR, err);
}

/** @present, @sealed: the object at its handle is there, and of the right policy. */
struct volume_state {
	const struct lk_policy_file *pf;
	const struct lk_volume *vol;
	bool present;
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
	const struct lk_usable_for what = { pf, pf->version_floor ? &floor : NULL, now };
	struct usable n = { 0 };

	for (size_t i = 0; i < token->n_policies; i++) {
		enum lk_usable usable = lk_signed_policy_usable(&token->policies[i], &what);

		n.verifying += usable > LK_USABLE_NOT;
		n.above_floor += usable > LK_USABLE_RETIRED;
		n.fitting += usable == LK_USABLE;
	}
	return n;
}

/** @why: NULL: it opens */
static void say_opens(struct status *s, struct lk_json *obj, const char *why, bool pin)
{
	lk_json_set_bool(obj, "needs-pin", pin);
	lk_json_set_bool(obj, "opens-now", !why);
	if (why)
		lk_json_set_text(obj, "why-not", why);
	if (!s->text)
		return;
	if (why)
		printf("%-20s no: %s\n", "opens-now", why);
	else
		line("opens-now", pin ? "yes, with its PIN" : "yes");
}

/** NULL where there is no reason. In lockout the TPM takes no PIN, but unseals
 * what has none. */
static const char *why_not(const struct status *s, const struct volume_state *v,
			   const struct usable *n)
{
	if (!v->present)
		return "the TPM has no sealed object at the volume's handle";
	if (!v->sealed)
		return "what is sealed at the volume's handle is for another policy key or policy-ref";
	if (!n->verifying)
		return "the volume has no signed policy that belongs to the policy file";
	if (!n->above_floor)
		return "all its signed policies are under the TPM's version floor";
	if (!n->fitting)
		return "no signed policy is for the PCR values of now";
	if (v->vol->pin && s->in_lockout)
		return "the TPM is in dictionary-attack lockout, and takes no PIN";
	return NULL;
}

/** The PCRs and the floor as they are now; the message says why they can't be had. */
static int read_now(const struct status *s, const struct lk_policy_file *pf,
		    struct lk_pcr_values *now, uint64_t *floor, struct lk_err *err)
{
	LK_TRY(lk_tpm_pcr_read(s->tpm, &pf->pcrs, now, err));
	*floor = 0;
	if (!pf->version_floor || lk_tpm_floor_read(s->tpm, pf->version_floor, floor, err) == LK_OK)
		return LK_OK;
	lk_err_prefix(err, "the policy file's version-floor 0x%08x", pf->version_floor);
	return err->rc;
}

static void token_status(struct status *s, struct lk_json *obj, const struct volume_state *v,
			 struct lk_volume_header *h)
{
	const struct lk_policy_file *pf = v->pf;
	struct usable n;
	LK_OWNED_TOKEN token = LK_TOKEN_NONE;
	struct lk_pcr_values now;
	struct lk_err why = { 0 };
	char shared[LK_PCR_SHARED_TEXT];
	const char *words = "";
	const char *closed;
	bool known_root;
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
		say_opens(s, obj, "its header has no token of the volume's handle", v->vol->pin);
		return;
	}
	known_root = lk_volume_root_key(s->tpm, pf, v->vol, &token, &words, &why) == LK_OK;
	say(s, obj, "root-key", known_root ? words : why.msg);
	lk_pcr_shared_text(pf->pcrs.mask & ~(pf->latch == LK_NO_PCR ? 0 : 1u << pf->latch), shared);
	say_uint(s, obj, "policies", token.n_policies);
	say(s, obj, "policies-are", shared);
	if (read_now(s, pf, &now, &floor, &why) != LK_OK) {
		say_opens(s, obj, why.msg, v->vol->pin);
		return;
	}
	n = count_usable(pf, &token, &now, floor);
	say_uint(s, obj, "policies-verifying", n.verifying);
	say_uint(s, obj, "policies-above-floor", n.above_floor);
	say_uint(s, obj, "policies-fitting-now", n.fitting);
	closed = why_not(s, v, &n);
	say_opens(s, obj, closed || known_root ? closed : why.msg, v->vol->pin);
}

static int volume_status(struct status *s, struct lk_json *array, const struct lk_policy_file *pf,
			 const struct lk_volume *vol, struct lk_err *err)
{
	const char *device = s->opts->value[LK_OPT_DEVICE];
	struct volume_state v = { pf, vol, false, false };
	struct lk_json *obj = lk_json_add_object(array);
	LK_OWNED_VOLUME_HEADER h = NULL;
	char path[LK_DEVICE_PATH_MAX];
	struct lk_tpm_public sealed;
	struct lk_digest policy;
	struct lk_err why = { 0 };
	int rc = lk_tpm_read_public(s->tpm, vol->handle, &sealed, err);

	if (rc == LK_OK)
		rc = lk_volume_auth_policy(pf, vol, &policy, err);
	if (rc != LK_OK)
		return rc;
	v.present = sealed.present;
	v.sealed = sealed.present && lk_digest_equal(&sealed.auth_policy, &policy);
	if (s->text)
		putchar('\n');
	say(s, obj, "name", vol->name);
	say(s, obj, "sealed-object",
	    !sealed.present ? "missing"
	    : v.sealed	    ? "present"
			    : "of another policy");
	if (lk_fs_wait_device(device ? device : vol->device, 0, path, &why)) {
		say(s, obj, "device", why.code ? "can't be looked for" : "missing");
		say_opens(s, obj, why.msg, vol->pin);
		lk_refs_collect(&s->refs, pf, NULL);
		return LK_OK;
	}
	say(s, obj, "device", path);
	if (lk_volume_header_open(path, &h, &why) == LK_OK) {
		token_status(s, obj, &v, h);
		lk_refs_collect(&s->refs, pf, h);
		return LK_OK;
	}
	say(s, obj, "state", why.rc == LK_E_HEADER ? "no LUKS2 header" : "can't be read");
	say_opens(s, obj, why.msg, vol->pin);
	lk_refs_collect(&s->refs, pf, NULL);
	return LK_OK;
}

/** Where there is no policy file the TPM's part alone is shown. */
static int volumes_status(struct status *s, struct lk_err *err)
{
	const char *only = s->opts->value[LK_OPT_VOLUME];
	struct lk_policy_file pf;
	struct lk_json *array;
	int rc = lk_policy_file_load(s->opts->value[LK_OPT_POLICY], &pf, err);

	if (rc != LK_OK && !lk_option_given(s->opts, LK_OPT_POLICY) &&
	    access(s->opts->value[LK_OPT_POLICY], F_OK) != 0 && errno == ENOENT)
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

static int run_status(const struct lk_options *opts, struct lk_err *err)
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
		rc = proven_status(&s, err);
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
	.cli.words = "status",
	.cli.summary = "show what is installed, and whether each volume would open",
	.cli.operands = "",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY) |
		   LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) | LK_OPT_BIT(JSON),
	.run = run_status,
};
