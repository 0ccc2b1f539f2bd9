/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the first reading of an archive: what it holds, and where each file would go. */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deploy.h"
#include "sys/format/archive.h"
#include "sys/os/tree.h"
#include "sys/os/users.h"
#include "sys/format/yaml.h"

void lk_plan_done(struct lk_plan *plan)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		free(plan->files[i].path);
		free(plan->files[i].destination);
	}
	free(plan->files);
	lk_buf_done(&plan->manifest_text);
	lk_manifest_done(&plan->manifest);
	*plan = LK_PLAN_NONE;
}

int lk_plan_rules(const struct lk_uc *uc, const struct lk_admitted *blob,
		  struct lk_archive_rules **ret, struct lk_err *err)
{
	const struct lk_archive_limits limits = {
		.max_entries = uc->settings.max_files,
		.max_file = uc->settings.max_file,
		.max_total = uc->settings.max_total,
		.packed = lk_verified_blob_header(blob->blob)->plain_len,
	};

	return lk_archive_rules_new(&limits, ret, err);
}

/** A reading under way. */
struct reading {
	const struct lk_uc *uc;
	struct lk_archive_rules *rules;
	struct lk_archive_rules *destinations; /* none twice, none below another */
	bool is_new; /* bound by the settings of now, and by what is there */
	bool *met;   /* of the manifest's entries: the archive has a file for it */
	struct lk_plan plan;
};

static int take_manifest(struct reading *r, const struct lk_archive_entry *entry,
			 const struct lk_source *data, struct lk_err *err)
{
	LK_OWNED_BUF text = LK_BUF_NONE;
	LK_OWNED_YAML yaml = NULL;
	size_t len = 0;
	int rc = LK_OK;

	if (r->plan.n_files || r->plan.manifest_text.len)
		return lk_err_set(err, LK_E_INPUT, 0,
				  LK_MANIFEST_NAME ": must be the archive's first file, and once");
	if (entry->size == 0 || entry->size > LK_MANIFEST_SIZE_MAX)
		return lk_err_set(err, LK_E_INPUT, 0,
				  LK_MANIFEST_NAME ": %llu bytes; 1 to %u are allowed",
				  (unsigned long long)entry->size, LK_MANIFEST_SIZE_MAX);
	text.data = malloc((size_t)entry->size + 1);
	if (!text.data)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	for (len = 1; rc == LK_OK && len && text.len < entry->size; text.len += len)
		rc = data->read(data->ctx, text.data + text.len, (size_t)entry->size - text.len,
				&len, err);
	if (rc == LK_OK)
		rc = lk_yaml_parse(text.data, text.len, &yaml, err);
	if (rc == LK_OK)
		rc = lk_manifest_from_doc(lk_yaml_root(yaml), &r->plan.manifest, err);
	if (rc != LK_OK) {
		lk_err_prefix(err, LK_MANIFEST_NAME);
		return rc;
	}
	if (r->is_new)
		rc = lk_manifest_check(&r->plan.manifest, &r->uc->settings, err);
	if (rc != LK_OK)
		return rc;
	r->met = calloc(r->plan.manifest.n_files + 1, sizeof(*r->met));
	if (!r->met)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	r->plan.manifest_text = text;
	text = LK_BUF_NONE;
	return LK_OK;
}

static bool lies_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool meets(const char *path, const char *folder)
{
	return lies_in(path, folder) || lies_in(folder, path);
}

