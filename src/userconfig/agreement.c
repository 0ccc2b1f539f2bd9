/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the check value of records: HMAC-SHA-256 under a key that only this TPM, or who has the configuration key, can make. */
#include "agreement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/config/manifest.h"
#include "generation.h"
#include "sys/crypto/crypto.h"
#include "sys/os/fs.h"
#include "sys/os/tree.h"
#include "sys/tpm/tpm_config.h"

#define LABEL		   "latchkey:agreed"
#define MAC		   "mac\t"
#define MAC_LEN		   (sizeof(MAC) - 1 + 2 * LK_AGREED_DIGEST + 1)
#define SIZE_MAX_OF(files) (64u * 1024u + (files)*LK_AGREED_LINE_MAX)

int lk_agreement_key(struct lk_tpm *tpm, struct lk_agreement_key *ret, struct lk_err *err)
{
	const struct lk_bytes label = { (const uint8_t *)LABEL, sizeof(LABEL) - 1 };
	LK_OWNED_AGREEMENT_KEY key = LK_AGREEMENT_KEY_NONE;
	struct lk_digest d;
	struct lk_name root;
	int rc;

	/* 48 bytes: an IV and what is "decrypted". No blob is made with this IV
	 * but by chance, and what comes out is used for nothing else. */
	if (!lk_crypto_hash(LK_ALG_SHA384, &label, 1, &d))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	rc = lk_tpm_config_unwrap(tpm, d.data, (struct lk_bytes){ d.data + 16, 32 }, &key.secret,
				  err);
	if (rc == LK_OK)
		rc = lk_tpm_root_name(tpm, &root, err);
	if (rc == LK_OK)
		rc = lk_device_id(&root, lk_crypto_hash, key.device, err);
	if (rc != LK_OK)
		return rc;
	*ret = key;
	key = LK_AGREEMENT_KEY_NONE;
	return LK_OK;
}

/* The configuration key is a fleet's: another device's record isn't ours. */
static int check_value(const struct lk_agreement_key *key, const uint8_t *text, size_t len,
		       struct lk_digest *ret, struct lk_err *err)
{
	struct lk_digest own;

	if (!lk_crypto_hmac(LK_ALG_SHA256, (struct lk_bytes){ key->secret.data, key->secret.len },
			    (struct lk_bytes){ key->device, sizeof(key->device) }, &own) ||
	    !lk_crypto_hmac(LK_ALG_SHA256, (struct lk_bytes){ own.data, own.len },
			    (struct lk_bytes){ text, len }, ret))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	lk_wipe(&own, sizeof(own));
	return LK_OK;
}

int lk_agreement_write(const struct lk_uc *uc, const struct lk_agreement_key *key,
		       const struct lk_agreed *agreed, const char *name, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	struct lk_digest mac;
	uint8_t *more;
	int rc;

	text.data = (uint8_t *)lk_agreed_to_text(agreed, &text.len);
	more = text.data ? realloc(text.data, text.len + MAC_LEN + 1) : NULL;
	if (!more)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	text.data = more;
	rc = check_value(key, text.data, text.len, &mac, err);
	if (rc != LK_OK)
		return rc;
	memcpy(text.data + text.len, MAC, sizeof(MAC));
	lk_hex_encode(mac.data, mac.len, (char *)text.data + text.len + sizeof(MAC) - 1);
	text.len += MAC_LEN;
	text.data[text.len - 1] = '\n';
	return lk_uc_store(uc, name, text.data, text.len, err);
}

static int read_text(const struct lk_uc *uc, const char *path, struct lk_buf *ret,
		     struct lk_err *err)
{
	const uint64_t max = SIZE_MAX_OF(LK_AGREEMENT_FILES_MAX(uc));
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_FD fd = -1;
	struct stat st;
	int rc = lk_tree_open_file(uc->at, path, &fd, err);

	if (rc == LK_OK && (fstat(fd, &st) != 0 || (uint64_t)st.st_size > max))
		rc = lk_err_set(err, LK_E_POLICY, 0, "more bytes than such a record has");
	if (rc != LK_OK)
		return rc;
	text.data = malloc((size_t)st.st_size + 1);
	if (!text.data)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	rc = lk_tree_read(fd, text.data, (size_t)st.st_size + 1, &text.len, err);
	if (rc != LK_OK)
		return rc;
	*ret = text;
	text = LK_BUF_NONE;
	return LK_OK;
}

static int check_text(const struct lk_agreement_key *key, struct lk_buf *text, struct lk_err *err)
{
	char hex[2 * LK_AGREED_DIGEST + 1];
	struct lk_digest mac;
	uint8_t *end = text->data + text->len - MAC_LEN;
	int rc;

	if (text->len < MAC_LEN)
		return lk_err_set(err, LK_E_POLICY, 0, "cut short");
	rc = check_value(key, text->data, text->len - MAC_LEN, &mac, err);
	if (rc != LK_OK)
		return rc;
	lk_hex_encode(mac.data, mac.len, hex);
	if (memcmp(end, MAC, sizeof(MAC) - 1) != 0 ||
	    !lk_secret_equal(end + sizeof(MAC) - 1, (const uint8_t *)hex, sizeof(hex) - 1) ||
	    end[MAC_LEN - 1] != '\n')
		return lk_err_set(err, LK_E_POLICY, 0, "isn't what this device has written");
	text->len -= MAC_LEN;
	return LK_OK;
}

int lk_agreement_read(const struct lk_uc *uc, const struct lk_agreement_key *key, uint64_t sequence,
		      struct lk_agreed *ret, struct lk_err *err)
{
	LK_OWNED_AGREED agreed = LK_AGREED_NONE;
	LK_OWNED_BUF text = LK_BUF_NONE;
	enum lk_tree_kind kind;
	char path[PATH_MAX];
	int rc;

	lk_generation_path(uc, sequence, LK_AGREEMENT_NAME, path);
	rc = lk_tree_kind(uc->at, path, &kind, err);
	if (rc == LK_OK && kind == LK_TREE_NONE)
		return lk_err_set(err, LK_E_POLICY, ENOENT,
				  "%s: there is no record of what was agreed", path);
	if (rc == LK_OK)
		rc = read_text(uc, path, &text, err);
	if (rc == LK_OK)
		rc = check_text(key, &text, err);
	if (rc == LK_OK)
		rc = lk_agreed_from_text((const char *)text.data, text.len, &agreed, err);
	if (rc == LK_OK && agreed.sequence != sequence)
		rc = lk_err_set(err, LK_E_POLICY, 0, "the record of another configuration");
	if (rc == LK_E_INPUT || rc == LK_E_REFUSED) {
		rc = LK_E_POLICY;
		if (err)
			err->rc = LK_E_POLICY;
	}
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return rc;
	}
	*ret = agreed;
	agreed = LK_AGREED_NONE;
	return LK_OK;
}
