/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading documents from files. */
#include "sys/format/document.h"

#include <string.h>

#include "sys/crypto/crypto.h"
#include "sys/os/fs.h"

/** Other files of ours, which a YAML parser would find strange words for. */
static int check_text(const struct lk_buf *text, struct lk_err *err)
{
	static const struct {
		const char *start;
		const char *what;
	} others[] = {
		{ "-----BEGIN ", "PEM: a key, a certificate or the like" },
		{ "\x89LKB", "a configuration blob" },
		{ "LUKS\xba\xbe", "a LUKS volume" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		size_t len = strlen(others[i].start);

		if (text->len >= len && memcmp(text->data, others[i].start, len) == 0)
			return lk_err_set(err, LK_E_INPUT, 0,
					  "this is %s; YAML or JSON is expected", others[i].what);
	}
	return LK_OK;
}

static int parse_text(const struct lk_buf *text, size_t cap, const char *path, struct lk_yaml **ret,
		      struct lk_err *err)
{
	int rc = check_text(text, err);

	if (rc == LK_OK && cap > LK_YAML_SIZE_MAX)
		rc = lk_yaml_parse_long(text->data, text->len, ret, err);
	else if (rc == LK_OK)
		rc = lk_yaml_parse(text->data, text->len, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_document_read(const char *path, size_t cap, struct lk_yaml **ret, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	LK_TRY(lk_fs_read(path, cap, &text, err));
	return parse_text(&text, cap, path, ret, err);
}

/* In early boot a pipe or a device would keep the latch waiting. */
static int read_policy(const char *path, bool early, struct lk_yaml **ret, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;

	if (!early)
		return lk_document_read(path, LK_POLICY_FILE_MAX, ret, err);
	LK_TRY(lk_fs_read_regular(path, LK_POLICY_FILE_MAX, &text, err));
	return parse_text(&text, LK_POLICY_FILE_MAX, path, ret, err);
}

static int policy_file(const char *path, bool early, struct lk_policy_file *ret, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = read_policy(path, early, &yaml, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_policy_file_from_doc(lk_yaml_root(yaml), lk_crypto_hash, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_document_policy_file(const char *path, struct lk_policy_file *ret, struct lk_err *err)
{
	return policy_file(path, false, ret, err);
}

int lk_document_early_policy_file(const char *path, struct lk_policy_file *ret, struct lk_err *err)
{
	return policy_file(path, true, ret, err);
}

static int signed_policy(const char *path, bool early, struct lk_signed_policy *ret,
			 struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	int rc = read_policy(path, early, &yaml, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_signed_policy_from_doc(lk_yaml_root(yaml), ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_document_signed_policy(const char *path, struct lk_signed_policy *ret, struct lk_err *err)
{
	return signed_policy(path, false, ret, err);
}

int lk_document_early_signed_policy(const char *path, struct lk_signed_policy *ret,
				    struct lk_err *err)
{
	return signed_policy(path, true, ret, err);
}

int lk_document_learned(const char *path, struct lk_hints *ret, struct lk_err *err)
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

int lk_document_booted(const char *path, struct lk_booted *ret, struct lk_err *err)
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
