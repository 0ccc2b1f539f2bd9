/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing the device file: by install, and of a record at any time. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "root_key.h"
#include "sys/crypto/crypto.h"
#include "sys/format/document.h"
#include "sys/format/yaml.h"
#include "sys/os/log.h"
#include "sys/tpm/tpm_config.h"

/* Another kind of document is never moved away for one, nor written over: it may
 * be the record, the only place of a recovery key. */
static int check_place(const char *path, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;

	if (access(path, F_OK) != 0)
		return LK_OK;
	/* A node of /dev is nothing to be renamed, and a pipe nothing to be read. */
	LK_TRY(lk_fs_check_regular(path, err));
	if (lk_document_read(path, LK_YAML_SIZE_MAX, &yaml, NULL) != LK_OK ||
	    lk_yaml_root(yaml)->type != LK_DOC_MAP ||
	    lk_doc_get(lk_yaml_root(yaml), "latchkey-device"))
		return LK_OK;
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"%s is something else than a device file, and would be replaced: name another file, or move it to a safe place; nothing was changed",
		path);
}

/* One that says the same stays; another device's, or one that can't be read, is
 * kept beside it. */
static int put_device_file(const char *path, const struct lk_device_file *df, bool *ret_kept,
			   struct lk_err *err)
{
	char text[LK_DEVICE_YAML_TEXT];
	char old[PATH_MAX];
	struct lk_device_file before;
	size_t len = lk_device_file_write(df, text);
	bool there = access(path, F_OK) == 0;

	*ret_kept = false;
	LK_TRY(check_place(path, err));
	if (there && lk_document_device_file(path, &before, NULL) == LK_OK &&
	    lk_name_equal(&before.root, &df->root) &&
	    lk_name_equal(&before.policy_key, &df->policy_key))
		return LK_OK;
	LK_TRY(lk_fs_make_parent(path, err));
	if (there) {
		if (snprintf(old, sizeof(old), "%s.old", path) >= (int)sizeof(old))
			return lk_err_set(err, LK_E_USAGE, 0, "%.80s...: the path is too long",
					  path);
		LK_TRY(check_place(old, err));
		if (rename(path, old) != 0)
			return lk_err_set(err, LK_E_IO, (uint32_t)errno,
					  "%s: can't be renamed to %s: %s", path, old,
					  strerror(errno));
		*ret_kept = true;
	}
	return lk_fs_replace(path, text, len, 0644, err);
}

static int describe(struct lk_tpm *tpm, const struct lk_policy_key *key, struct lk_device_file *ret,
		    struct lk_err *err)
{
	struct lk_name name, root;

	LK_TRY(lk_tpm_root_name(tpm, &root, err));
	if (lk_policy_key_name(key, lk_crypto_hash, &name) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	return lk_device_file_make(&root, &name, lk_crypto_hash, ret, err);
}

void lk_device_file_install(struct lk_tpm *tpm, const struct lk_options *opts,
			    const struct lk_policy_key *key)
{
	const char *asked = opts->value[LK_OPT_DEVICE_FILE];
	const char *path = asked ? asked : LK_DEVICE_FILE;
	struct lk_device_file df;
	struct lk_err err = { 0 };
	bool kept = false;
	int rc = describe(tpm, key, &df, &err);

	if (rc == LK_OK)
		rc = put_device_file(path, &df, &kept, &err);
	if (rc != LK_OK)
		lk_log(LK_LOG_WARNING,
		       "the device file isn't written: %s; the programs of the running system need it to know this TPM: \"latchkey-provision device --record %s --output FILE\" makes it of the record",
		       err.msg, opts->value[LK_OPT_RECORD]);
	else if (kept)
		lk_log(LK_LOG_WARNING,
		       "%s named another TPM or policy key; it names this one now, and the earlier one is %s.old",
		       path, path);
}

static int run_device(const struct lk_options *opts, struct lk_err *err)
{
	const char *record = opts->value[LK_OPT_RECORD];
	const char *asked = opts->value[LK_OPT_OUTPUT];
	const char *path = asked ? asked : LK_DEVICE_FILE;
	char text[LK_DEVICE_YAML_TEXT];
	struct lk_device_file df;
	bool kept = false;

	if (!record)
		return lk_err_set(err, LK_E_USAGE, 0, "--record is needed");
	LK_TRY(lk_document_device_of_record(record, &df, err));
	if (strcmp(path, "-") == 0)
		return lk_fs_replace(path, text, lk_device_file_write(&df, text), 0644, err);
	LK_TRY(put_device_file(path, &df, &kept, err));
	lk_log(LK_LOG_INFO, "%s says whose TPM this device has%s%s%s", path,
	       kept ? "; the earlier one is " : "", kept ? path : "", kept ? ".old" : "");
	return LK_OK;
}

const struct lk_command lk_cmd_device = {
	.cli.words = "device",
	.cli.summary = "make the device file of a record: whose TPM this device has",
	.cli.operands = "",
	.cli.required = "--record FILE",
	.reads_record = true,
	.options = LK_OPT_BIT(RECORD) | LK_OPT_BIT(OUTPUT),
	.run = run_device,
};
