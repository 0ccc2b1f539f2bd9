/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading keys from where the command line says. */
#include "key/keys.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "documents.h"
#include "sys/os/log.h"
#include "sys/os/secret_line.h"

/* With room to tell what else it is. */
#define PUBLIC_KEY_MAX 16384u
#define CONFIG_KEY_MAX 32u

/* "file:" is the one URI that names a file whose mode can be looked at. */
static void warn_if_readable(const char *key, const char *what)
{
	const char *path = strncmp(key, "file:", 5) ? key : key + 5;
	struct stat st;

	if (!strncmp(path, "///", 3))
		path += 2;
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 077)
		lk_log(LK_LOG_WARNING, "%s: the %s key can be read by others (chmod 600)", path,
		       what);
}

int lk_load_private_key(const char *uri, const char *passphrase_file, struct lk_private_key **ret,
			struct lk_err *err)
{
	LK_OWNED_SECRET passphrase = LK_SECRET_NONE;
	int rc = LK_OK;

	if (passphrase_file)
		rc = lk_secret_read_line(passphrase_file, LK_PASSPHRASE_MAX, &passphrase, err);
	if (rc != LK_OK)
		return rc;
	rc = lk_private_key_load(uri, passphrase_file ? &passphrase : NULL, ret, err);
	if (rc == LK_OK)
		warn_if_readable(uri, "private");
	else if (!strstr(err->msg, uri))
		lk_err_prefix(err, "%s", uri);
	return rc;
}

int lk_load_policy_key(const char *path, struct lk_policy_key *ret, struct lk_err *err)
{
	LK_OWNED_BUF pem = LK_BUF_NONE;
	int rc = lk_fs_read(path, PUBLIC_KEY_MAX, &pem, err);

	if (rc != LK_OK)
		return rc;
	rc = lk_policy_key_from_pem((const char *)pem.data, pem.len, ret, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_load_config_key(const char *path, struct lk_secret *ret, struct lk_err *err)
{
	LK_OWNED_SECRET key = LK_SECRET_NONE;
	struct lk_err why = { 0 };
	int rc = lk_fs_read_secret(path, CONFIG_KEY_MAX, &key, &why);

	if ((rc == LK_OK && key.len != 16 && key.len != 32) ||
	    (rc == LK_E_INPUT && why.code == EFBIG))
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"%s: this is no configuration key, which has 16 or 32 bytes (keygen makes config-key.bin)",
			path);
	if (rc != LK_OK)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	warn_if_readable(path, "configuration");
	*ret = lk_secret_take(&key);
	return LK_OK;
}
