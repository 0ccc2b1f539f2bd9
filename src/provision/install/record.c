/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the provisioning record's file: read, tried, and written whole with the one before kept. */
#include "install/record.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/crypto/crypto_sign.h"
#include "sys/os/fs.h"

#define RECORD_MAX    (1024u * 1024u)
#define ROOM	      (64u * 1024u) /* more than any one command adds to a record */
#define BEFORE_MAX    100u
#define LINKS_MAX     8u
#define SECRET_BEGINS "-----BEGIN CMS-----"
#define SECRET_ENDS   "-----END CMS-----"

void lk_record_follow(const char *path, char ret[static PATH_MAX])
{
	char target[PATH_MAX], folder[PATH_MAX], next[PATH_MAX];

	(void)snprintf(ret, PATH_MAX, "%s", path);
	for (unsigned int i = 0; i < LINKS_MAX; i++) {
		ssize_t n = readlink(ret, target, sizeof(target) - 1);

		if (n < 0)
			return;
		target[n] = '\0';
		memcpy(folder, ret, sizeof(folder));
		n = target[0] == '/'
			    ? snprintf(next, sizeof(next), "%s", target)
			    : snprintf(next, sizeof(next), "%s/%s", dirname(folder), target);
		if (n >= PATH_MAX)
			return;
		memcpy(ret, next, PATH_MAX);
	}
}

static int check_shape(const struct lk_json *json, struct lk_err *err)
{
	static const char *const objects[] = {
		"tpm", "objects", "auths", "ek", "ak", "proof", NULL
	};
	const struct lk_json *volumes = lk_json_get(json, "volumes");

	if (!lk_json_is_array(volumes))
		return lk_err_set(err, LK_E_INPUT, 0, "no provisioning record");
	for (size_t i = 0; i < lk_json_count(volumes); i++)
		if (!lk_json_at(volumes, i))
			return lk_err_set(err, LK_E_INPUT, 0,
					  "not a provisioning record: volume %zu is no object", i);
	for (const char *const *key = objects; *key; key++)
		if (lk_json_has(json, *key) &&
		    (!lk_json_get(json, *key) || lk_json_is_array(lk_json_get(json, *key))))
			return lk_err_set(err, LK_E_INPUT, 0,
					  "not a provisioning record: %s is no object", *key);
	return LK_OK;
}

int lk_record_load(const char *path, struct lk_json **ret, bool *ret_existed, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_JSON json = NULL;
	struct stat st;
	bool existed = stat(path, &st) == 0 || errno != ENOENT;
	int rc = LK_OK;

	if (strcmp(path, "-") == 0)
		return lk_err_set(err, LK_E_USAGE, 0, "--record -: the record has to be a file");
	if (existed) {
		rc = lk_fs_check_regular(path, err);
		if (rc != LK_OK)
			return rc;
		rc = lk_fs_read(path, RECORD_MAX, &text, err);
		if (rc != LK_OK)
			return rc;
		rc = lk_json_parse((const char *)text.data, text.len, &json, err);
		if (rc == LK_OK)
			rc = check_shape(json, err);
	} else {
		json = lk_json_object();
		if (!json)
			return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
		lk_json_set_uint(json, "latchkey-record", 1);
		lk_json_set_array(json, "volumes");
	}
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return rc;
	}
	*ret = json;
	json = NULL;
	*ret_existed = existed;
	return LK_OK;
}

/** Whether each secret of @older is in @newer too. Both were written by the same hand. */
static bool has_all_secrets(const char *older, const char *newer)
{
	const char *at = older;

	while ((at = strstr(at, SECRET_BEGINS))) {
		const char *end = strstr(at, SECRET_ENDS);
		char *secret = end ? strndup(at, (size_t)(end - at)) : NULL;
		bool found = secret && strstr(newer, secret);

		free(secret);
		if (!found)
			return false;
		at = end;
	}
	return true;
}

/** A name for the record before @newer, where nothing is lost by it. */
static int name_before(const char *path, const char *newer, char ret[static PATH_MAX],
		       struct lk_err *err)
{
	struct stat st;

