/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the settings of latchkey-userconfig. */
#include "core/config/userconfig_file.h"

#include <stdio.h>
#include <string.h>

#include "core/config/blob.h"
#include "core/base/paths.h"
#include "core/base/text.h"

#define KIB 1024u
#define MIB (1024u * 1024u)

/* Beside the blob lie files with its name and an ending. */
#define BLOB_NAME_MAX (LK_UC_NAME_MAX - sizeof(".refused.txt") + 1)
#define COMPONENT_MAX 255u
#define FILES_MAX     1000000u
#define SETTLE_MAX    300u
#define STEP_MAX      65536u

static void set_text(char *out, size_t cap, const char *text)
{
	(void)snprintf(out, cap, "%s", text);
}
#define SET(field, value) set_text((field).text, sizeof((field).text), value)

void lk_userconfig_file_defaults(struct lk_userconfig_file *ret)
{
	memset(ret, 0, sizeof(*ret));
	SET(ret->upload_directory, "/home/update/upload/mnt");
	SET(ret->blob_name, "config.lkb");
	SET(ret->state_directory, LK_UC_STATE);
	SET(ret->default_destination, "/opt");
	SET(ret->hooks, LK_UC_HOOKS);
	SET(ret->prefixes[0], "/opt");
	SET(ret->prefixes[1], "/home/update/upload/mnt");
	ret->n_prefixes = 2;
	SET(ret->owners[0], "root");
	ret->n_owners = 1;
	SET(ret->groups[0], "root");
	ret->n_groups = 1;
	ret->modes = 0755;
	ret->max_blob = 64 * MIB;
	ret->max_total = 256 * MIB;
	ret->max_file = 64 * MIB;
	ret->max_files = 4096;
	ret->settle = 3;
	ret->sequence_step = 256;
}

bool lk_path_is_plain(const char *path, size_t max)
{
	if (path[0] != '/' || strlen(path) > max || !lk_text_is_visible(path))
		return false;
	while (*path == '/') {
		const char *name = path + 1;
		size_t len = strcspn(name, "/");

		if (len == 0 || len > COMPONENT_MAX || (len <= 2 && strspn(name, ".") >= len))
			return false;
		path = name + len;
	}
	return true;
}

/* Is @path below @directory, or, where @same, the directory itself? */
static bool lies_in(const char *path, const char *directory, bool same)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 &&
	       (path[len] == '/' || (same && path[len] == '\0'));
}

const char *lk_userconfig_prefix_of(const struct lk_userconfig_file *file, const char *path)
{
	const char *longest = NULL;

	if (lies_in(path, file->state_directory.text, true) ||
	    lies_in(file->state_directory.text, path, true))
		return NULL;
	for (size_t i = 0; i < file->n_prefixes; i++) {
		const char *prefix = file->prefixes[i].text;

		if (lies_in(path, prefix, false) && (!longest || strlen(prefix) > strlen(longest)))
			longest = prefix;
	}
	return longest;
}

static bool has(const struct lk_uc_name *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].text, name) == 0)
			return true;
	return false;
}

bool lk_userconfig_owner_allowed(const struct lk_userconfig_file *file, const char *owner)
{
	return has(file->owners, file->n_owners, owner);
}

bool lk_userconfig_group_allowed(const struct lk_userconfig_file *file, const char *group)
{
	return has(file->groups, file->n_groups, group);
}

bool lk_userconfig_unit_allowed(const struct lk_userconfig_file *file, const char *unit)
{
	return has(file->units, file->n_units, unit) || has(file->units, file->n_units, "*");
}

static int parse_path(const struct lk_doc *doc, const char *key, struct lk_uc_path *ret,
		      struct lk_err *err)
{
	const char *text;

	if (!lk_doc_get(doc, key))
		return LK_OK;
	LK_TRY(lk_doc_get_text(doc, key, LK_UC_PATH_MAX, &text, err));
	if (!lk_path_is_plain(text, LK_UC_PATH_MAX))
		return lk_doc_error(
			lk_doc_get(doc, key), err,
			"%s: expected an absolute path without \"..\", \".\" and \"/\" at its end",
			key);
	SET(*ret, text);
	return LK_OK;
}