/* Beyond the prefixes: what is our own, or would be taken for an upload. */
static int check_destination(const struct reading *r, const char *destination, struct lk_err *err)
{
	const struct lk_userconfig_file *s = &r->uc->settings;
	const char *upload = s->upload_directory.text;
	const char *name = strrchr(destination, '/') + 1;

	if (!lk_path_is_plain(destination, LK_UC_DEST_MAX) ||
	    (r->is_new && !lk_userconfig_prefix_of(s, destination)))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "%s: not within one of this device's prefixes", destination);
	if (meets(destination, s->state_directory.text) || meets(destination, LK_UC_VOLATILE))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: within latchkey-userconfig's own folder",
				  destination);
	if (lies_in(upload, destination))
		return lk_err_set(err, LK_E_INPUT, 0, "%s: the upload directory is or lies there",
				  destination);
	if (strncmp(name, LK_TREE_TEMPORARY, strlen(LK_TREE_TEMPORARY)) == 0)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "%s: names beginning with " LK_TREE_TEMPORARY
				  " are for what is renamed into place",
				  destination);
	if (lies_in(destination, upload) &&
	    strncmp(destination + strlen(upload) + 1, s->blob_name.text,
		    strlen(s->blob_name.text)) == 0)
		return lk_err_set(err, LK_E_INPUT, 0, "%s: would be taken for an uploaded blob",
				  destination);
	return LK_OK;
}

static int resolve(const struct reading *r, const struct lk_manifest_file *m,
		   struct lk_plan_file *f, struct lk_err *err)
{
	int rc = lk_user_id(r->uc->at, m ? m->owner : "root", &f->uid, err);

	if (rc == LK_OK)
		rc = lk_group_id(r->uc->at, m ? m->group : "root", &f->gid, err);
	return rc;
}

static char *default_destination(const struct lk_uc *uc, const char *path)
{
	char folder[PATH_MAX], all[PATH_MAX];

	lk_uc_join(folder, uc->settings.default_destination.text, "/");
	lk_uc_join(all, folder, path);
	return strdup(all);
}

/* Default place and mode where the manifest says nothing. */
static int fill(const struct reading *r, const char *path, const struct lk_archive_entry *entry,
		struct lk_plan_file *f, struct lk_err *err)
{
	const struct lk_manifest_file *m = lk_manifest_find(&r->plan.manifest, path);
	char destination[LK_UC_DEST_MAX + 1];

	if (m) {
		r->met[m - r->plan.manifest.files] = true;
		LK_TRY(lk_manifest_destination(m, path, destination, err));
	}
	f->path = strdup(path);
	f->destination = m ? strdup(destination) : default_destination(r->uc, path);
	if (!f->path || !f->destination)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	f->mode = m && m->has_mode ? m->mode : entry->mode & r->uc->settings.modes;
	f->size = entry->size;
	f->is_volatile = m && m->is_volatile;
	f->is_copy = m && m->is_copy;
	return resolve(r, m, f, err);
}

/* Which two meet there; the rules have spoken of an archive. */
static int explain_claim(const struct reading *r, const struct lk_plan_file *f, int rc,
			 struct lk_err *err)
{
	for (size_t i = 0; rc == LK_E_INPUT && i < r->plan.n_files; i++) {
		const struct lk_plan_file *other = &r->plan.files[i];

		if (lies_in(f->destination, other->destination) ||
		    lies_in(other->destination, f->destination))
			return lk_err_set(err, LK_E_INPUT, 0, "%s would go to %s, and %s to %s",
					  f->path, f->destination, other->path, other->destination);
	}
	lk_err_prefix(err, "destination of %s", f->path);
	return rc;
}

/* The rules for archives are those for a set of places too. */
static int claim(struct reading *r, const struct lk_plan_file *f, struct lk_err *err)
{
	const struct lk_archive_entry entry = { .kind = LK_ARCHIVE_FILE,
						.path = f->destination + 1 };
	char path[LK_ARCHIVE_PATH_MAX + 1];
	int rc = check_destination(r, f->destination, err);

	if (rc != LK_OK) {
		lk_err_prefix(err, "destination of %s", f->path);
		return rc;
	}
	rc = lk_archive_rules_entry(r->destinations, &entry, path, err);
	if (rc != LK_OK)
		return explain_claim(r, f, rc, err);
	return r->is_new ? lk_deploy_check_place(r->uc, f->destination, err) : LK_OK;
}

