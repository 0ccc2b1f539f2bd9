/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reseal: a new passphrase and sealed object, for a new TPM, policy key or PCR selection. */
#include <stdio.h>
#include <inttypes.h>
#include <string.h>

#include "install/record.h"
#include "root_key.h"
#include "signed_root_key.h"
#include "volume/policies.h"
#include "volume/reseal_check.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_config.h"

/* The recovery key opens the volume at every moment. The old keyslot goes
 * last; the numbers of both are in the header's mark from before the new one
 * is made, so that a run after a power cut removes what this one has left.
 * Where the policy file names another handle than those that there are tokens
 * for, there is no old one: what is there stays, and opens as before. */

struct reseal {
	const struct lk_options *opts;
	struct lk_target target;
	struct lk_tpm *tpm;
	struct lk_volume_header *header;
	struct lk_token token; /* as it is written: the old, then the new */
	struct lk_secret recovery;
	struct lk_secret volume_key;
	struct lk_secret passphrase;
	struct lk_secret pin;
	struct lk_name object;
	int old_keyslot; /* -1: none known */
	int keyslot;
};

static void reseal_done(struct reseal *r)
{
	lk_volume_header_free(r->header);
	lk_token_done(&r->token);
	lk_secret_done(&r->recovery);
	lk_secret_done(&r->volume_key);
	lk_secret_done(&r->passphrase);
	lk_secret_done(&r->pin);
	lk_tpm_free(r->tpm);
}

static struct lk_bytes recovery_key(const struct reseal *r)
{
	return (struct lk_bytes){ r->recovery.data, r->recovery.len };
}

static int open_volume(struct reseal *r, struct lk_err *err)
{
	const char *path = r->opts->value[LK_OPT_RECOVERY_KEY_FILE];
	int rc;

	if (!path)
		return lk_err_set(err, LK_E_USAGE, 0, "--recovery-key-file is needed");
	rc = lk_recovery_key_read(path, &r->recovery, err);
	if (rc == LK_OK)
		rc = lk_volume_header_open(r->target.device, &r->header, err);
	if (rc == LK_OK && strcmp(lk_volume_header_subsystem(r->header), LK_MARK_FORMAT) == 0)
		rc = lk_err_set(err, LK_E_HEADER, 0, "the volume isn't finished: run format again");
	if (rc == LK_OK && strncmp(lk_volume_header_subsystem(r->header), LK_MARK_RENEW,
				   strlen(LK_MARK_RENEW)) == 0)
		rc = lk_err_set(
			err, LK_E_REFUSED, 0,
			"a change of this volume's recovery key was cut short: run \"latchkey-provision recovery-key renew\" again first; nothing was changed");
	if (rc == LK_OK)
		rc = lk_volume_header_key(r->header, -1, recovery_key(r), &r->volume_key, err);
	if (rc == LK_E_VOLUME)
		lk_err_prefix(err, "--recovery-key-file %s", path);
	return rc;
}

static int names_keyslot(const struct lk_token *token, void *data, struct lk_err *err)
{
	(void)err;
	return token->keyslot == *(const int *)data ? LK_E_REFUSED : LK_OK;
}

/** The number comes from a disk: it must not be the recovery key's, nor that of
 * what is sealed at another handle. */
static int kill_keyslot(struct reseal *r, int keyslot, struct lk_err *err)
{
	LK_OWNED_SECRET key = LK_SECRET_NONE;

	if (keyslot < 0 || lk_token_each(r->header, names_keyslot, &keyslot, NULL) != LK_OK ||
	    lk_volume_header_key(r->header, keyslot, recovery_key(r), &key, NULL) == LK_OK)
		return LK_OK;
	return lk_volume_header_kill_keyslot(r->header, keyslot, err);
}

/** Whether the token names @object by its Name, and so its keyslot is that object's. */
static bool token_is_of(const struct lk_token *token, const struct lk_tpm_object *object)
{
	const struct lk_hints *hints = &token->hints;

	return object->serialized_len > 0 && object->serialized_len == hints->sealed_len &&
	       memcmp(object->serialized, hints->sealed, hints->sealed_len) == 0;
}

/**
 * What the TPM has now, at the volume's handle or, where an interrupted run has left it there alone,
 * at the spare one, opens the token's keyslot if the token names it, else the keyslot that that run
 * has made. The token is put right, so that nothing names a keyslot that has no use any more.
 */