static int parse_blob_name(const struct lk_doc *doc, struct lk_uc_name *ret, struct lk_err *err)
{
	const char *text;

	if (!lk_doc_get(doc, "blob-name"))
		return LK_OK;
	LK_TRY(lk_doc_get_text(doc, "blob-name", BLOB_NAME_MAX, &text, err));
	if (!*text || strchr(text, '/') || !lk_text_is_visible(text) || strcmp(text, ".") == 0 ||
	    strcmp(text, "..") == 0)
		return lk_doc_error(lk_doc_get(doc, "blob-name"), err,
				    "blob-name: expected the name of a file");
	SET(*ret, text);
	return LK_OK;
}

/* The items of a list, each a scalar; NULL where the key is left out. */
static int get_list(const struct lk_doc *doc, const char *key, size_t min,
		    const struct lk_doc **ret, struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(doc, key);
	size_t n = 0;

	*ret = NULL;
	if (!seq)
		return LK_OK;
	if (seq->type != LK_DOC_SEQ)
		return lk_doc_error(seq, err, "%s: expected a list, as in [x]", key);
	for (const struct lk_doc *i = seq->child; i; i = i->next, n++)
		if (i->type != LK_DOC_SCALAR)
			return lk_doc_error(i, err, "%s: expected a single value", key);
	if (n < min || n > LK_UC_LIST_MAX)
		return lk_doc_error(seq, err, "%s: %zu in the list; %zu to %u are allowed", key, n,
				    min, LK_UC_LIST_MAX);
	*ret = seq;
	return LK_OK;
}

/* A list of folders. */
struct paths {
	const char *key;
	size_t min;
	struct lk_uc_path *list;
	size_t *n;
};

static int parse_paths(const struct lk_doc *doc, const struct paths *paths, struct lk_err *err)
{
	const struct lk_doc *seq;

	LK_TRY(get_list(doc, paths->key, paths->min, &seq, err));
	if (!seq)
		return LK_OK;
	memset(paths->list, 0, LK_UC_LIST_MAX * sizeof(*paths->list));
	*paths->n = 0;
	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		if (!lk_path_is_plain(i->text, LK_UC_PATH_MAX))
			return lk_doc_error(
				i, err,
				"%s: expected absolute paths without \"..\", \".\" and \"/\" at the end",
				paths->key);
		SET(paths->list[(*paths->n)++], i->text);
	}
	return LK_OK;
}

/* A list of accounts or units. */
struct names {
	const char *key;
	size_t min;
	bool (*is_good)(const char *text);
	struct lk_uc_name *list;
	size_t *n;
};

static int parse_names(const struct lk_doc *doc, const struct names *names, struct lk_err *err)
{
	const struct lk_doc *seq;

	LK_TRY(get_list(doc, names->key, names->min, &seq, err));
	if (!seq)
		return LK_OK;
	memset(names->list, 0, LK_UC_LIST_MAX * sizeof(*names->list));
	*names->n = 0;
	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		if (i->len > LK_UC_NAME_MAX || !names->is_good(i->text))
			return lk_doc_error(i, err, "%s: \"%.64s\" can't be a name", names->key,
					    i->text);
		SET(names->list[(*names->n)++], i->text);
	}
	return LK_OK;
}

static int parse_units(const struct lk_doc *doc, struct lk_userconfig_file *file,
		       struct lk_err *err)
{
	const struct names units = { "units", 0, lk_text_is_unit, file->units, &file->n_units };
	const struct lk_doc *seq;

	LK_TRY(get_list(doc, "units", 0, &seq, err));
	if (!seq || !seq->child || seq->child->next || strcmp(seq->child->text, "*") != 0)
		return parse_names(doc, &units, err);
	SET(file->units[0], "*");
	file->n_units = 1;
	return LK_OK;
}

static int parse_allowed(const struct lk_doc *doc, struct lk_userconfig_file *file,
			 struct lk_err *err)
{
	const struct names owners = { "owners", 1, lk_text_is_account, file->owners,
				      &file->n_owners };
	const struct names groups = { "groups", 1, lk_text_is_account, file->groups,
				      &file->n_groups };
	const struct paths prefixes = { "prefixes", 1, file->prefixes, &file->n_prefixes };
	const struct paths mount_points = { "mount-points", 0, file->mount_points,
					    &file->n_mount_points };
	const char *modes;

	LK_TRY(parse_paths(doc, &prefixes, err));
	LK_TRY(parse_paths(doc, &mount_points, err));
	LK_TRY(parse_names(doc, &owners, err));
	LK_TRY(parse_names(doc, &groups, err));
	LK_TRY(parse_units(doc, file, err));
	if (!lk_doc_get(doc, "modes"))
		return LK_OK;
	LK_TRY(lk_doc_get_text(doc, "modes", LK_UC_NAME_MAX, &modes, err));
	if (!lk_text_to_mode(modes, &file->modes))
		return lk_doc_error(lk_doc_get(doc, "modes"), err,
				    "modes: expected four octal digits from 0000 to 0777");
	return LK_OK;
}

