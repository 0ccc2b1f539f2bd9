/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns keeping what was there, when whoever put it there may still write to it. */
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generation.h"
#include "sys/crypto/crypto_stream.h"
#include "sys/os/fs.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"

#define CHUNK	    (64u * 1024u)
#define ASIDE	    ".replaced"
#define ASIDE_NAMES 10u
#define COPY	    "generations/.copy"
#define EARLIER	    "earlier"
#define HISTORY	    3u /* records of what was at one place, the newest last */
#define MODE_OWN    0755u

static int pump(int fd, int to, uint64_t max, struct lk_hasher *hasher, uint64_t *ret,
		struct lk_err *err)
{
	uint8_t buf[CHUNK];
	uint64_t done = 0;
	int rc = LK_OK;

	while (rc == LK_OK) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = lk_err_set(err, LK_E_IO, (uint32_t)errno, "can't read: %s",
					strerror(errno));
		if (n <= 0)
			break;
		done += (uint64_t)n;
		if (done > max)
			rc = lk_err_set(err, LK_E_REFUSED, 0, "more than %llu bytes",
					(unsigned long long)max);
		if (rc == LK_OK)
			rc = lk_hasher_update(hasher, buf, (size_t)n, err);
		if (rc == LK_OK && to >= 0)
			rc = lk_tree_write(to, buf, (size_t)n, err);
	}
	lk_wipe(buf, sizeof(buf));
	*ret = done;
	return rc;
}

int lk_keep_measure(const struct lk_uc *uc, const char *path, int to, uint64_t max,
		    struct lk_agreed_file *ret, struct lk_err *err)
{
	LK_OWNED_HASHER hasher = NULL;
	LK_OWNED_FD fd = -1;
	struct lk_digest d;
	struct stat st;
	int rc = lk_tree_open_file(uc->at, path, &fd, err);

	if (rc != LK_OK)
		return rc;
	if (fstat(fd, &st) != 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", path, strerror(errno));
	/* A terabyte of holes is told by its size; what grows, by reading it. */
	if ((uint64_t)st.st_size > max)
		return lk_err_set(err, LK_E_REFUSED, 0, "%s: %llu bytes, where %llu may be", path,
				  (unsigned long long)st.st_size, (unsigned long long)max);
	rc = lk_hasher_new(LK_ALG_SHA256, &hasher, err);
	if (rc == LK_OK)
		rc = pump(fd, to, max, hasher, &ret->size, err);
	if (rc == LK_OK)
		rc = lk_hasher_final(hasher, &d, err);
	if (rc != LK_OK) {
		lk_err_prefix(err, "%s", path);
		return rc;
	}
	memcpy(ret->digest, d.data, LK_AGREED_DIGEST);
	ret->mode = st.st_mode & 07777;
	ret->uid = st.st_uid;
	ret->gid = st.st_gid;
	return LK_OK;
}

bool lk_keep_is_others(const struct lk_uc *uc, const char *destination)
{
	const char *upload = uc->settings.upload_directory.text;
	size_t len = strlen(upload);
	char folder[PATH_MAX];

	if (strncmp(destination, upload, len) == 0 && destination[len] == '/')
		return true;
	for (const char *p = strchr(destination + 1, '/'); p; p = strchr(p + 1, '/')) {
		LK_OWNED_FD fd = -1;
		struct stat st;

		memcpy(folder, destination, (size_t)(p - destination));
		folder[p - destination] = '\0';
		if (lk_tree_open_dir(uc->at, folder, false, &fd, NULL) != LK_OK ||
		    fstat(fd, &st) != 0)
			return false;
		if (st.st_uid != geteuid() || st.st_mode & 022)
			return true;
	}
	return false;
}

int lk_keep_read_record(const struct lk_uc *uc, const struct lk_agreement_key *key,
			struct lk_agreed *ret, struct lk_err *err)
{
	struct lk_err why = { 0 };
	int rc = lk_agreement_read(uc, key, LK_GENERATION_ORIGINAL, ret, &why);

	if (rc == LK_OK)
		return LK_OK;
	*ret = LK_AGREED_NONE;
	if (rc != LK_E_POLICY)
		return lk_err_set(err, why.rc, why.code, "%s", why.msg);
	if (why.code != ENOENT)
		lk_log(LK_LOG_ERR, "%s; no file that was kept before is put in place", why.msg);
	return LK_OK;
}

static uint64_t bytes_kept(const struct lk_agreed *record)
{
	uint64_t total = 0;

	/* Of several for one place the last is the one that is there. */
	for (size_t i = 0; i < record->n_files; i++)
		if (i + 1 == record->n_files ||
		    strcmp(record->files[i].destination, record->files[i + 1].destination) != 0)
			total += record->files[i].size;
	return total;
}

/* Those before are what a kept configuration may have copies of. */
static int note(struct lk_agreed *record, const struct lk_agreed_file *file, struct lk_err *err)
{
	size_t n = 0;
	const struct lk_agreed_file *first = lk_agreed_find(record, file->destination, &n);
	int rc;

	if (n >= HISTORY)
		lk_agreed_remove(record, (size_t)(first - record->files));
	rc = lk_agreed_add(record, file, err);
	if (rc == LK_OK)
		lk_agreed_sort(record);
	return rc;
}

/* Names that say what it was, and at last one that nobody can have taken. */
static int aside_name(const char *name, unsigned int i, char ret[static NAME_MAX + 1],
		      struct lk_err *err)
{
	char temporary[LK_TREE_TEMPORARY_SIZE];
	int n = snprintf(ret, NAME_MAX + 1, i ? "%s" ASIDE ".%u" : "%s" ASIDE, name, i);

