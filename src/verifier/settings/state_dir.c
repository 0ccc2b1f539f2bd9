/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making what the first start makes: a directory, an authority, a certificate, a key for reports. */
#include "verifier/settings/state_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/crypto/crypto_ca.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"

#define CA_NAME	   "Latchkey verifier"
#define RENEW_DAYS 60u
#define PEM_MAX	   65536u
#define REPORT_KEY "report-key.pem"

int lk_vf_state_make(const struct lk_vf_settings *s, struct lk_err *err)
{
	/* The database, with the key of nonces in it, is its owner's alone, whoever made the
	 * directory. */
	(void)umask(0077);
	if (mkdir(s->state, 0700) != 0 && errno != EEXIST)
		return lk_err_set(
			err, LK_E_IO, (uint32_t)errno,
			"the state directory %s can't be made: %s; name another by --state or in the settings",
			s->state, strerror(errno));
	return lk_fs_check_directory(s->state, err);
}

static void path_of(const struct lk_vf_settings *s, const char *name,
		    char ret[static LK_VF_TEXT_MAX])
{
	(void)snprintf(ret, LK_VF_TEXT_MAX, "%.480s/%s", s->state, name);
}

/* The key first: a certificate without one is of no use, a key alone is made anew. */
static int write_both(const struct lk_certified *made, const char *key, const char *certificate,
		      struct lk_err *err)
{
	LK_TRY(lk_fs_replace(key, made->key.data, made->key.len, 0600, err));
	return lk_fs_replace(certificate, made->certificate.data, made->certificate.len, 0644, err);
}

static int find_ca(const struct lk_vf_settings *s, struct lk_vf_certificate *where,
		   struct lk_certified *ret, struct lk_err *err)
{
	char key[LK_VF_TEXT_MAX];

	path_of(s, "ca.pem", where->ca);
	path_of(s, "ca-key.pem", key);
	if (access(where->ca, F_OK) != 0) {
		where->made = true;
		LK_TRY(lk_crypto_ca_make(CA_NAME, ret, err));
		return write_both(ret, key, where->ca, err);
	}
	LK_TRY(lk_fs_read(key, PEM_MAX, &ret->key, err));
	return lk_fs_read(where->ca, PEM_MAX, &ret->certificate, err);
}

static bool is_good(const char *certificate)
{
	LK_OWNED_BUF pem = LK_BUF_NONE;
	unsigned int days = 0;

	return access(certificate, F_OK) == 0 &&
	       lk_fs_read(certificate, PEM_MAX, &pem, NULL) == LK_OK &&
	       lk_crypto_days_left((struct lk_bytes){ pem.data, pem.len }, &days, NULL) == LK_OK &&
	       days >= RENEW_DAYS;
}

/* Made anew it would have another key, which devices may have pinned. */
static void say_other_names(const char *certificate, const char *names)
{
	LK_OWNED_BUF pem = LK_BUF_NONE;

	if (lk_fs_read(certificate, PEM_MAX, &pem, NULL) == LK_OK &&
	    !lk_crypto_is_for((struct lk_bytes){ pem.data, pem.len }, names))
		lk_log(LK_LOG_WARNING,
		       "%s was made for other names than those of the settings, so that devices which call these refuse it; remove it, and start again: another is made",
		       certificate);
}

int lk_vf_certificate_find(const struct lk_vf_settings *s, struct lk_vf_certificate *ret,
			   struct lk_err *err)
{
	LK_OWNED_CERTIFIED ca = { LK_BUF_NONE, LK_BUF_NONE };
	LK_OWNED_CERTIFIED made = { LK_BUF_NONE, LK_BUF_NONE };
	struct lk_vf_certificate c = { .made = false };

	if (s->certificate[0]) {
		(void)snprintf(c.certificate, sizeof(c.certificate), "%s", s->certificate);
		(void)snprintf(c.key, sizeof(c.key), "%s", s->key);
		*ret = c;
		return LK_OK;
	}
	LK_TRY(find_ca(s, &c, &ca, err));
	path_of(s, "server.pem", c.certificate);
	path_of(s, "server-key.pem", c.key);
	if (!is_good(c.certificate)) {
		LK_TRY(lk_crypto_ca_issue(&ca, s->names, &made, err));
		LK_TRY(write_both(&made, c.key, c.certificate, err));
	}
	say_other_names(c.certificate, s->names);
	*ret = c;
	return LK_OK;
}

int lk_vf_report_key(const struct lk_vf_settings *s, struct lk_jws_key **ret, struct lk_err *err)
{
	LK_OWNED_BUF pem = LK_BUF_NONE;
	char path[LK_VF_TEXT_MAX + 32];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/" REPORT_KEY, s->state);
	/* Where it can't be looked at, it isn't replaced by another. */
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		rc = lk_jws_key_make(&pem, err);
		if (rc == LK_OK)
			rc = lk_fs_replace(path, pem.data, pem.len, 0600, err);
	} else {
		rc = lk_fs_read(path, PEM_MAX, &pem, err);
	}
	if (rc == LK_OK) {
		rc = lk_jws_key_read((struct lk_bytes){ pem.data, pem.len }, ret, err);
		if (rc != LK_OK)
			lk_err_prefix(err, "%s", path);
	}
	lk_wipe(pem.data, pem.len);
	return rc;
}
