/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the manifest inside a configuration archive. */
#include "core/config/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/path_tree.h"
#include "core/base/text.h"

void lk_manifest_done(struct lk_manifest *m)
{
	free(m->files);
	*m = LK_MANIFEST_NONE;
}

static int parse_label(const struct lk_doc *doc, struct lk_manifest *m, struct lk_err *err)
{
	const char *text;

	if (!lk_doc_get(doc, "label"))
		return LK_OK;
	LK_TRY(lk_doc_get_text(doc, "label", LK_MANIFEST_LABEL_MAX, &text, err));
	if (!lk_text_is_visible(text))
		return lk_doc_error(
			lk_doc_get(doc, "label"), err,
			"label: what isn't seen, such as the end of a line or what turns the direction of text, is not allowed");
	memcpy(m->label, text, strlen(text) + 1);
	return LK_OK;
}

/* In the archive's own spelling, so that it is found there; "/" at its end says that it is a folder. */
static int parse_path(const struct lk_doc *map, struct lk_manifest_file *f, struct lk_err *err)
{
	struct lk_err why = { 0 };
	const char *text;
	size_t len;

	LK_TRY(lk_doc_get_text(map, "path", LK_ARCHIVE_PATH_MAX, &text, err));
	if (lk_archive_path_check(text, f->path, &why) != LK_OK)
		return lk_doc_error(lk_doc_get(map, "path"), err, "path: %.500s", why.msg);
	len = strlen(f->path);
	f->is_folder = len && strncmp(text, f->path, len) == 0 && strcmp(text + len, "/") == 0;
	if ((f->is_folder || strcmp(text, f->path) == 0) && *f->path &&
	    strcmp(f->path, LK_MANIFEST_NAME) != 0)
		return LK_OK;
	return lk_doc_error(
		lk_doc_get(map, "path"), err,
		"path: expected that of a file other than the manifest, without \"./\" before it, or of a folder, with one \"/\" at its end");
}

static int parse_destination(const struct lk_doc *map, struct lk_manifest_file *f,
			     struct lk_err *err)
{
	const char *text;
	size_t len;

	LK_TRY(lk_doc_get_text(map, "destination", LK_UC_DEST_MAX, &text, err));
	memcpy(f->destination, text, strlen(text) + 1);
	len = strlen(f->destination);
	if (f->is_folder && len > 1 && f->destination[len - 1] == '/')
		f->destination[len - 1] = '\0';
	if (lk_path_is_plain(f->destination, LK_UC_DEST_MAX))
		return LK_OK;
	return lk_doc_error(
		lk_doc_get(map, "destination"), err,
		"destination: expected an absolute path without \"..\" and \".\", and with \"/\" at its end only where the path is a folder's");
}

static int parse_account(const struct lk_doc *map, const char *key,
			 char ret[static LK_UC_NAME_MAX + 1], struct lk_err *err)
{
	const char *text = "root";

	if (lk_doc_get(map, key))
		LK_TRY(lk_doc_get_text(map, key, LK_UC_NAME_MAX, &text, err));
	if (!lk_text_is_account(text))
		return lk_doc_error(lk_doc_get(map, key), err, "%s: expected a name or a number",
				    key);
	memcpy(ret, text, strlen(text) + 1);
	return LK_OK;
}

static int parse_mode(const struct lk_doc *map, struct lk_manifest_file *f, struct lk_err *err)
{
	const char *text;

	if (!lk_doc_get(map, "mode"))
		return LK_OK;
	LK_TRY(lk_doc_get_text(map, "mode", LK_UC_NAME_MAX, &text, err));
	if (!lk_text_to_mode(text, &f->mode))
		return lk_doc_error(lk_doc_get(map, "mode"), err,
				    "mode: expected four octal digits from 0000 to 0777");
	f->has_mode = true;
	return LK_OK;
}