	if (n <= NAME_MAX && i < ASIDE_NAMES)
		return LK_OK;
	LK_TRY(lk_tree_temporary(temporary, err));
	(void)snprintf(ret, NAME_MAX + 1, "%s" ASIDE, temporary);
	return LK_OK;
}

/* Out of the way, and not lost. */
static int put_aside(const struct lk_uc *uc, const char *destination, struct lk_err *err)
{
	char aside[NAME_MAX + 1];
	LK_OWNED_FD dir = -1;
	const char *name;
	int rc = lk_tree_open_parent(uc->at, destination, false, &dir, &name, err);

	for (unsigned int i = 0; rc == LK_OK && i <= ASIDE_NAMES; i++) {
		LK_TRY(aside_name(name, i, aside, err));
		if (renameat2(dir, name, dir, aside, RENAME_NOREPLACE) == 0) {
			lk_log(LK_LOG_WARNING,
			       "%s: what was there can't be kept; it is called %s now", destination,
			       aside);
			return LK_OK;
		}
		if (errno == ENOENT)
			return LK_OK;
	}
	return rc != LK_OK ? rc
			   : lk_err_set(err, LK_E_REFUSED, 0,
					"%s: what is there can't be kept, nor put aside: %s",
					destination, strerror(errno));
}

static int copy_kept(const struct lk_uc *uc, const char *destination, uint64_t max,
		     struct lk_agreed_file *ret, struct lk_err *err)
{
	char path[PATH_MAX];
	const struct lk_tree_file file = { path, 0600, geteuid(), getegid() };
	LK_OWNED_FD fd = -1;
	int rc;

	lk_uc_state(uc, COPY, path);
	rc = lk_tree_remove(uc->at, path, err);
	if (rc == LK_OK)
		rc = lk_tree_create(uc->at, &file, &fd, err);
	if (rc == LK_OK)
		rc = lk_keep_measure(uc, destination, fd, max, ret, err);
	if (rc != LK_OK)
		return rc;
	ret->mode &= 0777;
	/* Who owns a file can write to it, wherever it lies. */
	if (lk_keep_is_others(uc, destination)) {
		ret->uid = geteuid();
		ret->gid = getegid();
		ret->mode &= MODE_OWN & uc->settings.modes;
	}
	if (fchown(fd, ret->uid, ret->gid) != 0 || fchmod(fd, ret->mode) != 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", path, strerror(errno));
	return LK_OK;
}

/* A name of "earlier" that is free; "" where all are taken. */
static int earlier_name(const struct lk_uc *uc, const char *destination, char ret[static PATH_MAX],
			struct lk_err *err)
{
	char folder[PATH_MAX], path[PATH_MAX], number[] = ".1";
	enum lk_tree_kind kind = LK_TREE_NONE;

