/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns looking for whose TPM it has to be. */
#include "sys/format/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/crypto/crypto.h"
#include "sys/format/document.h"

int lk_document_device_file(const char *path, struct lk_device_file *ret, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc;

	LK_TRY(lk_document_read(path, LK_DEVICE_YAML_MAX, &yaml, err));
	rc = lk_device_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_document_device_of_record(const char *path, struct lk_device_file *ret, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc;

	LK_TRY(lk_document_read(path, LK_YAML_LONG_MAX, &yaml, err));
	rc = lk_device_file_from_record(lk_yaml_root(yaml), lk_crypto_hash, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

static void take_device_file(const struct lk_device_file *df, const char *from,
			     struct lk_device_expected *ret)
{
	ret->root = df->root;
	ret->policy_key = df->policy_key;
	(void)snprintf(ret->from, sizeof(ret->from), "%s", from);
}

/* One that isn't there is LK_OK, and says nothing. */
static int try_default(struct lk_device_expected *ret, struct lk_err *err)
{
	struct lk_device_file df;

	if (access(LK_DEVICE_FILE, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return LK_OK;
	LK_TRY(lk_document_device_file(LK_DEVICE_FILE, &df, err));
	take_device_file(&df, LK_DEVICE_FILE, ret);
	return LK_OK;
}

static int look(const struct lk_device_places *places, struct lk_device_expected *ret,
		struct lk_err *err)
{
	const struct lk_policy_file *pf = places->policy;
	struct lk_device_file df;

	if (places->file) {
		LK_TRY(lk_document_device_file(places->file, &df, err));
		take_device_file(&df, places->file, ret);
		return LK_OK;
	}
	LK_TRY(try_default(ret, err));
	if (!ret->root.len && pf && pf->root_name.len) {
		ret->root = pf->root_name;
		(void)snprintf(ret->from, sizeof(ret->from), "%s",
			       places->policy_path ? places->policy_path : "the policy file");
	}
	if (!ret->root.len && places->record && access(places->record, F_OK) == 0) {
		LK_TRY(lk_document_device_of_record(places->record, &df, err));
		take_device_file(&df, places->record, ret);
	}
	return LK_OK;
}

int lk_device_expect(const struct lk_device_places *places, struct lk_device_expected *ret,
		     struct lk_err *err)
{
	struct lk_device_expected found = { 0 };

	LK_TRY(look(places, &found, err));
	*ret = found;
	return LK_OK;
}

int lk_device_unknown(const char *what, struct lk_err *err)
{
	return lk_err_set(
		err, LK_E_OBJECT, 0,
		"nothing here says whose TPM this has to be, so somebody on its bus could answer for it: %s; \"latchkey-provision device --record record.json\" makes " LK_DEVICE_FILE
		" of the record that install left (and \"latchkey device record.json -o FILE\" does elsewhere)",
		what);
}