static int find_keyslot_in_use(struct reseal *r, int new, struct lk_err *err)
{
	uint32_t handle = r->target.vol->handle;
	struct lk_tpm_object object = { 0 };
	struct lk_tpm_public pub;

	LK_TRY(lk_tpm_read_public(r->tpm, handle, &pub, err));
	if (!pub.present) {
		handle = lk_token_spare_handle(handle);
		LK_TRY(lk_tpm_read_public(r->tpm, handle, &pub, err));
	}
	if (!pub.present || r->token.keyslot < 0 || r->token.hints.sealed_len == 0)
		return LK_OK;
	LK_TRY(lk_tpm_serialize(r->tpm, handle, &object, err));
	if (token_is_of(&r->token, &object))
		return LK_OK;
	r->old_keyslot = new;
	r->token.keyslot = new;
	r->token.hints.sealed_len = object.serialized_len;
	memcpy(r->token.hints.sealed, object.serialized, object.serialized_len);
	return lk_token_store(r->header, &r->token, err);
}

/** The token may be missing or damaged: the recovery key is what counts. */
static int clean_up(struct reseal *r, struct lk_err *err)
{
	const char *mark = lk_volume_header_subsystem(r->header);
	uint32_t handle = 0;
	int old = -1;
	int new = -1;
	int rc = LK_OK;

	r->old_keyslot = -1;
	if (lk_token_load(r->header, r->target.vol->handle, &r->token, NULL) == LK_OK)
		r->old_keyslot = r->token.keyslot;
	if (sscanf(mark, LK_MARK_RESEAL "%d/%d@%" SCNx32, &new, &old, &handle) < 2)
		return LK_OK;
	if (handle == r->target.vol->handle)
		LK_TRY(find_keyslot_in_use(r, new, err));
	if (new != r->old_keyslot)
		rc = kill_keyslot(r, new, err);
	if (rc == LK_OK && r->old_keyslot >= 0 && old != r->old_keyslot)
		rc = kill_keyslot(r, old, err);
	return rc;
}

/** Policies that the new policy file doesn't accept have no use any more. */
static void keep_policies(struct reseal *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->token.n_policies; i++)
		if (lk_signed_policy_verify(&r->token.policies[i], &r->target.pf, NULL) == LK_OK)
			r->token.policies[kept++] = r->token.policies[i];
	r->token.n_policies = kept;
}

/** So it is with a signed root key, and one of the TPM before. */
static void keep_root_key(struct reseal *r)
{
	struct lk_signed_root_key *sr = &r->token.root_key;
	struct lk_name name;

	if (!sr->signature_len ||
	    (lk_signed_root_key_verify(sr, &r->target.pf, NULL) == LK_OK &&
	     lk_tpm_root_name(r->tpm, &name, NULL) == LK_OK && lk_name_equal(&name, &sr->root)))
		return;
	*sr = (struct lk_signed_root_key){ 0 };
	lk_log(LK_LOG_WARNING,
	       "volume %s: its signed root key isn't for this TPM and policy file, and is gone: add another (policy add)",
	       r->target.vol->name);
}

static int add_keyslot(struct reseal *r, struct lk_err *err)
{
	char mark[sizeof(LK_MARK_RESEAL) + 34];
	int rc = lk_tpm_random(r->tpm, &r->passphrase, LK_PASSPHRASE_SIZE, err);

	r->keyslot = lk_volume_header_free_keyslot(r->header);
	if (rc == LK_OK && r->keyslot < 0)
		rc = lk_err_set(err, LK_E_REFUSED, 0, "no keyslot is free");
	if (rc != LK_OK)
		return rc;
	snprintf(mark, sizeof(mark), LK_MARK_RESEAL "%d/%d@%08x", r->keyslot, r->old_keyslot,
		 r->target.vol->handle);
	rc = lk_volume_header_mark(r->header, NULL, mark, err);
	if (rc != LK_OK)
		return rc;
	return lk_volume_header_add_keyslot(r->header, &r->volume_key, r->keyslot,
					    (struct lk_bytes){ r->passphrase.data,
							       r->passphrase.len },
					    err);
}

/* What the new token's hints will take, at least: more than any TPM's handle that was seen. */
#define SEALED_HINT 256u

/**
 * All that is done to the header, on a copy of it in memory: keyslots, their
 * areas, token slots and the JSON area may have no room for it.
 */