	lk_generation_path(uc, LK_GENERATION_ORIGINAL, EARLIER, folder);
	lk_uc_join(path, folder, destination);
	for (; number[1] <= '9'; number[1]++) {
		lk_uc_join(ret, path, number);
		LK_TRY(lk_tree_kind(uc->at, ret, &kind, err));
		if (kind == LK_TREE_NONE)
			return LK_OK;
	}
	return lk_err_set(
		err, LK_E_REFUSED, 0,
		"%s: nine files that were there before are kept as %s.1 to .9; look at them, and take away what nobody needs",
		destination, path);
}

int lk_keep_earlier(const struct lk_uc *uc, const char *destination, struct lk_err *err)
{
	struct lk_agreed_file f = { .path = NULL };
	char copy[PATH_MAX], final[PATH_MAX];

	lk_uc_state(uc, COPY, copy);
	LK_TRY(earlier_name(uc, destination, final, err));
	LK_TRY(copy_kept(uc, destination, uc->settings.max_file, &f, err));
	LK_TRY(lk_tree_rename(uc->at, copy, final, err));
	lk_log(LK_LOG_WARNING, "%s was changed on this device; what it was is kept as %s",
	       destination, final);
	return LK_OK;
}

/* The file that is kept for that place so far isn't lost for another one. Where others can
 * write, they could have as many kept as they like, and the last one alone is. */
static int keep_both(const struct lk_uc *uc, const char *destination, const char *copy,
		     const char *final, struct lk_err *err)
{
	char earlier[PATH_MAX];
	bool same = false;

	LK_TRY(lk_tree_same(uc->at, copy, uc->at, final, &same, err));
	if (same || lk_keep_is_others(uc, destination))
		return LK_OK;
	LK_TRY(earlier_name(uc, destination, earlier, err));
	LK_TRY(lk_tree_rename(uc->at, final, earlier, err));
	lk_log(LK_LOG_WARNING, "%s: the file that was kept for it until now is %s", destination,
	       earlier);
	return LK_OK;
}

/* In generation 0 one place may have been a file at one time and a folder at another. */
static int place_kept(const struct lk_uc *uc, const char *destination, struct lk_err *err)
{
	char copy[PATH_MAX], final[PATH_MAX];
	enum lk_tree_kind kind = LK_TREE_NONE;
	int rc;

	lk_uc_state(uc, COPY, copy);
	lk_generation_file(uc, LK_GENERATION_ORIGINAL, destination, final);
	rc = lk_tree_kind(uc->at, final, &kind, err);
	if (rc == LK_OK && kind == LK_TREE_DIR)
		return lk_err_set(err, LK_E_REFUSED, 0, "files of a folder of that name are kept");
	if (rc == LK_OK && kind == LK_TREE_FILE)
		rc = keep_both(uc, destination, copy, final, err);
	if (rc == LK_OK)
		rc = lk_tree_remove(uc->at, final, err);
	return rc == LK_OK ? lk_tree_rename(uc->at, copy, final, err) : rc;
}

int lk_keep_file(const struct lk_uc *uc, const char *destination, struct lk_agreed *record,
		 bool *ret_kept, struct lk_err *err)
{
	uint64_t used = bytes_kept(record), max = uc->settings.max_file;
	char place[LK_UC_DEST_MAX + 1], none[] = "";
	struct lk_agreed_file f = { .path = none, .destination = place };
	struct lk_err why = { 0 };
	int rc;

	if (used + max > uc->settings.max_total)
		max = uc->settings.max_total > used ? uc->settings.max_total - used : 0;
	*ret_kept = false;
	(void)snprintf(place, sizeof(place), "%s", destination);
	/* What is recorded must be read again. */
	if (record->n_files >= LK_AGREEMENT_FILES_MAX(uc))
		rc = lk_err_set(&why, LK_E_REFUSED, 0, "too many files are kept already");
	else
		rc = copy_kept(uc, destination, max, &f, &why);
	if (rc == LK_OK)
		rc = place_kept(uc, destination, &why);
	if (rc == LK_E_REFUSED && lk_keep_is_others(uc, destination))
		return put_aside(uc, destination, err);
	if (rc == LK_E_REFUSED)
		return lk_err_set(
			err, rc, 0,
			"%s: too large to be kept, or something else than a file that can be (%s)",
			destination, why.msg);
	/* It is gone meanwhile. */
	if (rc == LK_E_IO && why.code == ENOENT)
		return LK_OK;
	if (rc != LK_OK)
		return lk_err_set(err, rc, why.code, "%s", why.msg);
	rc = note(record, &f, err);
	*ret_kept = rc == LK_OK;
	return rc;
}

static bool is_the_disk(const struct lk_err *err)
{
	return err->rc == LK_E_SYSTEM || err->code == ENOSPC || err->code == EDQUOT ||
	       err->code == EROFS;
}

int lk_keep_restore(const struct lk_uc *uc, const struct lk_agreed *record, const char *destination,
		    const char *to, bool *ret_done, struct lk_err *err)
{
	size_t n = 0;
	const struct lk_agreed_file *f = lk_agreed_find(record, destination, &n);
	struct lk_agreed_file is = { .path = NULL };
	struct lk_err why = { 0 };
	char from[PATH_MAX];
	LK_OWNED_FD fd = -1;
	int rc = LK_OK;

	lk_generation_file(uc, LK_GENERATION_ORIGINAL, destination, from);
	*ret_done = false;
	if (f) {
		const struct lk_tree_file file = { to, f[n - 1].mode, f[n - 1].uid, f[n - 1].gid };

		f += n - 1;
		rc = lk_tree_create(uc->at, &file, &fd, &why);
		if (rc == LK_OK)
			rc = lk_keep_measure(uc, from, fd, f->size, &is, &why);
		*ret_done = rc == LK_OK && is.size == f->size &&
			    memcmp(is.digest, f->digest, sizeof(is.digest)) == 0;
	}
	if (rc != LK_OK && is_the_disk(&why))
		return lk_err_set(err, rc, why.code, "%s", why.msg);
	if (*ret_done)
		return LK_OK;
	lk_log(LK_LOG_ERR,
	       "%s: the file that was there before Latchkey's isn't put in place: %s isn't what was kept%s%s; look at it, and put it there by hand",
	       destination, from, why.msg[0] ? ": " : "", why.msg);
	return fd >= 0 ? lk_tree_remove(uc->at, to, err) : LK_OK;
}
