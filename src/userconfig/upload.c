/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what is done with a file in a folder that somebody else writes to. */
#include "upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/os/fs.h"
#include "sys/os/tree.h"

#define CHUNK	   (64u * 1024u)
#define REASON	   ".txt"
#define REASON_MAX (LK_TREE_TEMPORARY_SIZE + sizeof(REASON))
#define ASIDE_MAX  (LK_UC_NAME_MAX + 16u)

void lk_upload_done(struct lk_upload *upload)
{
	lk_fd_closep(&upload->fd);
	lk_fd_closep(&upload->dir);
}

static int upload_failed(struct lk_err *err, const struct lk_upload *upload, const char *what)
{
	return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s: %s", upload->where, what,
			  strerror(errno));
}

static int not_regular(const struct lk_upload *upload, mode_t mode, struct lk_err *err)
{
	return lk_err_set(err, LK_E_REFUSED, 0, "%s is %s; a regular file is wanted", upload->where,
			  S_ISLNK(mode)	  ? "a symbolic link"
			  : S_ISDIR(mode) ? "a folder"
					  : "a device, FIFO or socket");
}

static int open_regular(struct lk_upload *upload, const char *path, struct lk_err *err)
{
	int at = upload->dir >= 0 ? upload->dir : AT_FDCWD;
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;

	if (upload->dir >= 0)
		flags |= O_NOFOLLOW;
	upload->fd = openat(at, path, flags);
	if (upload->fd < 0 && errno == ELOOP)
		return not_regular(upload, S_IFLNK, err);
	if (upload->fd < 0)
		return upload_failed(err, upload, "can't open");
	if (fstat(upload->fd, &st) != 0)
		return upload_failed(err, upload, "can't look at");
	return S_ISREG(st.st_mode) ? LK_OK : not_regular(upload, st.st_mode, err);
}

static int open_named(const struct lk_uc *uc, struct lk_upload *ret, struct lk_err *err)
{
	LK_OWNED_UPLOAD upload = LK_UPLOAD_NONE;
	int rc;

	upload.name = uc->opts->blob;
	upload.where = uc->opts->blob;
	rc = open_regular(&upload, uc->opts->blob, err);
	if (rc != LK_OK)
		return rc == LK_E_IO ? lk_err_set(err, LK_E_INPUT, 0, "%s: %s", upload.where,
						  strerror(errno))
				     : rc;
	*ret = upload;
	upload = LK_UPLOAD_NONE;
	return LK_OK;
}

int lk_upload_open(const struct lk_uc *uc, bool *ret_present, struct lk_upload *ret,
		   struct lk_err *err)
{
	LK_OWNED_UPLOAD upload = LK_UPLOAD_NONE;
	const char *dir = uc->settings.upload_directory.text;
	enum lk_tree_kind kind;
	struct stat st;
	int rc;

