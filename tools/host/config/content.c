/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading a content by the archive's rules, and its manifest. */
#include "config/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/path_tree.h"
#include "core/config/blob.h"
#include "core/config/manifest.h"
#include "sys/format/archive.h"
#include "sys/format/yaml.h"
#include "sys/os/secret.h"

struct walk {
	struct lk_archive_rules *rules;
	const struct lk_content_visitor *visitor;
};

static int take_entry(void *ctx, const struct lk_archive_entry *entry, const struct lk_source *data,
		      struct lk_err *err)
{
	const struct walk *w = ctx;
	struct lk_content_file file = { .mode = entry->mode, .size = entry->size, .data = data };
	int rc = lk_archive_rules_entry(w->rules, entry, file.path, err);

	if (rc != LK_OK || !w->visitor || entry->kind != LK_ARCHIVE_FILE)
		return rc;
	return w->visitor->file(w->visitor->ctx, &file, err);
}

int lk_content_walk(const struct lk_source *from, uint64_t packed,
		    const struct lk_content_visitor *visitor, struct lk_err *err)
{
	const struct lk_archive_limits limits = {
		.max_entries = LK_CONTENT_ENTRIES_MAX,
		.max_file = LK_BLOB_PLAIN_MAX,
		.max_total = LK_BLOB_PLAIN_MAX,
		.packed = packed,
	};
	LK_OWNED_ARCHIVE_RULES rules = NULL;
	struct walk w = { .visitor = visitor };
	const struct lk_archive_visitor each = { take_entry, &w };
	int rc = lk_archive_rules_new(&limits, &rules, err);

	w.rules = rules;
	return rc == LK_OK ? lk_archive_read(from, &each, err) : rc;
}

/* What a manifest says, and which of it has been met. */
struct check {
	struct lk_manifest manifest;
	struct lk_path_tree destinations; /* of files that it speaks of */
	bool *met;
	size_t n_files;
};

static int read_whole(const struct lk_content_file *file, uint8_t *out, struct lk_err *err)
{
	size_t at = 0, len = 1;

	while (len) {
		int rc = file->data->read(file->data->ctx, out + at, (size_t)file->size - at, &len,
					  err);

		if (rc != LK_OK)
			return rc;
		at += len;
		if (at == file->size)
			break;
	}
	return LK_OK;
}

static int read_manifest(struct check *c, const struct lk_content_file *file, struct lk_err *err)
{
	LK_OWNED_YAML yaml = NULL;
	uint8_t *text;
	int rc;

	if (c->n_files)
		return lk_err_set(err, LK_E_INPUT, 0, "it has to be the first file of the archive");
	if (file->size > LK_MANIFEST_SIZE_MAX)
		return lk_err_set(err, LK_E_INPUT, 0, "more than %u bytes", LK_MANIFEST_SIZE_MAX);
	text = calloc(1, (size_t)file->size + 1);
	if (!text)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	rc = read_whole(file, text, err);
	if (rc == LK_OK)
		rc = lk_yaml_parse(text, (size_t)file->size, &yaml, err);
	if (rc == LK_OK)
		rc = lk_manifest_from_doc(lk_yaml_root(yaml), &c->manifest, err);
	lk_wipe(text, (size_t)file->size);
	free(text);
	if (rc != LK_OK)
		return rc;
	c->met = calloc(c->manifest.n_files + 1, sizeof(*c->met));
	return c->met ? LK_OK : lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
}

/* Where a folder's files go is known with the files alone: two that would meet are found here. */
static int check_destination(struct check *c, const struct lk_manifest_file *said, const char *path,
			     struct lk_err *err)
{
	char destination[LK_UC_DEST_MAX + 1];
	enum lk_path_verdict verdict;

	c->met[said - c->manifest.files] = true;
	LK_TRY(lk_manifest_destination(said, path, destination, err));
	verdict = lk_path_tree_add(&c->destinations, destination + 1, true);
	if (verdict == LK_PATH_ADDED)
		return LK_OK;
	if (verdict == LK_PATH_NO_MEMORY)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	return lk_err_set(
		err, LK_E_INPUT, 0,
		LK_MANIFEST_NAME
		": %.300s would go to %.300s, where another file goes, or a folder of another file is",
		path, destination);
}

static int check_file(void *ctx, const struct lk_content_file *file, struct lk_err *err)
{
	const struct lk_manifest_file *said;
	struct check *c = ctx;
	int rc = LK_OK;

	if (!strcmp(file->path, LK_MANIFEST_NAME)) {
		rc = read_manifest(c, file, err);
		if (rc != LK_OK)
			lk_err_prefix(err, LK_MANIFEST_NAME);
	} else {
		rc = lk_manifest_check_place(&c->manifest, file->path, err);
	}
	c->n_files++;
	said = rc == LK_OK ? lk_manifest_find(&c->manifest, file->path) : NULL;
	return said ? check_destination(c, said, file->path, err) : rc;
}

static int check_met(const struct check *c, struct lk_err *err)
{
	for (size_t i = 0; i < c->manifest.n_files; i++)
		if (!c->met[i])
			return lk_err_set(err, LK_E_INPUT, 0,
					  LK_MANIFEST_NAME ": %.300s%s isn't in the archive",
					  c->manifest.files[i].path,
					  c->manifest.files[i].is_folder ? "/, or no file in it,"
									 : "");
	if (!c->n_files)
		return lk_err_set(err, LK_E_INPUT, 0, "archive: no file in it");
	return LK_OK;
}

int lk_content_check(const struct lk_source *from, uint64_t packed, struct lk_err *err)
{
	struct check c = { .manifest = LK_MANIFEST_NONE, .destinations = LK_PATH_TREE_NONE };
	const struct lk_content_visitor visitor = { check_file, &c };
	int rc = lk_content_walk(from, packed, &visitor, err);

	if (rc == LK_OK)
		rc = check_met(&c, err);
	lk_manifest_done(&c.manifest);
	lk_path_tree_done(&c.destinations);
	free(c.met);
	return rc;
}

static int read_fd(void *ctx, uint8_t *buf, size_t cap, size_t *ret_len, struct lk_err *err)
{
	struct lk_fd_reader *r = ctx;
	ssize_t n;

	do {
		n = pread(r->fd, buf, cap, (off_t)r->at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "can't read: %s", strerror(errno));
	r->at += (uint64_t)n;
	*ret_len = (size_t)n;
	return LK_OK;
}

struct lk_source lk_fd_source(struct lk_fd_reader *reader)
{
	return (struct lk_source){ read_fd, reader };
}
