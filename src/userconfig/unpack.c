/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns writing a generation. */
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "copies.h"
#include "deploy.h"
#include "generation.h"
#include "keep.h"
#include "sys/crypto/crypto_stream.h"
#include "sys/format/archive.h"
#include "sys/os/log.h"
#include "sys/os/tree.h"

#define NEW   "generations/" LK_GENERATION_NEW
#define CHUNK (256u * 1024u)
/* Folders, records and links take some room of their own. */
#define SPARE (1024u * 1024u)

static void new_path(const struct lk_uc *uc, const char *sub, char ret[static PATH_MAX])
{
	char folder[PATH_MAX];

	lk_uc_state(uc, NEW, folder);
	lk_uc_join(ret, folder, sub);
}

/* The file or link of @destination in the new generation's tree. */
static void new_file(const struct lk_uc *uc, const char *destination, char ret[static PATH_MAX])
{
	char tree[PATH_MAX];

	new_path(uc, "/tree", tree);
	lk_uc_join(ret, tree, destination);
}

/* Its volatile files lie elsewhere. Nothing vouches for the blob here, so those
 * of a generation that is in use stay, whatever it says. */
static int discard_volatile(const struct lk_uc *uc, struct lk_err *err)
{
	char path[PATH_MAX];
	LK_OWNED_FD fd = -1;
	struct lk_blob_header h;
	uint64_t size;
	bool kept = false;
	int rc;

	new_path(uc, "/blob", path);
	if (lk_tree_open_file(uc->at, path, &fd, NULL) != LK_OK ||
	    lk_blob_peek(fd, &h, &size, NULL) != LK_OK)
		return LK_OK;
	rc = lk_generation_is_kept(uc, h.sequence, &kept, err);
	if (rc != LK_OK || kept)
		return rc;
	lk_generation_volatile(h.sequence, "", path);
	return lk_tree_remove(uc->at, path, err);
}

int lk_unpack_discard(const struct lk_uc *uc, struct lk_err *err)
{
	char path[PATH_MAX];
	int rc = discard_volatile(uc, err);

	new_path(uc, "", path);
	return rc == LK_OK ? lk_tree_remove(uc->at, path, err) : rc;
}

int lk_unpack_begin(const struct lk_uc *uc, int *ret_blob, struct lk_err *err)
{
	char path[PATH_MAX];
	const struct lk_tree_file blob = { path, 0600, geteuid(), getegid() };
	int rc = lk_unpack_discard(uc, err);

	new_path(uc, "/blob", path);
	return rc == LK_OK ? lk_tree_create(uc->at, &blob, ret_blob, err) : rc;
}

