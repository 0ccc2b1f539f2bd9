/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns making the archive ready, and sealing it into one blob. */
#include "config/sealing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob/seal.h"
#include "config/content.h"
#include "core/config/manifest.h"
#include "outfile.h"
#include "sys/os/progress.h"

/* Bytes on the way into the archive's file. */
struct packing {
	struct lk_sink to;
	struct lk_progress *progress;
	uint64_t done;
};

static int count_and_write(void *ctx, const uint8_t *data, size_t len, struct lk_err *err)
{
	struct packing *p = ctx;

	p->done += len;
	if (p->progress)
		p->progress->tell(p->progress->ctx, p->done, 0);
	return p->to.write(p->to.ctx, data, len, err);
}

/* A file first: it is checked as a device will, and sealed as often as needed.
 * It has no name, and isn't beside the blob: that may be a stick that leaves
 * the house. */
static int pack(struct lk_sealing *s, const struct lk_sealing_input *input,
		struct lk_progress *progress, struct lk_err *err)
{
	const struct lk_pack how = { .dir = input->path,
				     .over = input->over,
				     .first = LK_MANIFEST_NAME,
				     .mtime = input->mtime,
				     .compression = input->compression };
	struct packing packing = { .progress = progress };
	const struct lk_sink to = { count_and_write, &packing };
	int rc = lk_nameless_file(&s->archive, err);

	packing.to = lk_fd_sink(&s->archive);
	if (rc == LK_OK)
		rc = lk_archive_pack(&how, &to, err);
	s->archive_size = packing.done;
	return rc;
}

static int pack_and_tell(struct lk_sealing *s, const struct lk_sealing_input *input,
			 struct lk_err *err)
{
	LK_OWNED_PROGRESS meter;

	lk_progress_begin(&meter, "packing");
	return pack(s, input, &meter.progress, err);
}

static int open_archive(struct lk_sealing *s, const char *path, struct lk_err *err)
{
	struct stat st;

	s->archive = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->archive < 0 || fstat(s->archive, &st) != 0)
		return lk_err_set(err, LK_E_INPUT, (uint32_t)errno, "%s: can't open: %s", path,
				  strerror(errno));
	if (!S_ISREG(st.st_mode))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: not a regular file", path);
	s->archive_size = (uint64_t)st.st_size;
	return LK_OK;
}

static int check(const struct lk_sealing *s, const char *path, struct lk_err *err)
{
	struct lk_fd_reader reader = { s->archive, 0 };
	const struct lk_source from = lk_fd_source(&reader);
	int rc = lk_content_check(&from, s->archive_size, err);

	if (rc != LK_OK)
		lk_err_prefix(err, "%s", path);
	return rc;
}

int lk_sealing_prepare(struct lk_sealing *s, const struct lk_sealing_input *input,
		       struct lk_err *err)
{
	struct stat st;
	bool found = stat(input->path, &st) == 0;
	bool is_dir = found && S_ISDIR(st.st_mode);
	int rc;

	if (!found)
		return lk_err_set(err, LK_E_INPUT, (uint32_t)errno, "%s: can't open: %s",
				  input->path, strerror(errno));
	if (is_dir && input->is_archive)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "%s is a folder: without --from-archive it is packed",
				  input->path);
	if (!is_dir && !input->is_archive)
		return lk_err_set(err, LK_E_USAGE, 0,
				  "%s isn't a folder; --from-archive takes an archive",
				  input->path);
	if (s->templates)
		return LK_OK;
	rc = is_dir ? pack_and_tell(s, input, err) : open_archive(s, input->path, err);
	return rc == LK_OK ? check(s, input->path, err) : rc;
}

int lk_sealing_for_one(const struct lk_sealing *s, const char *name, struct lk_sealing *ret,
		       struct lk_err *err)
{
	struct lk_sealing_input input = *s->input;
	char over[PATH_MAX];

	*ret = *s;
	ret->archive = -1;
	if (snprintf(over, sizeof(over), "%s/%s", s->templates, name) >= (int)sizeof(over))
		return lk_err_set(err, LK_E_INPUT, 0, "%.80s...: the path is too long",
				  s->templates);
	if (access(over, F_OK) != 0 && errno == ENOENT)
		return lk_err_set(err, LK_E_INPUT, ENOENT,
				  "%s isn't there: each device needs a folder of its own", over);
	input.over = over;
	LK_TRY(pack(ret, &input, NULL, err));
	return check(ret, over, err);
}

int lk_sealing_write(const struct lk_sealing *s, const uint8_t target[static LK_BLOB_ID_SIZE],
		     struct lk_outfile *file, const struct lk_progress *progress,
		     struct lk_err *err)
{
	struct lk_fd_reader reader = { s->archive, 0 };
	const struct lk_source content = lk_fd_source(&reader);
	struct lk_seal seal = { .key = s->key,
				.config_key = &s->config_key,
				.sequence = s->sequence,
				.created = s->created,
				.plain_len = s->archive_size,
				.progress = progress };
	int rc;

	memcpy(seal.target, target, sizeof(seal.target));
	rc = lk_blob_seal(&seal, &content, file->fd, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", file->out->path);
	return rc;
}

int lk_sealing_blob(const struct lk_sealing *s, const uint8_t target[static LK_BLOB_ID_SIZE],
		    const char *path, const struct lk_progress *progress, struct lk_err *err)
{
	const struct lk_output output = { path, s->force };
	LK_OWNED_OUTFILE file = LK_OUTFILE_NONE;
	int rc = lk_outfile_open(&output, &file, err);

	if (rc == LK_OK)
		rc = lk_sealing_write(s, target, &file, progress, err);
	return rc == LK_OK ? lk_outfile_commit(&file, 0644, err) : rc;
}
