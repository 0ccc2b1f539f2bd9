/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing long output under another name until it is whole. */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/os/fs.h"

static int writing_failed(struct lk_err *err, const char *path, const char *what)
{
	int saved = errno;

	return lk_err_set(err, LK_E_IO, (uint32_t)saved, "%s: %s: %s", path, what, strerror(saved));
}

static int taken(struct lk_err *err, const char *path)
{
	return lk_err_set(err, LK_E_REFUSED, EEXIST, "%s exists already: --force replaces it",
			  path);
}

static int copy_path(const char *path, char out[static PATH_MAX], struct lk_err *err)
{
	if (strlen(path) >= PATH_MAX - sizeof(LK_TEMPORARY))
		return lk_err_set(err, LK_E_USAGE, 0, "the path is too long");
	strcpy(out, path);
	return LK_OK;
}

int lk_outfile_check(const struct lk_output *out, struct lk_err *err)
{
	char folder[PATH_MAX];
	struct stat st;
	int rc = copy_path(out->path, folder, err);

	if (rc != LK_OK)
		return rc;
	/* It is read again, for its hash; and is whole, or not there. */
	if (!strcmp(out->path, "-"))
		return lk_err_set(err, LK_E_USAGE, 0,
				  "-: standard output won't do; it has to be a file");
	if (lstat(out->path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return lk_err_set(err, LK_E_REFUSED, EISDIR, "%s: a folder is there",
					  out->path);
		if (!out->force)
			return taken(err, out->path);
	}
	if (access(dirname(folder), W_OK | X_OK) != 0)
		return writing_failed(err, out->path, "can't create");
	return LK_OK;
}

int lk_outfile_open(const struct lk_output *out, struct lk_outfile *ret, struct lk_err *err)
{
	struct lk_outfile f = { .out = out };
	int rc = lk_outfile_check(out, err);

	if (rc == LK_OK)
		rc = copy_path(out->path, f.temporary, err);
	if (rc != LK_OK)
		return rc;
	strcat(f.temporary, LK_TEMPORARY);
	f.fd = mkostemp(f.temporary, O_CLOEXEC);
	if (f.fd < 0)
		return writing_failed(err, out->path, "can't create");
	*ret = f;
	return LK_OK;
}

/* FAT, as on a stick that goes to the device, has no hard links; some file
 * systems can't rename without replacing: there a look has to do. */
static int put_in_place(const struct lk_outfile *f)
{
	const char *path = f->out->path;
	struct stat st;

	if (f->out->force)
		return rename(f->temporary, path);
	if (renameat2(AT_FDCWD, f->temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (lstat(path, &st) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(f->temporary, path);
}

int lk_outfile_sync_folder(const char *folder, struct lk_err *err)
{
	LK_OWNED_FD fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) != 0 ? writing_failed(err, folder, "can't write") : LK_OK;
}

int lk_outfile_finish(struct lk_outfile *f, mode_t mode, struct lk_err *err)
{
	if (fchmod(f->fd, mode) != 0)
		return writing_failed(err, f->out->path, "can't write");
	/* Whether that is known here doesn't matter: placing waits. */
	(void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return LK_OK;
}

int lk_outfile_place(struct lk_outfile *f, struct lk_err *err)
{
	const char *path = f->out->path;

	if (fsync(f->fd) != 0)
		return writing_failed(err, path, "can't write");
	if (put_in_place(f) != 0)
		return errno == EEXIST ? taken(err, path)
				       : writing_failed(err, path, "can't create");
	f->temporary[0] = '\0';
	return LK_OK;
}

int lk_outfile_commit(struct lk_outfile *f, mode_t mode, struct lk_err *err)
{
	char folder[PATH_MAX];
	int rc = lk_outfile_finish(f, mode, err);

	if (rc == LK_OK)
		rc = lk_outfile_place(f, err);
	if (rc != LK_OK)
		return rc;
	strcpy(folder, f->out->path);
	return lk_outfile_sync_folder(dirname(folder), err);
}

void lk_outfile_done(struct lk_outfile *f)
{
	lk_fd_closep(&f->fd);
	if (f->temporary[0])
		(void)unlink(f->temporary);
	f->temporary[0] = '\0';
}

static int write_all(void *ctx, const uint8_t *data, size_t len, struct lk_err *err)
{
	const int *fd = ctx;

	while (len) {
		ssize_t n = write(*fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lk_err_set(err, LK_E_IO, (uint32_t)errno, "can't write: %s",
					  strerror(errno));
		data += n;
		len -= (size_t)n;
	}
	return LK_OK;
}

struct lk_sink lk_fd_sink(int *fd)
{
	return (struct lk_sink){ write_all, fd };
}

int lk_nameless_file(int *ret, struct lk_err *err)
{
	const char *folder = secure_getenv("TMPDIR");
	char path[PATH_MAX];

	if (!folder || !*folder)
		folder = "/var/tmp";
	*ret = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*ret >= 0)
		return LK_OK;
	if (snprintf(path, sizeof(path), "%s/latchkey" LK_TEMPORARY, folder) >= (int)sizeof(path))
		return lk_err_set(err, LK_E_USAGE, 0, "$TMPDIR is too long");
	*ret = mkostemp(path, O_CLOEXEC);
	if (*ret < 0)
		return writing_failed(err, folder, "can't make a temporary file");
	(void)unlink(path);
	return LK_OK;
}