int lk_unpack_try(const struct lk_uc *uc, int *ret_blob, struct lk_err *err)
{
	LK_OWNED_FD state = -1;
	int fd = -1;

	/* Where there is no state directory yet, or it can't be written to, in
	 * memory. */
	if (lk_tree_open_dir(uc->at, uc->settings.state_directory.text, false, &state, NULL) ==
	    LK_OK)
		fd = openat(state, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = memfd_create("latchkey-blob", MFD_CLOEXEC);
	if (fd < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "a copy of the blob: %s",
				  strerror(errno));
	*ret_blob = fd;
	return LK_OK;
}

/** A writing under way. */
struct writing {
	const struct lk_uc *uc;
	const struct lk_plan *plan;
	struct lk_archive_rules *rules;
	uint64_t sequence;
	size_t next; /* file of the plan */
	bool volatile_only;
	uint8_t *buf;
	struct lk_agreed *agreed; /* gets each file; NULL: nobody records */
};

static int record_file(struct lk_agreed *agreed, const struct lk_plan_file *f,
		       const struct lk_digest *d, struct lk_err *err)
{
	struct lk_agreed_file file = {
		.size = f->size,
		.mode = (uint32_t)f->mode,
		.uid = f->uid,
		.gid = f->gid,
		.is_volatile = f->is_volatile,
		.is_copy = f->is_copy,
		.path = f->path,
		.destination = f->destination,
	};

	memcpy(file.digest, d->data, sizeof(file.digest));
	return lk_agreed_add(agreed, &file, err);
}

static int copy_data(struct writing *w, const struct lk_source *data, const struct lk_plan_file *f,
		     int fd, struct lk_err *err)
{
	LK_OWNED_HASHER hasher = NULL;
	struct lk_digest d = { 0 };
	uint64_t left = f->size;
	int rc = lk_hasher_new(LK_ALG_SHA256, &hasher, err);

	while (rc == LK_OK) {
		size_t len = 0;

		rc = data->read(data->ctx, w->buf, CHUNK, &len, err);
		if (rc != LK_OK || len == 0)
			break;
		if (len > left)
			return lk_err_set(err, LK_E_INPUT, 0, "longer than its header says");
		left -= len;
		rc = lk_hasher_update(hasher, w->buf, len, err);
		if (rc == LK_OK)
			rc = lk_tree_write(fd, w->buf, len, err);
	}
	if (rc == LK_OK && left)
		return lk_err_set(err, LK_E_INPUT, 0, "shorter than its header says");
	if (rc == LK_OK)
		rc = lk_hasher_final(hasher, &d, err);
	return rc == LK_OK && w->agreed ? record_file(w->agreed, f, &d, err) : rc;
}

static int write_file(struct writing *w, const struct lk_plan_file *f, const struct lk_source *data,
		      struct lk_err *err)
{
	char path[PATH_MAX];
	const struct lk_tree_file file = { path, f->mode, f->uid, f->gid };
	LK_OWNED_FD fd = -1;
	int rc;

	if (f->is_volatile)
		lk_generation_volatile(w->sequence, f->destination, path);
	else
		new_file(w->uc, f->destination, path);
	rc = lk_tree_create(w->uc->at, &file, &fd, err);
	if (rc == LK_OK)
		rc = copy_data(w, data, f, fd, err);
	if (rc != LK_OK)
		lk_err_prefix(err, "%s", f->destination);
	return rc;
}

static int mark_copy(const struct lk_uc *uc, const char *destination, struct lk_err *err)
{
	char folder[PATH_MAX];

	new_path(uc, "", folder);
	return lk_copies_mark_in(uc, folder, destination, err);
}

/* In the generation, a volatile file is a link to where it lies in memory. */
static int write_volatile_link(struct writing *w, const struct lk_plan_file *f, struct lk_err *err)
{
	char path[PATH_MAX], final[PATH_MAX], target[PATH_MAX];
	char text[LK_TREE_LINK_MAX];
	int rc;

	new_file(w->uc, f->destination, path);
	lk_generation_file(w->uc, w->sequence, f->destination, final);
	lk_generation_volatile(w->sequence, f->destination, target);
	rc = lk_deploy_relative(final, target, text, err);
	if (rc == LK_OK)
		rc = lk_tree_set_link(w->uc->at, path, text, err);
	return rc;
}

static int put_entry(void *ctx, const struct lk_archive_entry *entry, const struct lk_source *data,
		     struct lk_err *err)
{
	struct writing *w = ctx;
	char path[LK_ARCHIVE_PATH_MAX + 1];
	const struct lk_plan_file *f;
	int rc = lk_archive_rules_entry(w->rules, entry, path, err);

	if (rc != LK_OK || entry->kind == LK_ARCHIVE_DIRECTORY ||
	    strcmp(path, LK_MANIFEST_NAME) == 0)
		return rc;
	/* The blob's copy is ours alone: it reads the same twice. */
	if (w->next >= w->plan->n_files || strcmp(w->plan->files[w->next].path, path) != 0)
		return lk_err_set(err, LK_E_SYSTEM, 0, "the archive isn't what it was");
	f = &w->plan->files[w->next++];
	if (f->is_volatile && !w->volatile_only) {
		rc = write_volatile_link(w, f, err);
		if (rc != LK_OK)
			return rc;
	}
	if (w->volatile_only && !f->is_volatile)
		return LK_OK;
	if (f->is_copy)
		LK_TRY(mark_copy(w->uc, f->destination, err));
	return write_file(w, f, data, err);
}

/* @agreed: records the files; NULL: the volatile ones alone are written. */
static int write_files(const struct lk_uc *uc, const struct lk_admitted *blob,
		       const struct lk_plan *plan, struct lk_agreed *agreed, struct lk_err *err)
{
	LK_OWNED_ARCHIVE_RULES rules = NULL;
	LK_OWNED_BLOB_CONTENT content = NULL;
	struct writing w = {
		.uc = uc,
		.plan = plan,
		.sequence = lk_verified_blob_header(blob->blob)->sequence,
		.volatile_only = !agreed,
		.agreed = agreed,
		.buf = malloc(CHUNK),
	};
	const struct lk_archive_visitor visitor = { put_entry, &w };
	struct lk_source from;
	int rc = lk_plan_rules(uc, blob, &rules, err);

	if (!w.buf)
		rc = lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	w.rules = rules;
	if (rc == LK_OK)
		rc = lk_blob_content_open(blob->blob, &blob->content_key, NULL, &content, err);
	if (rc == LK_OK) {
		from = lk_blob_content_source(content);
		rc = lk_archive_read(&from, &visitor, err);
	}
	if (w.buf)
		lk_wipe(w.buf, CHUNK);
	free(w.buf);
	return rc;
}

static int check_space(const struct lk_uc *uc, const char *folder, uint64_t needed,
		       struct lk_err *err)
{
	LK_OWNED_FD dir = -1;
	uint64_t room = 0;
	int rc = lk_tree_open_dir(uc->at, folder, true, &dir, err);

	if (rc == LK_OK)
		rc = lk_tree_free_bytes(dir, &room, err);
	if (rc == LK_OK && room < needed + SPARE)
		rc = lk_err_set(err, LK_E_IO, ENOSPC,
				"%s: the disk is full: %" PRIu64 " bytes are needed, %" PRIu64
				" are free",
				folder, needed + SPARE, room);
	return rc;
}

/** Where nothing of the new configuration goes, what was there before Latchkey stays. */
struct carry {
	const struct lk_uc *uc;
	const struct lk_plan *plan;
	const struct lk_agreed *kept;
	bool has_current;
	uint64_t current;
};

static bool lies_within(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Takes it the place, or is one a folder of the other? */
static bool is_taken(const struct lk_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->n_files; i++)
		if (lies_within(plan->files[i].destination, path) ||
		    lies_within(path, plan->files[i].destination))
			return true;
	return false;
}

static int carry_original(void *ctx, const char *path, enum lk_tree_kind kind, struct lk_err *err)
{
	const struct carry *c = ctx;
	char to[PATH_MAX];
	bool ours = false, done = false, copy = false;
	int rc;

	if (kind != LK_TREE_FILE || is_taken(c->plan, path))
		return LK_OK;
	if (!lk_userconfig_prefix_of(&c->uc->settings, path)) {
		lk_log(LK_LOG_WARNING,
		       "%s: not within one of this device's prefixes any more; what was there before stays in generation 0",
		       path);
		return LK_OK;
	}
	/* Without a link or copy of ours the file there is what there was, and this a
	 * copy of it for a change that didn't come, or it is gone by will. */
	rc = lk_deploy_is_ours(c->uc, path, &ours, err);
	if (rc == LK_OK && !ours && c->has_current)
		rc = lk_copies_is_ours(c->uc, c->current, path, &ours, err);
	if (rc != LK_OK || !ours)
		return rc;
	new_file(c->uc, path, to);
	LK_TRY(lk_keep_restore(c->uc, c->kept, path, to, &done, err));
	LK_TRY(lk_copies_has(c->uc, LK_GENERATION_ORIGINAL, path, &copy, err));
	return done && copy ? mark_copy(c->uc, path, err) : LK_OK;
}

static int carry_originals(const struct lk_uc *uc, const struct lk_admitted *blob,
			   const struct lk_plan *plan, struct lk_err *err)
{
	LK_OWNED_AGREED kept = LK_AGREED_NONE;
	struct carry c = { .uc = uc, .plan = plan, .kept = &kept };
	const struct lk_tree_visitor visitor = { carry_original, &c };
	char path[PATH_MAX];
	int rc = lk_keep_read_record(uc, &blob->agreement, &kept, err);

	if (rc == LK_OK)
		rc = lk_generation_get(uc, "current", &c.has_current, &c.current, err);
	lk_generation_path(uc, LK_GENERATION_ORIGINAL, "tree", path);
	return rc == LK_OK ? lk_tree_walk(uc->at, path, &visitor, err) : rc;
}

static int write_papers(const struct lk_uc *uc, const struct lk_admitted *blob,
			const struct lk_plan *plan, const struct lk_agreed *agreed,
			struct lk_err *err)
{
	const struct lk_blob_header *h = lk_verified_blob_header(blob->blob);
	int rc = lk_agreement_write(uc, &blob->agreement, agreed, NEW "/" LK_AGREEMENT_NAME, err);
	struct lk_uc_record rec = {
		.sequence = h->sequence,
		.created = h->created,
		.applied = (uint64_t)time(NULL),
		.files = plan->n_files,
		.has_volatile = false,
	};

	for (size_t i = 0; i < plan->n_files; i++)
		rec.has_volatile |= plan->files[i].is_volatile;
	memcpy(rec.label, plan->manifest.label, sizeof(rec.label));
	if (rc == LK_OK && plan->manifest_text.len)
		rc = lk_uc_store(uc, NEW "/manifest.yaml", plan->manifest_text.data,
				 plan->manifest_text.len, err);
	return rc == LK_OK ? lk_uc_record_write(uc, &rec, err) : rc;
}

/* One sync for all of them, and then the name. */
static int finish_generation(const struct lk_uc *uc, uint64_t sequence, struct lk_err *err)
{
	LK_OWNED_FD dir = -1;
	char path[PATH_MAX], final[PATH_MAX];
	int rc;

	new_path(uc, "", path);
	lk_generation_path(uc, sequence, "", final);
	rc = lk_tree_open_dir(uc->at, path, false, &dir, err);
	if (rc == LK_OK)
		rc = lk_tree_sync(dir, err);
	/* One that is there may be in place: it is exchanged, whole. */
	if (rc == LK_OK)
		rc = lk_tree_exchange(uc->at, path, final, err);
	return rc;
}

int lk_unpack_volatile(const struct lk_uc *uc, const struct lk_admitted *blob,
		       const struct lk_plan *plan, struct lk_err *err)
{
	char path[PATH_MAX];
	int rc;

	lk_generation_volatile(lk_verified_blob_header(blob->blob)->sequence, "", path);
	rc = lk_tree_remove(uc->at, path, err);
	if (rc == LK_OK && plan->volatile_bytes)
		rc = check_space(uc, LK_UC_VOLATILE, plan->volatile_bytes, err);
	if (rc == LK_OK)
		rc = write_files(uc, blob, plan, NULL, err);
	return rc;
}

int lk_unpack(const struct lk_uc *uc, const struct lk_admitted *blob, const struct lk_plan *plan,
	      struct lk_err *err)
{
	uint64_t sequence = lk_verified_blob_header(blob->blob)->sequence;
	LK_OWNED_AGREED agreed = LK_AGREED_NONE;
	char path[PATH_MAX];
	int rc = check_space(uc, uc->settings.state_directory.text, plan->disk_bytes, err);

	agreed.sequence = sequence;
	agreed.tried = !uc->real;
	agreed.blob = *lk_verified_blob_digest(blob->blob);
	lk_generation_volatile(sequence, "", path);
	if (rc == LK_OK)
		rc = lk_tree_remove(uc->at, path, err);
	if (rc == LK_OK)
		rc = write_files(uc, blob, plan, &agreed, err);
	if (rc == LK_OK)
		rc = carry_originals(uc, blob, plan, err);
	if (rc == LK_OK)
		rc = write_papers(uc, blob, plan, &agreed, err);
	if (rc == LK_OK)
		rc = finish_generation(uc, sequence, err);
	return rc;
}