	*ret_present = true;
	if (uc->opts->blob)
		return open_named(uc, ret, err);
	*ret_present = false;
	if (!lk_uc_is_mounted(uc, dir))
		return LK_OK;
	rc = lk_tree_kind(uc->at, dir, &kind, err);
	if (rc != LK_OK || kind == LK_TREE_NONE)
		return rc;
	if (kind == LK_TREE_LINK)
		return lk_err_set(
			err, LK_E_REFUSED, 0,
			"%s: the upload directory is a symbolic link; name the folder itself in upload-directory",
			dir);
	rc = lk_tree_open_dir(uc->at, dir, false, &upload.dir, err);
	if (rc != LK_OK)
		return rc;
	upload.name = uc->settings.blob_name.text;
	upload.where = upload.name;
	if (fstatat(upload.dir, upload.name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? LK_OK : upload_failed(err, &upload, "can't look at");
	*ret_present = true;
	/* Anything else isn't even opened, which would wake a device. It is
	 * handed over in any case: who refuses it has to put it aside. */
	rc = S_ISREG(st.st_mode) ? open_regular(&upload, upload.name, err)
				 : not_regular(&upload, st.st_mode, err);
	*ret = upload;
	upload = LK_UPLOAD_NONE;
	return rc;
}

/* Whoever may write there may have put a folder where @to would go: what is
 * refused has to go all the same. */
static int settle(const struct lk_upload *upload, const char *temporary, const char *to,
		  struct lk_err *err)
{
	if ((!*to || renameat(upload->dir, temporary, upload->dir, to) != 0) &&
	    unlinkat(upload->dir, temporary, 0) != 0)
		return upload_failed(err, upload, "can't move away");
	return fsync(upload->dir) == 0 ? LK_OK : upload_failed(err, upload, "can't sync");
}

/*
 * Moves the file that was opened to @to, and nothing else: by way of a name
 * that nobody knows, where it can be told whether it is the one. "" removes.
 */
static int move_away(const struct lk_upload *upload, const char *to, struct lk_err *err)
{
	char temporary[LK_TREE_TEMPORARY_SIZE];
	struct stat ours, moved;
	bool known = upload->fd >= 0 && fstat(upload->fd, &ours) == 0;
	int rc = lk_tree_temporary(temporary, err);

	if (rc != LK_OK)
		return rc;
	if (renameat(upload->dir, upload->name, upload->dir, temporary) != 0)
		return upload_failed(err, upload, "can't move away");
	if (known && (fstatat(upload->dir, temporary, &moved, AT_SYMLINK_NOFOLLOW) != 0 ||
		      moved.st_dev != ours.st_dev || moved.st_ino != ours.st_ino)) {
		/* A new upload, which the next run takes. */
		(void)renameat2(upload->dir, temporary, upload->dir, upload->name,
				RENAME_NOREPLACE);
		return LK_OK;
	}
	return settle(upload, temporary, to, err);
}

int lk_upload_remove(const struct lk_upload *upload, struct lk_err *err)
{
	return upload->dir < 0 ? LK_OK : move_away(upload, "", err);
}

static int write_reason(const struct lk_upload *upload, const char *name, const char *reason,
			struct lk_err *err)
{
	char temporary[REASON_MAX];
	LK_OWNED_FD fd = -1;
	int rc = lk_tree_temporary(temporary, err);

	if (rc != LK_OK)
		return rc;
	strcat(temporary, REASON);
	fd = openat(upload->dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0644);
	if (fd < 0)
		return upload_failed(err, upload, "can't write the reason");
	rc = lk_tree_write(fd, reason, strlen(reason), err);
	if (rc == LK_OK)
		rc = lk_tree_write(fd, "\n", 1, err);
	/* Whoever uploaded it may read why, whatever the umask. */
	if (rc == LK_OK &&
	    (fchmod(fd, 0644) != 0 || renameat(upload->dir, temporary, upload->dir, name) != 0))
		rc = upload_failed(err, upload, "can't write the reason");
	if (rc != LK_OK)
		(void)unlinkat(upload->dir, temporary, 0);
	return rc;
}

int lk_upload_refuse(const struct lk_upload *upload, const char *reason, struct lk_err *err)
{
	char aside[ASIDE_MAX], text[ASIDE_MAX];
	int rc, moved;

	if (upload->dir < 0)
		return LK_OK;
	(void)snprintf(aside, sizeof(aside), "%s.refused", upload->name);
	(void)snprintf(text, sizeof(text), "%s.refused.txt", upload->name);
	/* A full disk, or something in the reason's place, doesn't make the
	 * blob any better. */
	rc = write_reason(upload, text, reason, err);
	moved = move_away(upload, aside, rc == LK_OK ? err : NULL);
	return rc == LK_OK ? moved : rc;
}

static void sweep_entry(const struct lk_uc *uc, int dir, const char *entry)
{
	char name[LK_TREE_TEMPORARY_SIZE];
	size_t len = strlen(entry);
	struct stat st;

	if (len < sizeof(name) - 1 || len >= REASON_MAX)
		return;
	memcpy(name, entry, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	if (!lk_tree_is_temporary(name) || fstatat(dir, entry, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    S_ISDIR(st.st_mode))
		return;
	if (strcmp(entry + sizeof(name) - 1, REASON) == 0)
		(void)unlinkat(dir, entry, 0);
	else if (len == sizeof(name) - 1 &&
		 renameat2(dir, entry, dir, uc->settings.blob_name.text, RENAME_NOREPLACE) != 0 &&
		 errno == EEXIST)
		(void)unlinkat(dir, entry, 0);
}

void lk_upload_sweep(const struct lk_uc *uc)
{
	const struct dirent *entry;
	DIR *stream;
	int fd = -1;

	if (!lk_uc_is_mounted(uc, uc->settings.upload_directory.text) ||
	    lk_tree_open_dir(uc->at, uc->settings.upload_directory.text, false, &fd, NULL) != LK_OK)
		return;
	stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return;
	}
	while ((entry = readdir(stream)))
		sweep_entry(uc, dirfd(stream), entry->d_name);
	closedir(stream);
}

int lk_upload_is(const struct lk_uc *uc, const struct lk_upload *upload, const char *path,
		 bool *ret, struct lk_err *err)
{
	uint8_t theirs[CHUNK], ours[CHUNK];
	LK_OWNED_FD fd = -1;
	uint64_t at = 0;
	int rc = lk_tree_open_file(uc->at, path, &fd, err);

	*ret = rc == LK_OK;
	while (rc == LK_OK && *ret) {
		ssize_t n = pread(upload->fd, theirs, CHUNK, (off_t)at);
		ssize_t m = pread(fd, ours, CHUNK, (off_t)at);

		if (n < 0 || m < 0)
			return upload_failed(err, upload, "can't compare");
		*ret = n == m && memcmp(theirs, ours, (size_t)n) == 0;
		if (n == 0)
			break;
		at += (uint64_t)n;
	}
	return rc;
}
