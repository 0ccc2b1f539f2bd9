/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading documents from files. */
#include "sys/document.h"

#include "sys/fs.h"

int lk_document_read(const char *path, size_t cap, struct lk_yaml **ret,
		     struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	int rc = lk_fs_read(path, cap, &text, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_yaml_parse(text.data, text.len, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_document_policy_file(const char *path, struct lk_policy_file *ret,
			    struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_document_read(path, LK_POLICY_FILE_MAX, &yaml, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_policy_file_from_doc(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_document_signed_policy(const char *path, struct lk_signed_policy *ret,
			      struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_document_read(path, LK_POLICY_FILE_MAX, &yaml, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_signed_policy_from_doc(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_document_learned(const char *path, struct lk_hints *ret,
			struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_document_read(path, LK_LEARNED_MAX, &yaml, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_learned_from_doc(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_document_booted(const char *path, struct lk_booted *ret,
		       struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = lk_document_read(path, LK_BOOTED_MAX, &yaml, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_booted_from_doc(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}