static int parse_size(const struct lk_doc *doc, const char *key, uint64_t *ret, struct lk_err *err)
{
	const char *text;
	uint64_t v;

	if (!lk_doc_get(doc, key))
		return LK_OK;
	LK_TRY(lk_doc_get_text(doc, key, LK_UC_NAME_MAX, &text, err));
	if (!lk_text_to_size(text, &v))
		return lk_doc_error(lk_doc_get(doc, key), err,
				    "%s: expected a number of bytes, as in 65536 or 64 MiB", key);
	if (v < KIB || v > LK_BLOB_PLAIN_MAX)
		return lk_doc_error(lk_doc_get(doc, key), err, "%s: 1 KiB to 1024 GiB are allowed",
				    key);
	*ret = v;
	return LK_OK;
}

static int parse_count(const struct lk_doc *doc, const char *key, const uint64_t range[2],
		       uint64_t *v, struct lk_err *err)
{
	if (!lk_doc_get(doc, key))
		return LK_OK;
	return lk_doc_get_uint(doc, key, range[0], range[1], v, err);
}

static int parse_limits(const struct lk_doc *doc, struct lk_userconfig_file *file,
			struct lk_err *err)
{
	uint64_t settle = file->settle;
	uint64_t step = file->sequence_step;

	LK_TRY(parse_size(doc, "max-blob", &file->max_blob, err));
	LK_TRY(parse_size(doc, "max-total", &file->max_total, err));
	LK_TRY(parse_size(doc, "max-file", &file->max_file, err));
	LK_TRY(parse_count(doc, "max-files", (const uint64_t[2]){ 1, FILES_MAX }, &file->max_files,
			   err));
	LK_TRY(parse_count(doc, "settle", (const uint64_t[2]){ 0, SETTLE_MAX }, &settle, err));
	LK_TRY(parse_count(doc, "sequence-step", (const uint64_t[2]){ 1, STEP_MAX }, &step, err));
	file->settle = (unsigned int)settle;
	file->sequence_step = (unsigned int)step;
	return LK_OK;
}

/* Where files go that no manifest speaks of: below it is within a prefix. */
static int check_default(const struct lk_doc *doc, const struct lk_userconfig_file *file,
			 struct lk_err *err)
{
	const char *path = file->default_destination.text;
	const struct lk_doc *at = lk_doc_get(doc, "default-destination");

	for (size_t i = 0; i < file->n_prefixes; i++)
		if (lies_in(path, file->prefixes[i].text, true))
			return LK_OK;
	return lk_doc_error(at ? at : lk_doc_get(doc, "prefixes"), err,
			    "default-destination: %.200s is neither a prefix nor within one", path);
}

int lk_userconfig_file_from_doc(const struct lk_doc *doc, struct lk_userconfig_file *ret,
				struct lk_err *err)
{
	static const char *const known[] = { "latchkey-userconfig",
					     "upload-directory",
					     "blob-name",
					     "state-directory",
					     "default-destination",
					     "prefixes",
					     "mount-points",
					     "owners",
					     "groups",
					     "modes",
					     "units",
					     "hooks",
					     "max-blob",
					     "max-total",
					     "max-file",
					     "max-files",
					     "settle",
					     "sequence-step",
					     NULL };
	struct lk_userconfig_file file;
	uint64_t format;

	lk_userconfig_file_defaults(&file);
	LK_TRY(lk_doc_expect_keys(doc, known, err));
	LK_TRY(lk_doc_get_uint(doc, "latchkey-userconfig", 1, 1, &format, err));
	LK_TRY(parse_path(doc, "upload-directory", &file.upload_directory, err));
	LK_TRY(parse_blob_name(doc, &file.blob_name, err));
	LK_TRY(parse_path(doc, "state-directory", &file.state_directory, err));
	LK_TRY(parse_path(doc, "default-destination", &file.default_destination, err));
	LK_TRY(parse_path(doc, "hooks", &file.hooks, err));
	LK_TRY(parse_allowed(doc, &file, err));
	LK_TRY(parse_limits(doc, &file, err));
	LK_TRY(check_default(doc, &file, err));
	*ret = file;
	return LK_OK;
}
