/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the rules of archives: entries in bytes, against a model that compares each with all. */
#include "core/config/archive_rules.h"
#include "core/base/bytes.h"
#include "core/base/text.h"
#include "fuzz.h"

#define ENTRIES_MAX 200u

struct accepted {
	bool is_file;
	char path[LK_ARCHIVE_PATH_MAX + 1];
};

struct model {
	struct lk_archive_limits limits;
	uint64_t total;
	struct accepted list[ENTRIES_MAX];
	size_t n;
};

static bool lies_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* May it not lie beside what is there? */
static bool clashes(const struct model *m, const char *path, bool is_file)
{
	if (*path == '\0')
		return is_file;
	for (size_t i = 0; i < m->n; i++) {
		const struct accepted *a = &m->list[i];

		if (strcmp(a->path, path) == 0 && (is_file || a->is_file))
			return true;
		if (a->is_file && lies_below(path, a->path))
			return true;
		if (is_file && lies_below(a->path, path))
			return true;
	}
	return false;
}

static bool is_too_large(const struct model *m, uint64_t size)
{
	const struct lk_archive_limits *l = &m->limits;
	uint64_t total = m->total + size;

	return size > l->max_file || total > l->max_total ||
	       (total > 1u << 20 && total / 200 >= l->packed && total > l->packed * 200);
}

/* What an accepted path may not be, looked for in the bluntest way. */
static void check_path(const char *path)
{
	char within[LK_ARCHIVE_PATH_MAX + 3];

	INVARIANT(strlen(path) <= LK_ARCHIVE_PATH_MAX);
	INVARIANT(lk_text_is_visible(path));
	(void)snprintf(within, sizeof(within), "/%s/", path);
	INVARIANT(!strstr(within, "/../") && !strstr(within, "/./"));
	INVARIANT(!strstr(within, "//") || *path == '\0');
}

/* Accepted paths are accepted again, as they are. */
static bool path_is_good(const char *path, char ret[LK_ARCHIVE_PATH_MAX + 1])
{
	char again[LK_ARCHIVE_PATH_MAX + 1];
	struct lk_err err = { 0 };
	int rc = lk_archive_path_check(path, ret, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		INVARIANT(lk_text_is_visible(err.msg));
		return false;
	}
	check_path(ret);
	INVARIANT(*ret == '\0' ||
		  (lk_archive_path_check(ret, again, NULL) == LK_OK && strcmp(ret, again) == 0));
	return true;
}

/* Returns whether there is a reason, counts apart. */
static bool is_bad(const struct model *m, const struct lk_archive_entry *e)
{
	char path[LK_ARCHIVE_PATH_MAX + 1];

	return e->kind > LK_ARCHIVE_DIRECTORY || !e->path || (e->mode & ~0777u) ||
	       !path_is_good(e->path, path) || is_too_large(m, e->size) ||
	       clashes(m, path, e->kind == LK_ARCHIVE_FILE);
}

static bool enter(struct model *m, struct lk_archive_rules *rules, const struct lk_archive_entry *e)
{
	bool has_room = m->n < m->limits.max_entries;
	struct accepted *a = &m->list[m->n];
	bool bad = is_bad(m, e);
	struct lk_err err = { 0 };
	int rc = lk_archive_rules_entry(rules, e, a->path, &err);

	if (rc != LK_OK) {
		check_error(rc, LK_E_INPUT, &err);
		INVARIANT(lk_text_is_visible(err.msg));
		INVARIANT(bad || !has_room);
		return false;
	}
	INVARIANT(!bad && has_room);
	check_path(a->path);
	a->is_file = e->kind == LK_ARCHIVE_FILE;
	m->total += e->size;
	m->n++;
	return true;
}

/* Kind, mode and size in 4 bytes, then the path up to a zero. */
static bool next_entry(struct lk_reader *r, struct lk_archive_entry *e, char **path)
{
	uint8_t what = lk_read_u8(r);
	uint8_t mode = lk_read_u8(r);
	uint16_t size = lk_read_be16(r);
	size_t len = strnlen((const char *)r->data, r->left);

	if (r->failed)
		return false;
	*path = strndup((const char *)r->data, len);
	INVARIANT(*path);
	(void)lk_read_bytes(r, len < r->left ? len + 1 : len);
	*e = (struct lk_archive_entry){
		.kind = (enum lk_archive_kind)(what & 7),
		.path = what & 8 ? NULL : *path,
		.target = what & 16 ? *path : NULL,
		.mode = (uint32_t)(mode & 7) << 9 | mode,
		.size = (uint64_t)size << (what >> 5) * 8,
	};
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LK_OWNED_ARCHIVE_RULES rules = NULL;
	static struct model m;
	struct lk_reader r = lk_reader_init(data, size);
	struct lk_archive_entry e;
	char *path = NULL;
	bool more = true;

	m.n = 0;
	m.total = 0;
	m.limits.max_entries = (uint64_t)lk_read_u8(&r);
	m.limits.max_file = (uint64_t)1 << (lk_read_u8(&r) % 62);
	m.limits.max_total = (uint64_t)1 << (lk_read_u8(&r) % 62);
	m.limits.packed = (uint64_t)1 << (lk_read_u8(&r) % 62);
	INVARIANT(lk_archive_rules_new(&m.limits, &rules, NULL) == LK_OK);
	while (more && m.n < ENTRIES_MAX && next_entry(&r, &e, &path)) {
		more = enter(&m, rules, &e);
		free(path);
	}
	return 0;
}