static int rehearse(struct reseal *r, struct lk_err *err)
{
	LK_OWNED_VOLUME_HEADER copy = NULL;
	LK_OWNED_FD fd = -1;
	struct lk_volume_header *disk = r->header;
	struct lk_hints *hints = &r->token.hints;
	int rc;

	LK_TRY(lk_volume_header_copy(r->target.device, &fd, &copy, err));
	r->header = copy;
	rc = clean_up(r, err);
	if (rc == LK_OK)
		rc = add_keyslot(r, err);
	keep_policies(r);
	r->token.keyslot = r->keyslot;
	r->token.handle = r->target.vol->handle;
	if (hints->root_key_len < SEALED_HINT)
		hints->root_key_len = SEALED_HINT;
	if (hints->sealed_len < SEALED_HINT)
		hints->sealed_len = SEALED_HINT;
	if (rc == LK_OK)
		rc = lk_token_store(copy, &r->token, err);
	r->header = disk;
	lk_token_done(&r->token);
	r->token = LK_TOKEN_NONE;
	lk_secret_done(&r->passphrase);
	if (rc != LK_E_IO && rc != LK_E_REFUSED)
		return rc;
	lk_err_prefix(err, "nothing was changed, since the header can't take it");
	return LK_E_REFUSED;
}

/** Two objects can't be at one handle: the new one lies at the spare handle while the old one goes. */
static int swap_objects(struct reseal *r, const struct lk_tpm_new_object *obj, struct lk_err *err)
{
	const uint32_t handle = r->target.vol->handle;
	const uint32_t spare = lk_token_spare_handle(handle);
	struct lk_tpm_public at;
	int rc = lk_tpm_read_public(r->tpm, handle, &at, err);

	if (rc == LK_OK && at.present) {
		rc = lk_tpm_evict(r->tpm, spare, err);
		if (rc == LK_OK)
			rc = lk_tpm_persist(r->tpm, obj, spare, err);
		if (rc == LK_OK)
			rc = lk_tpm_evict(r->tpm, handle, err);
	}
	if (rc == LK_OK)
		rc = lk_tpm_persist(r->tpm, obj, handle, err);
	return rc;
}

static int replace_object(struct reseal *r, struct lk_err *err)
{
	const struct lk_seal_request req = { r->tpm, &r->target, &r->passphrase, &r->volume_key,
					     &r->pin };
	LK_OWNED_NEW_OBJECT obj = { 0 };
	int rc = lk_seal_volume(&req, &obj, err);

	if (rc == LK_OK)
		rc = swap_objects(r, &obj, err);
	if (rc == LK_OK)
		r->object = obj.name;
	return rc;
}

/** A record without a recovery key gets the one that opened the volume. */
static int record_volume(struct reseal *r, struct lk_err *err)
{
	const char *path = r->opts->value[LK_OPT_RECORD];
	const char *recipient = r->opts->value[LK_OPT_RECIPIENT];
	const struct lk_record_volume vol = {
		.target = &r->target,
		.uuid = lk_volume_header_uuid(r->header),
		.object = r->object,
	};
	LK_OWNED_JSON record = NULL;
	struct lk_json *entry;

	if (!path)
		return LK_OK;
	LK_TRY(lk_record_of_tpm(path, r->tpm, &record, err));
	entry = lk_record_volume_entry(record, &vol, err);
	if (!entry)
		return LK_E_SYSTEM;
	if (recipient && !lk_json_has(entry, "recovery-key"))
		LK_TRY(lk_record_set_secret(entry, "recovery-key", recipient, &r->recovery, err));
	return lk_record_save(path, record, err);
}

static int check_record(struct reseal *r, struct lk_err *err)
{
	const char *path = r->opts->value[LK_OPT_RECORD];
	LK_OWNED_JSON record = NULL;
	const struct lk_json *entry;

	if (!path)
		return LK_OK;
	LK_TRY(lk_record_check(r->opts, r->tpm, err));
	LK_TRY(lk_record_of_tpm(path, r->tpm, &record, err));
	entry = lk_record_find_volume(record, lk_volume_header_uuid(r->header));
	if (r->opts->value[LK_OPT_RECIPIENT] || lk_json_has(entry, "recovery-key"))
		return LK_OK;
	return lk_err_set(
		err, LK_E_USAGE, 0,
		"--record %s has no recovery key of this volume: give --recipient too, and it gets the one of --recovery-key-file; nothing was changed",
		path);
}

static int finish_reseal(struct reseal *r, struct lk_err *err)
{
	const struct lk_volume_proof proof = {
		.device = r->target.device,
		.keyslot = r->keyslot,
		.passphrase = &r->passphrase,
		.volume_key = &r->volume_key,
		.handle = r->target.vol->handle,
		.object = &r->object,
	};
	int rc;

	keep_policies(r);
	keep_root_key(r);
	r->token.keyslot = r->keyslot;
	rc = lk_token_set_handles(r->tpm, r->target.vol->handle, &r->token, err);
	if (rc == LK_OK)
		rc = lk_token_store(r->header, &r->token, err);
	if (rc == LK_OK)
		rc = lk_volume_prove(r->tpm, &proof, err);
	/* Before the mark is taken off, so that a run after a power cut does it again. */
	if (rc == LK_OK)
		rc = record_volume(r, err);
	if (rc == LK_OK)
		rc = lk_tpm_evict(r->tpm, lk_token_spare_handle(r->target.vol->handle), err);
	if (rc == LK_OK)
		rc = kill_keyslot(r, r->old_keyslot, err);
	if (rc == LK_OK)
		rc = lk_volume_header_mark(r->header, NULL, LK_MARK_DONE, err);
	return rc;
}