static int parse_units(const struct lk_doc *map, const char *key, char (*list)[LK_UC_NAME_MAX + 1],
		       size_t *n, struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(map, key);

	if (!seq)
		return LK_OK;
	if (seq->type != LK_DOC_SEQ)
		return lk_doc_error(seq, err, "%s: expected a list, as in [app.service]", key);
	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		if (*n == LK_MANIFEST_UNITS_MAX)
			return lk_doc_error(i, err, "%s: at most %u are allowed", key,
					    LK_MANIFEST_UNITS_MAX);
		if (i->type != LK_DOC_SCALAR || i->len > LK_UC_NAME_MAX ||
		    !lk_text_is_unit(i->text))
			return lk_doc_error(i, err, "%s: expected names of units", key);
		memcpy(list[(*n)++], i->text, i->len + 1);
	}
	return LK_OK;
}

static int parse_file(const struct lk_doc *map, struct lk_manifest_file *f, struct lk_err *err)
{
	static const char *const known[] = { "path",	 "destination", "mode",	  "owner", "group",
					     "volatile", "restart",	"reload", "copy",  NULL };

	LK_TRY(lk_doc_expect_keys(map, known, err));
	LK_TRY(parse_path(map, f, err));
	LK_TRY(parse_destination(map, f, err));
	LK_TRY(parse_mode(map, f, err));
	LK_TRY(parse_account(map, "owner", f->owner, err));
	LK_TRY(parse_account(map, "group", f->group, err));
	if (lk_doc_get(map, "volatile"))
		LK_TRY(lk_doc_get_bool(map, "volatile", &f->is_volatile, err));
	if (lk_doc_get(map, "copy"))
		LK_TRY(lk_doc_get_bool(map, "copy", &f->is_copy, err));
	if (f->is_copy && f->is_volatile)
		return lk_doc_error(
			lk_doc_get(map, "copy"), err,
			"copy: a copy lies on the disk, and a volatile file in memory alone; it can't be both");
	LK_TRY(parse_units(map, "restart", f->restart, &f->n_restart, err));
	return parse_units(map, "reload", f->reload, &f->n_reload, err);
}

/** One place of an entry, to be held against those of the entries before it. */
struct place {
	const struct lk_doc *at;
	const char *key;
	const char *path;
	bool is_whole; /* nothing else may lie below it */
};

static int add_once(struct lk_path_tree *tree, const struct place *p, struct lk_err *err)
{
	const char *wrong;

	switch (lk_path_tree_add(tree, p->path, p->is_whole)) {
	case LK_PATH_ADDED:
		return LK_OK;
	case LK_PATH_TWICE:
		wrong = "another file has the same";
		break;
	case LK_PATH_IS_DIRECTORY:
		wrong = "another file's lies below it";
		break;
	case LK_PATH_BELOW_FILE:
		wrong = "it lies below another file's";
		break;
	default:
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	}
	return lk_doc_error(lk_doc_get(p->at, p->key), err, "%s: %s", p->key, wrong);
}

static int parse_all(const struct lk_doc *seq, struct lk_manifest *m, struct lk_err *err)
{
	LK_OWNED_PATH_TREE paths = LK_PATH_TREE_NONE;
	LK_OWNED_PATH_TREE destinations = LK_PATH_TREE_NONE;

	for (const struct lk_doc *i = seq->child; i; i = i->next) {
		struct lk_manifest_file *f = &m->files[m->n_files++];

		LK_TRY(parse_file(i, f, err));
		/* Which of two entries speaks of a file is never a question of their order. Places
		 * that a folder's files have are known with the archive alone. */
		LK_TRY(add_once(&paths, &(struct place){ i, "path", f->path, true }, err));
		LK_TRY(add_once(&destinations,
				&(struct place){ i, "destination", f->destination + 1,
						 !f->is_folder },
				err));
	}
	return LK_OK;
}

