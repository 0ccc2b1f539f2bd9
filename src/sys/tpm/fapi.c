/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns tpm2-tss FAPI: a standard key store, so that stock tools find a standard setup. */
#include "sys/tpm/fapi.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tss2/tss2_fapi.h>
#include <tss2/tss2_rc.h>

#include "sys/os/fs.h"
#include "sys/format/json.h"
#include "sys/tpm/tpm_private.h"

#define PROFILE	       "P_ECCP256SHA256"
#define PROFILE_DIR    "/etc/tpm2-tss/fapi-profiles"
#define STANDARD_USER  "~/.local/share/tpm2-tss/user/keystore"
#define STANDARD_STORE "/var/lib/tpm2-tss/system/keystore"
#define STANDARD_LOG   "/run/tpm2-tss/eventlog"
#define FILE_MAX       65536u

/** FAPI 3 and 4 refuse a storage root key that isn't made as its profile says.
 */
#define FAPI_SRK_DIFFERS TSS2_FAPI_RC_BAD_VALUE

/** Everything that has a path of its own. */
struct paths {
	char user[PATH_MAX];
	char store[PATH_MAX];
	char log[PATH_MAX];
	char scratch[PATH_MAX]; /* configuration and profile, removed afterwards */
};

static int join(char out[static PATH_MAX], const char *dir, const char *name, struct lk_err *err)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX ? LK_OK : lk_err_set(err, LK_E_INPUT, 0, "%s: too long", dir);
}

static int make_dirs(const char *path, struct lk_err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: too long", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", part,
					  strerror(errno));
	}
	return LK_OK;
}

/** FAPI takes its folders for relative to places of its own. */
static int make_absolute(const char *dir, char out[static PATH_MAX], struct lk_err *err)
{
	char here[PATH_MAX];

	if (dir[0] != '/' && getcwd(here, sizeof(here)))
		return join(out, here, dir, err);
	return join(out, "", dir[0] == '/' ? dir + 1 : dir, err);
}

