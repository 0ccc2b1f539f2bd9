/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of manifests, and of what the default settings let pass. */
#include "core/config/manifest.h"
#include "fuzz.h"

/* Is one the other, or a folder that it lies in? */
static bool clash(const char *a, const char *b)
{
	size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

	return strncmp(a, b, n) == 0 && (a[n] == '/' || a[n] == '\0') &&
	       (b[n] == '/' || b[n] == '\0');
}

/* A file may lie in the place of a folder of another entry, and folders may share one. */
static bool clash_at_destination(const struct lk_manifest_file *a, const struct lk_manifest_file *b)
{
	size_t na = strlen(a->destination), nb = strlen(b->destination);

	if (!clash(a->destination, b->destination))
		return false;
	return !(na <= nb && a->is_folder && (na < nb || b->is_folder)) &&
	       !(nb <= na && b->is_folder && (nb < na || a->is_folder));
}

/* By its name, or the name of any file below it, the entry is found; and where that goes lies there. */
static void check_find(const struct lk_manifest *m, const struct lk_manifest_file *f)
{
	char path[LK_ARCHIVE_PATH_MAX + 3], destination[LK_UC_DEST_MAX + 1];
	size_t len = strlen(f->path);

	memcpy(path, f->path, len + 1);
	if (f->is_folder)
		memcpy(path + len, "/x", 3);
	INVARIANT(lk_manifest_find(m, path) == f);
	if (f->is_folder) {
		path[len] = 'y';
		INVARIANT(lk_manifest_find(m, path) != f);
		path[len] = '/';
	}
	if (lk_manifest_destination(f, path, destination, NULL) != LK_OK) {
		INVARIANT(f->is_folder && strlen(f->destination) + 2 > LK_UC_DEST_MAX);
		return;
	}
	INVARIANT(lk_manifest_covers(f, destination));
	INVARIANT(lk_path_is_plain(destination, LK_UC_DEST_MAX));
}

static void check_file(const struct lk_manifest *m, size_t i)
{
	const struct lk_manifest_file *f = &m->files[i];
	char path[LK_ARCHIVE_PATH_MAX + 1];

	INVARIANT(lk_archive_path_check(f->path, path, NULL) == LK_OK);
	INVARIANT(*path && strcmp(path, f->path) == 0);
	INVARIANT(!(f->is_copy && f->is_volatile));
	check_find(m, f);
	INVARIANT(strcmp(f->path, LK_MANIFEST_NAME) != 0);
	INVARIANT(lk_path_is_plain(f->destination, LK_UC_DEST_MAX));
	INVARIANT(f->mode <= 0777 && (f->has_mode || f->mode == 0));
	INVARIANT(*f->owner && *f->group);
	INVARIANT(f->n_restart <= LK_MANIFEST_UNITS_MAX);
	INVARIANT(f->n_reload <= LK_MANIFEST_UNITS_MAX);
	for (size_t k = 0; k < i; k++) {
		INVARIANT(!clash(m->files[k].path, f->path));
		INVARIANT(!clash_at_destination(&m->files[k], f));
	}
}

/* What the default settings allow, looked for in the bluntest way. */
static void check_allowed(const struct lk_manifest_file *f)
{
	static const char opt[] = "/opt/";
	static const char upload[] = "/home/update/upload/mnt/";

	/* A folder's place may be a prefix itself. */
	INVARIANT(strncmp(f->destination, opt, strlen(opt)) == 0 ||
		  strncmp(f->destination, upload, strlen(upload)) == 0 ||
		  (f->is_folder && (strcmp(f->destination, "/opt") == 0 ||
				    strcmp(f->destination, "/home/update/upload/mnt") == 0)));
	INVARIANT(!strstr(f->destination, "/../"));
	INVARIANT(strcmp(f->owner, "root") == 0);
	INVARIANT(strcmp(f->group, "root") == 0);
	INVARIANT(!(f->mode & 0022));
	INVARIANT(f->n_restart == 0 && f->n_reload == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_YAML yaml = parse_document(data, size);
	LK_OWNED_MANIFEST m = LK_MANIFEST_NONE;
	static struct lk_userconfig_file settings;
	struct lk_err err = { 0 };
	int rc;

	if (!yaml)
		return 0;
	rc = lk_manifest_from_doc(lk_yaml_root(yaml), &m, &err);
	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		INVARIANT(!m.files && m.n_files == 0);
		return 0;
	}
	INVARIANT(m.n_files <= LK_MANIFEST_FILES_MAX);
	for (size_t i = 0; i < m.n_files; i++)
		check_file(&m, i);
	rc = lk_manifest_check_place(&m, m.label, &err);
	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	lk_userconfig_file_defaults(&settings);
	rc = lk_manifest_check(&m, &settings, &err);
	for (size_t i = 0; rc == LK_OK && i < m.n_files; i++)
		check_allowed(&m.files[i]);
	if (rc != LK_OK)
		check_error(rc, LK_E_INPUT, &err);
	return 0;
}