static int parse_files(const struct lk_doc *doc, struct lk_manifest *m, struct lk_err *err)
{
	const struct lk_doc *seq = lk_doc_get(doc, "files");
	size_t n = 0;

	if (!seq)
		return LK_OK;
	if (seq->type != LK_DOC_SEQ)
		return lk_doc_error(seq, err, "files: expected a list");
	for (const struct lk_doc *i = seq->child; i; i = i->next)
		n++;
	if (n > LK_MANIFEST_FILES_MAX)
		return lk_doc_error(seq, err, "files: %zu, at most %u", n, LK_MANIFEST_FILES_MAX);
	if (n == 0)
		return LK_OK;
	m->files = calloc(n, sizeof(*m->files));
	if (!m->files)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	return parse_all(seq, m, err);
}

int lk_manifest_from_doc(const struct lk_doc *doc, struct lk_manifest *ret, struct lk_err *err)
{
	static const char *const known[] = { "latchkey-manifest", "label", "files", NULL };
	LK_OWNED_MANIFEST m = LK_MANIFEST_NONE;
	uint64_t format;

	LK_TRY(lk_doc_expect_keys(doc, known, err));
	LK_TRY(lk_doc_get_uint(doc, "latchkey-manifest", 1, 1, &format, err));
	LK_TRY(parse_label(doc, &m, err));
	LK_TRY(parse_files(doc, &m, err));
	*ret = m;
	m = LK_MANIFEST_NONE;
	return LK_OK;
}

/* What of @path comes after @folder and its "/"; NULL where it doesn't lie below it. */
static const char *below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

const struct lk_manifest_file *lk_manifest_find(const struct lk_manifest *m, const char *path)
{
	for (size_t i = 0; i < m->n_files; i++) {
		const struct lk_manifest_file *f = &m->files[i];

		if (f->is_folder ? below(path, f->path) != NULL : strcmp(f->path, path) == 0)
			return f;
	}
	return NULL;
}

int lk_manifest_destination(const struct lk_manifest_file *f, const char *path,
			    char ret[static LK_UC_DEST_MAX + 1], struct lk_err *err)
{
	const char *rest = f->is_folder ? below(path, f->path) : NULL;
	size_t len = strlen(f->destination), more = rest ? strlen(rest) + 1 : 0;
	char shown[LK_TEXT_SHOWN_MAX + 4];

	if (len + more > LK_UC_DEST_MAX)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			LK_MANIFEST_NAME
			": \"%s\": its destination would have %zu bytes; at most %u are allowed",
			lk_text_show(path, shown), len + more, LK_UC_DEST_MAX);
	memcpy(ret, f->destination, len + 1);
	if (rest) {
		ret[len] = '/';
		memcpy(ret + len + 1, rest, more);
	}
	return LK_OK;
}

bool lk_manifest_covers(const struct lk_manifest_file *f, const char *destination)
{
	return f->is_folder ? below(destination, f->destination) != NULL
			    : strcmp(f->destination, destination) == 0;
}

/* Letters and digits alone, as small ones: what is left tells spellings apart
 * that people take for the same. */
static bool looks_like_manifest(const char *name)
{
	static const char *const likes[] = { "latchkeymanifest",	"latchkeymanifestyaml",
					     "latchkeymanifestyml",	"latchkeymanifestjson",
					     "latchkeymanifestyamltxt", "latchkeymanifesttxt" };
	char folded[32];
	size_t n = 0;

	for (; *name && n < sizeof(folded) - 1; name++) {
		char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			folded[n++] = c;
	}
	folded[n] = '\0';
	for (size_t i = 0; *name == '\0' && i < sizeof(likes) / sizeof(likes[0]); i++)
		if (strcmp(folded, likes[i]) == 0)
			return true;
	return false;
}