static int find_paths(const struct lk_fapi_place *place, struct paths *ret, struct lk_err *err)
{
	char dir[PATH_MAX];
	int rc = LK_OK;

	if (!place->dir) {
		strcpy(ret->user, STANDARD_USER);
		strcpy(ret->store, STANDARD_STORE);
		strcpy(ret->log, STANDARD_LOG);
		return LK_OK;
	}
	rc = make_absolute(place->dir, dir, err);
	if (rc == LK_OK)
		rc = join(ret->user, dir, "user", err);
	if (rc == LK_OK)
		rc = join(ret->store, dir, "system", err);
	if (rc == LK_OK)
		rc = join(ret->log, dir, "log", err);
	return rc;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/** What is to be another than in the profile of the system. */
struct profile_change {
	bool no_handle; /* FAPI makes its primary on the fly */
	bool sha384;	/* the PCR bank, where SHA-256's isn't active */
};

/* Both changes keep the text's length. */
static bool change_profile(char *text, const struct profile_change *change)
{
	static const char handle[] = ",0x81000001";
	static const char sha256[] = "TPM2_ALG_SHA256";
	char *at = strstr(text, handle);

	if (change->no_handle) {
		if (!at)
			return false;
		/* Blanks are outside the quotes only: move the closing one up. */
		memset(at, ' ', sizeof(handle) - 1);
		at[0] = '"';
		at[sizeof(handle) - 1] = ' ';
	}
	if (change->sha384) {
		at = strstr(text, "\"pcr_selection\"");
		at = at ? strstr(at, sha256) : NULL;
		if (!at)
			return false;
		memcpy(at, "TPM2_ALG_SHA384", sizeof(sha256) - 1);
	}
	return true;
}

static int write_profile(const char *scratch, const struct profile_change *change,
			 struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	char path[PATH_MAX];

	LK_TRY(lk_fs_read(PROFILE_DIR "/" PROFILE ".json", FILE_MAX, &text, err));
	if (!change_profile((char *)text.data, change))
		return lk_err_set(err, LK_E_SYSTEM, 0, "the FAPI profile %s isn't known", PROFILE);
	LK_TRY(join(path, scratch, PROFILE ".json", err));
	return lk_fs_replace(path, text.data, text.len, 0600, err);
}

static int write_config(const struct lk_fapi_place *place, const struct paths *paths,
			const char *profile_dir, struct lk_err *err)
{
	LK_OWNED_JSON json = lk_json_object();
	LK_OWNED_BUF text = LK_BUF_NONE;
	char path[PATH_MAX];
	int rc = join(path, paths->scratch, "config.json", err);

	if (!json)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	lk_json_set_text(json, "profile_name", PROFILE);
	lk_json_set_text(json, "profile_dir", profile_dir);
	lk_json_set_text(json, "user_dir", paths->user);
	lk_json_set_text(json, "system_dir", paths->store);
	lk_json_set_text(json, "log_dir", paths->log);
	lk_json_set_text(json, "tcti", place->tcti);
	lk_json_set_array(json, "system_pcrs");
	/* Its check of the certificate fetches intermediates from the network;
	 * ours reads files. */
	lk_json_set_text(json, "ek_cert_less", "yes");
	if (rc == LK_OK)
		rc = lk_json_write(json, &text, err);
	if (rc == LK_OK)
		rc = lk_fs_replace(path, text.data, text.len, 0600, err);
	if (rc == LK_OK && setenv("TSS2_FAPICONF", path, 1))
		rc = lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	return rc;
}

static TSS2_RC no_auth(const char *path, const char *description, const char **auth, void *data)
{
	(void)path;
	(void)description;
	(void)data;
	*auth = "";
	return TSS2_RC_SUCCESS;
}

static TSS2_RC provision(void)
{
	FAPI_CONTEXT *fapi = NULL;
	TSS2_RC trc = Fapi_Initialize(&fapi, NULL);

	if (trc == TSS2_RC_SUCCESS)
		trc = Fapi_SetAuthCB(fapi, no_auth, NULL);
	if (trc == TSS2_RC_SUCCESS)
		trc = Fapi_Provision(fapi, NULL, NULL, NULL);
	Fapi_Finalize(&fapi);
	return trc;
}

static int provision_with(const struct lk_fapi_place *place, const struct paths *paths,
			  const struct profile_change *change, TSS2_RC *ret, struct lk_err *err)
{
	bool changed = change->no_handle || change->sha384;

	if (changed)
		LK_TRY(write_profile(paths->scratch, change, err));
	LK_TRY(write_config(place, paths, changed ? paths->scratch : PROFILE_DIR "/", err));
	*ret = provision();
	return LK_OK;
}

static int provision_in(const struct lk_fapi_place *place, const struct paths *paths,
			struct lk_err *err)
{
	struct profile_change change = { .sha384 = place->no_sha256 };
	TSS2_RC trc = TSS2_RC_SUCCESS;

	LK_TRY(provision_with(place, paths, &change, &trc, err));
	if (trc == FAPI_SRK_DIFFERS) {
		change.no_handle = true;
		LK_TRY(provision_with(place, paths, &change, &trc, err));
	}
	if (lk_tpm_rc_is_full(lk_tpm_rc_base(trc)))
		return lk_tpm_error(trc, "FAPI key store", err);
	if (trc != TSS2_RC_SUCCESS && trc != TSS2_FAPI_RC_ALREADY_PROVISIONED)
		return lk_err_set(err, trc == TSS2_FAPI_RC_NO_TPM ? LK_E_NO_TPM : LK_E_SYSTEM, trc,
				  "FAPI key store: %s (0x%x)", Tss2_RC_Decode(trc), trc);
	return LK_OK;
}

/**
 * What tells an interrupted run's key store from one that others use: a file
 * beside it that lives from before FAPI starts until it has finished.
 */
static int with_marker(const struct lk_fapi_place *place, const struct paths *paths,
		       struct lk_err *err)
{
	char marker[PATH_MAX];
	char profile[PATH_MAX];
	struct stat st;
	int rc = join(marker, paths->store, ".latchkey-unfinished", err);

	if (rc == LK_OK)
		rc = join(profile, paths->store, PROFILE, err);
	if (rc != LK_OK)
		return rc;
	if (stat(marker, &st) == 0)
		remove_tree(profile);
	else if (stat(profile, &st) != 0)
		rc = lk_fs_replace(marker, "", 0, 0600, err);
	if (rc == LK_OK)
		rc = provision_in(place, paths, err);
	if (rc == LK_OK) {
		sync();
		unlink(marker);
	}
	return rc;
}

int lk_fapi_provision(const struct lk_fapi_place *place, struct lk_err *err)
{
	struct paths paths = { 0 };
	int rc = find_paths(place, &paths, err);

	if (rc == LK_OK && paths.user[0] == '/')
		rc = make_dirs(paths.user, err);
	if (rc == LK_OK)
		rc = make_dirs(paths.store, err);
	if (rc == LK_OK)
		rc = make_dirs(paths.log, err);
	/* Not in /tmp: what a cut leaves there is found by nobody. */
	if (rc == LK_OK)
		rc = join(paths.scratch, paths.log, ".latchkey" LK_TEMPORARY, err);
	if (rc != LK_OK)
		return rc;
	if (!mkdtemp(paths.scratch))
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", paths.scratch,
				  strerror(errno));
	if (!place->verbose)
		setenv("TSS2_LOG", "all+none", 1);
	rc = with_marker(place, &paths, err);
	remove_tree(paths.scratch);
	unsetenv("TSS2_FAPICONF");
	return rc;
}

bool lk_fapi_has_key_store(const struct lk_fapi_place *place)
{
	struct paths paths;
	char profile[PATH_MAX];
	struct stat st;

	return find_paths(place, &paths, NULL) == LK_OK &&
	       join(profile, paths.store, PROFILE, NULL) == LK_OK && stat(profile, &st) == 0;
}

int lk_fapi_expect_auth(const struct lk_fapi_place *place, const char *hierarchy,
			struct lk_err *err)
{
	LK_OWNED_BUF old = LK_BUF_NONE;
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_JSON json = NULL;
	struct paths paths;
	char path[PATH_MAX];
	char name[64];
	int rc;

	if (!lk_fapi_has_key_store(place))
		return LK_OK;
	rc = find_paths(place, &paths, err);
	snprintf(name, sizeof(name), PROFILE "/%s/object.json", hierarchy);
	if (rc == LK_OK)
		rc = join(path, paths.store, name, err);
	if (rc == LK_OK)
		rc = lk_fs_read(path, FILE_MAX, &old, err);
	if (rc == LK_OK)
		rc = lk_json_parse((char *)old.data, old.len, &json, err);
	if (rc != LK_OK)
		return rc;
	lk_json_set_text(json, "with_auth", "YES");
	rc = lk_json_write(json, &text, err);
	return rc == LK_OK ? lk_fs_replace(path, text.data, text.len, 0644, err) : rc;
}