static int add_file(struct reading *r, const char *path, const struct lk_archive_entry *entry,
		    struct lk_err *err)
{
	struct lk_plan *plan = &r->plan;
	struct lk_plan_file f = { 0 };
	struct lk_plan_file *more = realloc(plan->files, (plan->n_files + 1) * sizeof(*more));
	int rc;

	if (!more)
		return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
	plan->files = more;
	rc = lk_manifest_check_place(&plan->manifest, path, err);
	if (rc == LK_OK)
		rc = fill(r, path, entry, &f, err);
	if (rc == LK_OK)
		rc = claim(r, &f, err);
	/* Owned by the plan in any case. */
	more[plan->n_files++] = f;
	if (rc != LK_OK)
		return rc;
	*(f.is_volatile ? &plan->volatile_bytes : &plan->disk_bytes) += f.size;
	return LK_OK;
}

static int see(void *ctx, const struct lk_archive_entry *entry, const struct lk_source *data,
	       struct lk_err *err)
{
	struct reading *r = ctx;
	char path[LK_ARCHIVE_PATH_MAX + 1];
	int rc = lk_archive_rules_entry(r->rules, entry, path, err);

	if (rc != LK_OK || entry->kind == LK_ARCHIVE_DIRECTORY)
		return rc;
	if (strcmp(path, LK_MANIFEST_NAME) == 0)
		return take_manifest(r, entry, data, err);
	return add_file(r, path, entry, err);
}

static int check_complete(const struct reading *r, struct lk_err *err)
{
	const struct lk_plan *plan = &r->plan;

	for (size_t i = 0; i < plan->manifest.n_files; i++) {
		const struct lk_manifest_file *m = &plan->manifest.files[i];

		if (!r->met[i])
			return lk_err_set(err, LK_E_INPUT, 0,
					  LK_MANIFEST_NAME ": %s%s is not in the archive", m->path,
					  m->is_folder ? "/, or no file in it," : "");
	}
	if (plan->n_files == 0)
		return lk_err_set(err, LK_E_INPUT, 0, "the archive has no files");
	return LK_OK;
}

static int read_archive(struct reading *r, const struct lk_admitted *blob, struct lk_err *err)
{
	const struct lk_archive_visitor visitor = { see, r };
	LK_OWNED_BLOB_CONTENT content = NULL;
	struct lk_source from;
	int rc = lk_blob_content_open(blob->blob, &blob->content_key, NULL, &content, err);

	if (rc != LK_OK)
		return rc;
	from = lk_blob_content_source(content);
	return lk_archive_read(&from, &visitor, err);
}

static int make(const struct lk_uc *uc, const struct lk_admitted *blob, bool is_new,
		struct lk_plan *ret, struct lk_err *err)
{
	LK_OWNED_ARCHIVE_RULES rules = NULL;
	LK_OWNED_ARCHIVE_RULES destinations = NULL;
	struct reading r = { .uc = uc, .is_new = is_new, .plan = LK_PLAN_NONE };
	int rc = lk_plan_rules(uc, blob, &rules, err);

	if (rc == LK_OK)
		rc = lk_plan_rules(uc, blob, &destinations, err);
	r.rules = rules;
	r.destinations = destinations;
	if (rc == LK_OK)
		rc = read_archive(&r, blob, err);
	if (rc == LK_OK)
		rc = check_complete(&r, err);
	free(r.met);
	if (rc != LK_OK) {
		lk_plan_done(&r.plan);
		return rc;
	}
	*ret = r.plan;
	return LK_OK;
}

int lk_plan_make(const struct lk_uc *uc, const struct lk_admitted *blob, struct lk_plan *ret,
		 struct lk_err *err)
{
	return make(uc, blob, true, ret, err);
}

int lk_plan_read(const struct lk_uc *uc, const struct lk_admitted *blob, struct lk_plan *ret,
		 struct lk_err *err)
{
	return make(uc, blob, false, ret, err);
}