int lk_manifest_check_place(const struct lk_manifest *m, const char *path, struct lk_err *err)
{
	const char *slash = strrchr(path, '/');
	char shown[LK_TEXT_SHOWN_MAX + 4], folder[LK_TEXT_SHOWN_MAX + 4];
	char in[LK_ARCHIVE_PATH_MAX + 1] = "DIR";

	if (!looks_like_manifest(slash ? slash + 1 : path) || lk_manifest_find(m, path))
		return LK_OK;
	if (slash && (size_t)(slash - path) < sizeof(in)) {
		memcpy(in, path, (size_t)(slash - path));
		in[slash - path] = '\0';
	}
	return lk_err_set(
		err, LK_E_INPUT, 0,
		"\"%s\": a manifest has to be at the top of the archive, as its first file, and be called " LK_MANIFEST_NAME
		"; anywhere else nothing that it says would hold. %s%s%s, or pack its folder with: tar -C %s -cf config.tar " LK_MANIFEST_NAME
		" FILE...",
		lk_text_show(path, shown),
		slash ? "Seal the folder that it lies in (" : "Give it that name",
		slash ? lk_text_show(in, folder) : "", slash ? ", below what is given here)" : "",
		lk_text_show(in, folder));
}

static int not_allowed(const struct lk_manifest_file *f, const char *what, const char *setting,
		       struct lk_err *err)
{
	char path[LK_TEXT_SHOWN_MAX + 4];
	char shown[LK_TEXT_SHOWN_MAX + 4];

	return lk_err_set(
		err, LK_E_INPUT, 0,
		LK_MANIFEST_NAME
		": \"%s\": %s is not allowed by this device's setting %s, see latchkey-userconfig.yaml(5)",
		lk_text_show(f->path, path), lk_text_show(what, shown), setting);
}

static int check_units(const struct lk_manifest_file *f, const struct lk_userconfig_file *settings,
		       struct lk_err *err)
{
	for (size_t i = 0; i < f->n_restart; i++)
		if (!lk_userconfig_unit_allowed(settings, f->restart[i]))
			return not_allowed(f, f->restart[i], "units", err);
	for (size_t i = 0; i < f->n_reload; i++)
		if (!lk_userconfig_unit_allowed(settings, f->reload[i]))
			return not_allowed(f, f->reload[i], "units", err);
	return LK_OK;
}

/* A folder's files go below its destination, which so may be a prefix itself. Each one is
 * held against the settings again once the archive has named it. */
static bool may_go_there(const struct lk_manifest_file *f,
			 const struct lk_userconfig_file *settings)
{
	char inside[LK_UC_DEST_MAX + sizeof("/x")];
	size_t len = strlen(f->destination);

	memcpy(inside, f->destination, len);
	memcpy(inside + len, "/x", sizeof("/x"));
	return lk_userconfig_prefix_of(settings, f->is_folder ? inside : f->destination);
}

static int check_file(const struct lk_manifest_file *f, const struct lk_userconfig_file *settings,
		      struct lk_err *err)
{
	char mode[] = "mode 0000";

	if (!may_go_there(f, settings))
		return not_allowed(f, f->destination, "prefixes", err);
	if (!lk_userconfig_owner_allowed(settings, f->owner))
		return not_allowed(f, f->owner, "owners", err);
	if (!lk_userconfig_group_allowed(settings, f->group))
		return not_allowed(f, f->group, "groups", err);
	if (f->has_mode && f->mode & ~settings->modes) {
		mode[6] = (char)('0' + (f->mode >> 6 & 7));
		mode[7] = (char)('0' + (f->mode >> 3 & 7));
		mode[8] = (char)('0' + (f->mode & 7));
		return not_allowed(f, mode, "modes", err);
	}
	return check_units(f, settings, err);
}

int lk_manifest_check(const struct lk_manifest *m, const struct lk_userconfig_file *settings,
		      struct lk_err *err)
{
	for (size_t i = 0; i < m->n_files; i++)
		LK_TRY(check_file(&m->files[i], settings, err));
	return LK_OK;
}
