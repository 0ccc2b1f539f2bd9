/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns latchkey config open: a blob's content, for who has the keys. */
#include <unistd.h> /* optind */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "config/opened.h"
#include "outfile.h"
#include "sys/os/fs.h"
#include "sys/os/tree.h"

/** Where files go, until all of them are there. */
struct extraction {
	const char *folder; /* the name in the end */
	char temporary[PATH_MAX];
	int fd;
};

static int io_error(const char *path, struct lk_err *err)
{
	return lk_err_set(err, LK_E_IO, (uint32_t)errno, "%s: %s", path, strerror(errno));
}

static int begin(struct extraction *x, struct lk_err *err)
{
	struct stat st;

	if (lstat(x->folder, &st) == 0)
		return lk_err_set(err, LK_E_REFUSED, EEXIST,
				  "%s exists already; a new folder is made", x->folder);
	if (strlen(x->folder) >= PATH_MAX - sizeof(LK_TEMPORARY))
		return lk_err_set(err, LK_E_USAGE, 0, "the path is too long");
	strcpy(x->temporary, x->folder);
	/* "new/" means the same, and a name after the slash lies elsewhere. */
	for (size_t n = strlen(x->temporary); n > 1; n--) {
		if (x->temporary[n - 1] != '/')
			break;
		x->temporary[n - 1] = '\0';
	}
	strcat(x->temporary, LK_TEMPORARY);
	if (!mkdtemp(x->temporary)) {
		x->temporary[0] = '\0';
		return io_error(x->folder, err);
	}
	return lk_tree_open_root(x->temporary, &x->fd, err);
}

static int write_file(void *ctx, const struct lk_content_file *file, struct lk_err *err)
{
	const struct extraction *x = ctx;
	const struct lk_tree_file new = {
		.path = file->path, .mode = file->mode & 0777, .uid = geteuid(), .gid = getegid()
	};
	uint8_t buf[64 * 1024];
	LK_OWNED_FD fd = -1;
	size_t len = 1;
	int rc = lk_tree_create(x->fd, &new, &fd, err);

	while (rc == LK_OK && len) {
		rc = file->data->read(file->data->ctx, buf, sizeof(buf), &len, err);
		if (rc == LK_OK && len)
			rc = lk_tree_write(fd, buf, len, err);
	}
	lk_wipe(buf, sizeof(buf));
	return rc;
}

static int finish_extraction(struct extraction *x, struct lk_err *err)
{
	int rc = lk_tree_sync(x->fd, err);

	if (rc != LK_OK)
		return rc;
	/* Where the file system has no such rename, a folder that was made in
	 * between is replaced only if it is empty (rename(2)). */
	if (renameat2(AT_FDCWD, x->temporary, AT_FDCWD, x->folder, RENAME_NOREPLACE) != 0 &&
	    ((errno != EINVAL && errno != ENOSYS) || rename(x->temporary, x->folder) != 0))
		return io_error(x->folder, err);
	x->temporary[0] = '\0';
	return LK_OK;
}

static int open_folder_of(const char *path, const char *name)
{
	char folder[PATH_MAX];

	memcpy(folder, path, (size_t)(name - path));
	folder[name - path] = '\0';
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void clean_up(struct extraction *x)
{
	const char *name = strrchr(x->temporary, '/');
	LK_OWNED_FD parent = -1;

	lk_fd_closep(&x->fd);
	if (!x->temporary[0])
		return;
	name = name ? name + 1 : x->temporary;
	if (name == x->temporary)
		parent = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else
		parent = open_folder_of(x->temporary, name);
	if (parent >= 0)
		(void)lk_tree_remove(parent, name, NULL);
}

/* All is looked at before the first file is made. */
static int extract(const struct lk_opened *blob, const char *folder, struct lk_err *err)
{
	struct extraction x = { .folder = folder, .fd = -1 };
	const struct lk_content_visitor visitor = { write_file, &x };
	int rc = lk_opened_walk(blob, "checking", NULL, err);

	if (rc == LK_OK)
		rc = begin(&x, err);
	if (rc == LK_OK)
		rc = lk_opened_walk(blob, "unpacking", &visitor, err);
	if (rc == LK_OK)
		rc = finish_extraction(&x, err);
	clean_up(&x);
	return rc;
}

static int write_archive(const struct lk_opened *blob, const struct lk_output *out,
			 struct lk_err *err)
{
	LK_OWNED_OUTFILE file = LK_OUTFILE_NONE;
	struct lk_sink to;
	int rc = lk_outfile_open(out, &file, err);

	if (rc != LK_OK)
		return rc;
	to = lk_fd_sink(&file.fd);
	rc = lk_opened_copy(blob, &to, err);
	if (rc == LK_E_IO)
		lk_err_prefix(err, "%s", out->path);
	return rc == LK_OK ? lk_outfile_commit(&file, 0600, err) : rc;
}

static int open_blob(const char *path, const struct lk_opening_keys *keys, const char *folder,
		     const struct lk_output *archive, struct lk_err *err)
{
	LK_OWNED_OPENED blob = LK_OPENED_NONE;
	int rc = lk_secret_harden_process(err);

	if (rc == LK_OK)
		rc = lk_opened_init(path, keys, &blob, err);
	if (rc != LK_OK)
		return rc;
	return folder ? extract(&blob, folder, err) : write_archive(&blob, archive, err);
}

static int run_config_open(int argc, char **argv, struct lk_err *err)
{
	struct lk_opening_keys keys = { NULL, NULL };
	struct lk_output archive = { NULL, false };
	const char *folder = NULL;
	const struct lk_option options[] = {
		{ "policy-key", 'k', true, "PUB", "public policy key, in PEM", &keys.policy_key,
		  NULL },
		{ "config-key", 'c', true, "FILE", "configuration key of the devices",
		  &keys.config_key, NULL },
		{ "output", 'o', false, "DIR", "new folder for the files", &folder, NULL },
		{ "archive", 'a', false, "FILE", "write the archive as it is, instead",
		  &archive.path, NULL },
		{ "force", 'f', false, NULL, "replace the archive's file", NULL, &archive.force },
		LK_OPTIONS_END
	};
	int rc = lk_cli_parse(&lk_host_cli, &lk_cmd_config_open, options, argc, argv, err);

	if (rc != LK_OK)
		return rc;
	if (!folder == !archive.path)
		return lk_err_set(err, LK_E_USAGE, 0, "either --output DIR or --archive FILE");
	if (folder && !strcmp(folder, "-"))
		return lk_err_set(err, LK_E_USAGE, 0,
				  "--output -: standard output won't do; it has to be a folder");
	return open_blob(argv[optind], &keys, folder, &archive, err);
}

const struct lk_cli_command lk_cmd_config_open = {
	.words = "config open",
	.operands = "BLOB",
	.summary = "Verify and decrypt a blob: its files, or its archive",
	.details = "The whole archive is checked before the first file is\n"
		   "made. DIR must not be there yet; it is whole, or not there.\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_config_open,
};