	for (unsigned int i = 1; i <= BEFORE_MAX; i++) {
		LK_OWNED_BUF there = LK_BUF_NONE;
		char number[8] = "";

		if (i > 1)
			(void)snprintf(number, sizeof(number), ".%u", i);
		if (snprintf(ret, PATH_MAX, "%s.old%s", path, number) >= PATH_MAX)
			break;
		if (lstat(ret, &st) != 0 && errno == ENOENT)
			return LK_OK;
		if (lk_fs_check_regular(ret, NULL) == LK_OK &&
		    lk_fs_read(ret, RECORD_MAX, &there, NULL) == LK_OK &&
		    has_all_secrets((const char *)there.data, newer))
			return LK_OK;
	}
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"%s: the record before can't be kept, since each %s.old has secrets of its own: move these away, to a safe place",
		path, path);
}

/** Who may read it stays so, as far as the system lets us. */
static int replace(const char *path, struct lk_bytes text, struct lk_err *err)
{
	struct stat before = { 0 };
	bool existed = stat(path, &before) == 0;
	int rc = lk_fs_replace(path, text.data, text.len, 0600, err);

	if (rc == LK_OK && existed && before.st_uid != geteuid() &&
	    chown(path, before.st_uid, before.st_gid) != 0)
		return LK_OK;
	return rc;
}

int lk_record_save(const char *path, const struct lk_json *record, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_BUF now = LK_BUF_NONE;
	char real[PATH_MAX], before[PATH_MAX];
	struct stat st;
	int rc = lk_json_write(record, &text, err);

	if (rc != LK_OK)
		return rc;
	if (text.len > RECORD_MAX)
		return lk_err_set(err, LK_E_REFUSED, 0,
				  "%s: a record has at most %u bytes, and this one would have %zu",
				  path, RECORD_MAX, text.len);
	lk_record_follow(path, real);
	if (stat(real, &st) == 0) {
		rc = lk_fs_read(real, RECORD_MAX, &now, err);
		if (rc == LK_OK && now.len == text.len && !memcmp(now.data, text.data, text.len))
			return LK_OK;
		if (rc == LK_OK)
			rc = name_before(real, (const char *)text.data, before, err);
		if (rc == LK_OK)
			rc = replace(before, (struct lk_bytes){ now.data, now.len }, err);
	}
	return rc == LK_OK ? replace(real, (struct lk_bytes){ text.data, text.len }, err) : rc;
}

/** As much as the record, the one before and what is to come will take. */
static int try_room(const char *path, size_t len, struct lk_err *err)
{
	LK_OWNED_BUF room = { calloc(1, 2 * len + ROOM), 2 * len + ROOM };
	char other[PATH_MAX];
	int rc;

	if (!room.data)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	if (snprintf(other, sizeof(other), "%s.try-%ld", path, (long)getpid()) >= PATH_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: the path is too long", path);
	rc = lk_fs_replace(other, room.data, room.len, 0600, err);
	(void)unlink(other);
	return rc;
}

int lk_record_try(const char *path, const char *recipient, struct lk_err *err)
{
	static const uint8_t anything[1];
	LK_OWNED_JSON record = NULL;
	LK_OWNED_BUF cms = LK_BUF_NONE;
	LK_OWNED_BUF text = LK_BUF_NONE;
	char real[PATH_MAX];
	bool existed;

	LK_TRY(lk_record_load(path, &record, &existed, err));
	if (recipient)
		LK_TRY(lk_cms_encrypt(recipient, (struct lk_bytes){ anything, 1 }, &cms, err));
	lk_record_follow(path, real);
	if (existed)
		LK_TRY(lk_fs_read(real, RECORD_MAX, &text, err));
	if (try_room(real, text.len, err) != LK_OK) {
		lk_err_prefix(err, "--record %s can't be written, and nothing was changed", path);
		return LK_E_IO;
	}
	/* A file may be immutable, or mounted by itself. */
	if (existed && replace(real, (struct lk_bytes){ text.data, text.len }, err) != LK_OK) {
		lk_err_prefix(err, "--record %s can't be replaced, and nothing was changed", path);
		return LK_E_IO;
	}
	return LK_OK;
}