static int reseal(struct reseal *r, struct lk_err *err)
{
	int rc = lk_target_load(r->opts, &r->target, err);

	if (rc == LK_OK)
		rc = lk_check_policy_ref(r->opts, &r->target.pf, err);
	if (rc == LK_OK)
		rc = open_volume(r, err);
	if (rc == LK_OK)
		rc = lk_tpm_open_ours(r->opts, &r->target.pf, &r->tpm, err);
	if (rc == LK_OK)
		rc = lk_use_owner_auth(r->tpm, r->opts, err);
	if (rc == LK_OK)
		rc = lk_check_tpm(r->tpm, &r->target.pf, err);
	if (rc == LK_OK)
		rc = lk_reseal_check(r->tpm, r->header, &r->target,
				     lk_option_given(r->opts, LK_OPT_REPLACE_OBJECT), err);
	if (rc == LK_OK)
		rc = check_record(r, err);
	if (rc == LK_OK)
		rc = lk_volume_pin(r->opts, &r->target, &r->pin, err);
	if (rc == LK_OK)
		rc = rehearse(r, err);
	if (rc == LK_OK)
		rc = clean_up(r, err);
	if (rc == LK_OK)
		rc = add_keyslot(r, err);
	if (rc == LK_OK)
		rc = replace_object(r, err);
	if (rc == LK_OK)
		rc = finish_reseal(r, err);
	return rc;
}

/** How many the TPM takes: after a clear its floor may begin above all of them. */
static void tell_policies(struct reseal *r)
{
	const char *name = r->target.vol->name;
	struct lk_floor floor = { false, 0 };
	struct lk_err why = { 0 };
	size_t under = 0;

	if (lk_floor_load(r->tpm, &r->target.pf, &floor, &why) != LK_OK) {
		lk_log(LK_LOG_INFO,
		       "volume %s is sealed anew; it keeps %zu signed policies, which aren't compared with the TPM: %s",
		       name, r->token.n_policies, why.msg);
		return;
	}
	for (size_t i = 0; floor.known && i < r->token.n_policies; i++)
		under += r->token.policies[i].version < floor.value;
	lk_log(LK_LOG_INFO, "volume %s is sealed anew; %zu of its signed policies are still good%s",
	       name, r->token.n_policies - under,
	       r->token.n_policies > under ? "" : ": add some (policy add)");
	if (under)
		lk_log(LK_LOG_WARNING,
		       "volume %s: %zu of its signed policies are under the TPM's version floor %llu: the TPM refuses them",
		       name, under, (unsigned long long)floor.value);
}

static void tell(struct reseal *r)
{
	const char *name = r->target.vol->name;
	unsigned int others = lk_token_count(r->header);

	tell_policies(r);
	if (!r->opts->value[LK_OPT_RECORD])
		lk_log(LK_LOG_WARNING,
		       "the provisioning record isn't brought up to date with what volume %s is sealed as: --record does that",
		       name);
	if (others > 1)
		lk_log(LK_LOG_INFO,
		       "volume %s opens by what it was sealed to before as well; once it has opened by this policy file, \"latchkey-provision remove\" with the old one takes that away",
		       name);
}

static int run_reseal(const struct lk_options *opts, struct lk_err *err)
{
	struct reseal r = { .opts = opts, .token = LK_TOKEN_NONE };
	int rc = reseal(&r, err);

	if (rc == LK_OK)
		tell(&r);
	else if (r.header)
		lk_err_prefix(err, "volume %s", r.target.vol->name);
	reseal_done(&r);
	return rc;
}

const struct lk_command lk_cmd_reseal = {
	.cli.words = "reseal",
	.cli.summary = "seal a volume anew, in this TPM and for this policy file",
	.cli.operands = "",
	.cli.required = "--recovery-key-file FILE",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(POLICY) | LK_OPT_BIT(VOLUME) | LK_OPT_BIT(DEVICE) |
		   LK_OPT_BIT(OWNER_AUTH) | LK_OPT_BIT(RECOVERY_KEY_FILE) | LK_OPT_BIT(PIN_FILE) |
		   LK_OPT_BIT(RECORD) | LK_OPT_BIT(RECIPIENT) | LK_OPT_BIT(REPLACE_OBJECT) |
		   LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(SHARED_POLICY_REF),
	.run = run_reseal,
};
