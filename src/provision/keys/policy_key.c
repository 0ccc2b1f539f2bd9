/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns policy-key replace: another policy key for the programs of the running system. */
#include <string.h>

#include "common.h"
#include "install/record.h"
#include "root_key.h"
#include "sys/os/log.h"

struct replacement {
	const struct lk_options *opts;
	struct lk_tpm *tpm;
	uint8_t spki[LK_SPKI_MAX];
	size_t spki_len;
	bool is_there;	/* some key */
	bool is_same;	/* this key */
	bool is_locked; /* and nobody can write it any more */
};

static int read_key(struct replacement *r, struct lk_err *err)
{
	const char *path = r->opts->value[LK_OPT_POLICY_KEY];
	LK_OWNED_BUF pem = LK_BUF_NONE;
	struct lk_policy_key key;

	if (!path)
		return lk_err_set(err, LK_E_USAGE, 0, "--policy-key is needed");
	LK_TRY(lk_fs_read(path, 16384, &pem, err));
	if (lk_policy_key_from_pem((const char *)pem.data, pem.len, &key, err) != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return LK_E_INPUT;
	}
	r->spki_len = lk_policy_key_to_spki(&key, r->spki);
	return LK_OK;
}

/** What is there; a run that was cut short may have left nothing, or a key that isn't locked. */
static int survey(struct replacement *r, struct lk_err *err)
{
	const uint32_t state = LK_NV_WRITTEN | LK_NV_WRITELOCKED;
	LK_OWNED_BUF content = LK_BUF_NONE;
	struct lk_tpm_public config;
	struct lk_nv_public now;

	LK_TRY(lk_tpm_read_public(r->tpm, LK_HANDLE_CONFIG_KEY, &config, err));
	if (!config.present)
		return lk_err_set(err, LK_E_OBJECT, 0,
				  "nothing is installed in this TPM: run install first");
	LK_TRY(lk_tpm_nv_read_public(r->tpm, LK_NV_POLICY_KEY, &now, err));
	r->is_there = now.present;
	if (!now.present)
		return LK_OK;
	if ((now.attributes & ~state) != LK_NV_POLICY_KEY_ATTRIBUTES)
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "NV index 0x%08x holds something else; nothing was changed",
				  LK_NV_POLICY_KEY);
	if (!(now.attributes & LK_NV_WRITTEN))
		return LK_OK;
	LK_TRY(lk_tpm_nv_read(r->tpm, LK_NV_POLICY_KEY, &content, err));
	r->is_same = content.len == r->spki_len && !memcmp(content.data, r->spki, r->spki_len);
	r->is_locked = now.attributes & LK_NV_WRITELOCKED;
	return LK_OK;
}

static int record_key(struct replacement *r, struct lk_err *err)
{
	static const char *const keys[] = { "policy-key", NULL };
	const char *path = r->opts->value[LK_OPT_RECORD];
	LK_OWNED_JSON record = NULL;
	struct lk_json *objects, *entry;
	struct lk_nv_public now;

	if (!path)
		return LK_OK;
	LK_TRY(lk_tpm_nv_read_public(r->tpm, LK_NV_POLICY_KEY, &now, err));
	LK_TRY(lk_record_of_tpm(path, r->tpm, &record, err));
	objects = lk_json_get(record, "objects");
	if (!objects)
		objects = lk_json_set_object(record, "objects");
	(void)lk_record_retire(objects, "superseded", keys);
	entry = lk_json_set_object(objects, keys[0]);
	lk_json_set_handle(entry, "handle", LK_NV_POLICY_KEY);
	lk_json_set_hex(entry, "name", now.name.data, now.name.len);
	lk_json_set_hex(entry, "key", r->spki, r->spki_len);
	LK_TRY(lk_record_prove(r->tpm, record, err));
	return lk_record_save(path, record, err);
}

static int replace(struct replacement *r, struct lk_err *err)
{
	LK_TRY(read_key(r, err));
	LK_TRY(lk_tpm_open_ours(r->opts, NULL, &r->tpm, err));
	LK_TRY(survey(r, err));
	LK_TRY(lk_record_check(r->opts, r->tpm, err));
	if (r->is_same && r->is_locked) {
		LK_TRY(record_key(r, err));
		lk_log(LK_LOG_INFO, "this policy key is installed already: nothing to do");
		return LK_OK;
	}
	LK_TRY(lk_use_owner_auth(r->tpm, r->opts, err));
	/* A key that is locked can't be written over; between the two the running
	 * system refuses all configuration, and early boot doesn't look at it. */
	if (r->is_there && !r->is_same)
		LK_TRY(lk_tpm_nv_undefine(r->tpm, LK_NV_POLICY_KEY, err));
	LK_TRY(lk_tpm_nv_store_key(r->tpm, LK_NV_POLICY_KEY,
				   (struct lk_bytes){ r->spki, r->spki_len }, err));
	LK_TRY(record_key(r, err));
	lk_log(LK_LOG_INFO,
	       "the policy key at NV index 0x%08x is another now: configuration signed by the one before is refused",
	       LK_NV_POLICY_KEY);
	return LK_OK;
}

static int run_policy_key_replace(const struct lk_options *opts, struct lk_err *err)
{
	struct replacement r = { .opts = opts };
	int rc = replace(&r, err);

	lk_tpm_free(r.tpm);
	return rc;
}

const struct lk_command lk_cmd_policy_key_replace = {
	.cli.words = "policy-key replace",
	.cli.summary = "another policy key for configuration",
	.cli.operands = "",
	.cli.required = "--policy-key FILE",
	.options = LK_OPT_BIT(TPM) | LK_OPT_BIT(DEVICE_FILE) | LK_OPT_BIT(POLICY_KEY) |
		   LK_OPT_BIT(OWNER_AUTH) | LK_OPT_BIT(RECORD),
	.run = run_policy_key_replace,
};
