/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what an archive of configuration may hold. */
#include "core/config/archive_rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/path_tree.h"
#include "core/base/text.h"

#define SET_ID_AND_STICKY 07000u
/** As much may be unpacked from the smallest blob. */
#define RATIO_FREE (UINT64_C(1) << 20)

struct lk_archive_rules {
	struct lk_archive_limits limits;
	struct lk_path_tree seen;
	uint64_t n_entries;
	uint64_t total;
};

static int refuse_path(const char *path, const char *why, struct lk_err *err)
{
	char shown[LK_TEXT_SHOWN_MAX + 4];

	return lk_err_set(err, LK_E_INPUT, 0, "\"%s\": %s", lk_text_show(path, shown), why);
}

/* NULL for a component that may be. */
static const char *wrong_component(const char *name, size_t len)
{
	if (len == 0)
		return "a component of the path is empty";
	if (len == 1 && name[0] == '.')
		return "\".\" within the path";
	if (len == 2 && name[0] == '.' && name[1] == '.')
		return "\"..\" would lead out of its folder";
	if (len > LK_ARCHIVE_COMPONENT_MAX)
		return "a component of the path is longer than 255 bytes";
	return NULL;
}

static const char *wrong_components(const char *path, size_t len)
{
	unsigned int depth = 0;

	for (size_t at = 0; at <= len;) {
		const char *slash = memchr(path + at, '/', len - at);
		size_t n = slash ? (size_t)(slash - path) - at : len - at;
		const char *wrong = wrong_component(path + at, n);

		if (wrong)
			return wrong;
		if (++depth > LK_ARCHIVE_DEPTH_MAX)
			return "the path has more than 32 components";
		at += n + 1;
	}
	return NULL;
}

int lk_archive_path_check(const char *path, char ret[static LK_ARCHIVE_PATH_MAX + 1],
			  struct lk_err *err)
{
	const char *wrong = NULL;
	const char *start = path;
	size_t len;

	if (*path == '\0')
		return refuse_path(path, "the path is empty", err);
	if (*path == '/')
		return refuse_path(path, "the path is absolute", err);
	if (strncmp(path, "./", 2) == 0)
		start = path + 2;
	else if (strcmp(path, ".") == 0)
		start = path + 1;
	len = strlen(start);
	if (len > 1 && start[len - 1] == '/')
		len--;
	if (len > LK_ARCHIVE_PATH_MAX)
		wrong = "the path is longer than 1024 bytes";
	else if (!lk_text_is_visible(start))
		wrong = "the path isn't UTF-8, or has a character that isn't seen";
	else if (len)
		wrong = wrong_components(start, len);
	if (wrong)
		return refuse_path(path, wrong, err);
	memcpy(ret, start, len);
	ret[len] = '\0';
	return LK_OK;
}

int lk_archive_rules_new(const struct lk_archive_limits *limits, struct lk_archive_rules **ret,
			 struct lk_err *err)
{
	struct lk_archive_rules *rules = calloc(1, sizeof(*rules));

	if (!rules)
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	rules->limits = *limits;
	*ret = rules;
	return LK_OK;
}

void lk_archive_rules_free(struct lk_archive_rules *rules)
{
	if (!rules)
		return;
	lk_path_tree_done(&rules->seen);
	free(rules);
}

static int check_kind(const struct lk_archive_entry *entry, struct lk_err *err)
{
	static const char *const words[] = {
		[LK_ARCHIVE_SYMLINK] = "a symbolic link",
		[LK_ARCHIVE_HARDLINK] = "a hard link",
		[LK_ARCHIVE_DEVICE] = "a device",
		[LK_ARCHIVE_FIFO] = "a FIFO",
	};
	char path[LK_TEXT_SHOWN_MAX + 4];
	char target[LK_TEXT_SHOWN_MAX + 4];
	const char *word = NULL;

	if (entry->kind == LK_ARCHIVE_FILE || entry->kind == LK_ARCHIVE_DIRECTORY)
		return LK_OK;
	if ((size_t)entry->kind < sizeof(words) / sizeof(words[0]))
		word = words[entry->kind];
	return lk_err_set(err, LK_E_INPUT, 0,
			  "\"%s\": %s%s%s; only files and directories are allowed",
			  lk_text_show(entry->path, path),
			  word ? word : "neither file nor directory", entry->target ? " to " : "",
			  entry->target ? lk_text_show(entry->target, target) : "");
}

static int too_much(const char *path, const char *what, uint64_t limit, struct lk_err *err)
{
	char shown[LK_TEXT_SHOWN_MAX + 4];

	return lk_err_set(err, LK_E_INPUT, 0, "\"%s\": %s; %" PRIu64 " are allowed",
			  lk_text_show(path, shown), what, limit);
}

/* A directory has no content of its own, but what is skipped is unpacked too. */
static int check_size(const struct lk_archive_rules *rules, const struct lk_archive_entry *entry,
		      struct lk_err *err)
{
	const struct lk_archive_limits *l = &rules->limits;
	uint64_t most = l->packed < UINT64_MAX / LK_ARCHIVE_RATIO_MAX
				? l->packed * LK_ARCHIVE_RATIO_MAX
				: UINT64_MAX;

	if (entry->size > l->max_file)
		return too_much(entry->path, "more bytes than a file may have (max-file)",
				l->max_file, err);
	if (rules->total > l->max_total || entry->size > l->max_total - rules->total)
		return too_much(entry->path, "with it, more bytes than all may have (max-total)",
				l->max_total, err);
	if (most < RATIO_FREE)
		most = RATIO_FREE;
	if (rules->total + entry->size > most)
		return too_much(entry->path,
				"with it, more bytes than a blob of this size unpacks to", most,
				err);
	return LK_OK;
}

static int place(struct lk_archive_rules *rules, const char *path, bool is_file, struct lk_err *err)
{
	switch (lk_path_tree_add(&rules->seen, path, is_file)) {
	case LK_PATH_ADDED:
		return LK_OK;
	case LK_PATH_TWICE:
		return refuse_path(path, "it is in the archive twice", err);
	case LK_PATH_IS_DIRECTORY:
		return refuse_path(path, "a file where a directory is", err);
	case LK_PATH_BELOW_FILE:
		return refuse_path(path, "it lies below a file", err);
	default:
		return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
	}
}

int lk_archive_rules_entry(struct lk_archive_rules *rules, const struct lk_archive_entry *entry,
			   char ret_path[static LK_ARCHIVE_PATH_MAX + 1], struct lk_err *err)
{
	char path[LK_ARCHIVE_PATH_MAX + 1];
	int rc;

	if (!entry->path)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "entry %" PRIu64 ": its name can't be read as UTF-8",
				  rules->n_entries + 1);
	if (rules->n_entries >= rules->limits.max_entries)
		return too_much(entry->path, "too many entries (max-files)",
				rules->limits.max_entries, err);
	rc = check_kind(entry, err);
	if (rc == LK_OK && entry->mode & SET_ID_AND_STICKY)
		rc = refuse_path(entry->path, "a set-id or sticky bit", err);
	if (rc == LK_OK)
		rc = lk_archive_path_check(entry->path, path, err);
	if (rc == LK_OK)
		rc = check_size(rules, entry, err);
	if (rc == LK_OK)
		rc = place(rules, path, entry->kind == LK_ARCHIVE_FILE, err);
	if (rc != LK_OK)
		return rc;
	rules->n_entries++;
	rules->total += entry->size;
	memcpy(ret_path, path, strlen(path) + 1);
	return LK_OK;
}
