/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns the text of such records: a line a file, fields apart by tabs, which no path has. */
#include "core/config/agreed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/config/archive_rules.h"
#include "core/config/userconfig_file.h"

#define FIRST	 "latchkey-agreed 1"
#define N_HEAD	 4u
#define N_FIELDS 8u

void lk_agreed_done(struct lk_agreed *a)
{
	for (size_t i = 0; i < a->n_files; i++) {
		free(a->files[i].path);
		free(a->files[i].destination);
	}
	free(a->files);
	*a = LK_AGREED_NONE;
}

int lk_agreed_add(struct lk_agreed *a, const struct lk_agreed_file *file, struct lk_err *err)
{
	struct lk_agreed_file f = *file;

	if (a->n_files == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 32;
		struct lk_agreed_file *more = reallocarray(a->files, cap, sizeof(*more));

		if (!more)
			return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
		a->files = more;
		a->cap = cap;
	}
	f.path = strdup(file->path);
	f.destination = strdup(file->destination);
	/* Owned by the list in any case. */
	a->files[a->n_files++] = f;
	if (f.path && f.destination)
		return LK_OK;
	a->n_files--;
	free(f.path);
	free(f.destination);
	return lk_err_set(err, LK_E_SYSTEM, 0, "out of memory");
}

void lk_agreed_remove(struct lk_agreed *a, size_t at)
{
	free(a->files[at].path);
	free(a->files[at].destination);
	a->n_files--;
	memmove(&a->files[at], &a->files[at + 1], (a->n_files - at) * sizeof(*a->files));
}

/* Where two are for one place their order stays: a merge sort keeps it. */
static void merge(struct lk_agreed_file *files, struct lk_agreed_file *room, size_t n)
{
	size_t half = n / 2, a = 0, b = half;

	if (n < 2)
		return;
	merge(files, room, half);
	merge(files + half, room, n - half);
	for (size_t i = 0; i < n; i++) {
		bool left = b == n ||
			    (a < half && strcmp(files[a].destination, files[b].destination) <= 0);

		room[i] = files[left ? a++ : b++];
	}
	memcpy(files, room, n * sizeof(*files));
}

void lk_agreed_sort(struct lk_agreed *a)
{
	struct lk_agreed_file *room = calloc(a->n_files + 1, sizeof(*room));

	if (room)
		merge(a->files, room, a->n_files);
	/* Without memory as it is: nothing that isn't sorted is found, and what
	 * isn't found isn't put in place. */
	free(room);
}

const struct lk_agreed_file *lk_agreed_find(const struct lk_agreed *a, const char *destination,
					    size_t *ret_n)
{
	size_t low = 0, high = a->n_files;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(a->files[middle].destination, destination) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (*ret_n = 0; low + *ret_n < a->n_files &&
			 strcmp(a->files[low + *ret_n].destination, destination) == 0;)
		++*ret_n;
	return *ret_n ? &a->files[low] : NULL;
}

static size_t write_head(const struct lk_agreed *a, char *out, size_t cap)
{
	char hex[2 * LK_DIGEST_MAX + 1] = "-";

	if (a->blob.len)
		lk_hex_encode(a->blob.data, a->blob.len, hex);
	return (size_t)snprintf(out, cap, FIRST "\nsequence\t%" PRIu64 "\ntried\t%d\nblob\t%s\n",
				a->sequence, a->tried, hex);
}

static size_t write_file(const struct lk_agreed_file *f, char *out, size_t cap)
{
	char hex[2 * LK_AGREED_DIGEST + 1];

	lk_hex_encode(f->digest, LK_AGREED_DIGEST, hex);
	return (size_t)snprintf(out, cap,
				"%s\t%" PRIu64 "\t%" PRIo32 "\t%" PRIu32 "\t%" PRIu32
				"\t%d\t%s\t%s\n",
				hex, f->size, f->mode, f->uid, f->gid,
				f->is_copy ? 2 : f->is_volatile, f->path, f->destination);
}

char *lk_agreed_to_text(const struct lk_agreed *a, size_t *ret_len)
{
	size_t len = write_head(a, NULL, 0), at;
	char *text;

	for (size_t i = 0; i < a->n_files; i++)
		len += write_file(&a->files[i], NULL, 0);
	text = malloc(len + 1);
	if (!text)
		return NULL;
	at = write_head(a, text, len + 1);
	for (size_t i = 0; i < a->n_files; i++)
		at += write_file(&a->files[i], text + at, len + 1 - at);
	*ret_len = at;
	return text;
}

static bool to_number(const char *text, unsigned int base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || digit >= base || digit > max || v > (max - digit) / base)
			return false;
		v = v * base + digit;
	}
	*ret = v;
	return true;
}

/* Cuts a line at its tabs; the number of fields, or one more than there may be. */
static size_t split(char *line, char *fields[N_FIELDS])
{
	size_t n = 0;

	for (char *p = line; p && n <= N_FIELDS;) {
		char *tab = strchr(p, '\t');

		if (n < N_FIELDS)
			fields[n] = p;
		n++;
		if (tab)
			*tab = '\0';
		p = tab ? tab + 1 : NULL;
	}
	return n;
}

static bool parse_head(size_t which, char *line, struct lk_agreed *a)
{
	char *fields[N_FIELDS];
	uint64_t tried = 0;
	size_t len = 0;

	if (which == 0)
		return strcmp(line, FIRST) == 0;
	if (split(line, fields) != 2)
		return false;
	if (which == 1)
		return strcmp(fields[0], "sequence") == 0 &&
		       to_number(fields[1], 10, UINT64_MAX, &a->sequence);
	if (which == 2) {
		a->tried = strcmp(fields[1], "1") == 0;
		return strcmp(fields[0], "tried") == 0 && to_number(fields[1], 10, 1, &tried);
	}
	if (strcmp(fields[0], "blob") != 0)
		return false;
	if (strcmp(fields[1], "-") == 0)
		return true;
	if (!lk_hex_decode(fields[1], strlen(fields[1]), a->blob.data, LK_DIGEST_MAX, &len))
		return false;
	a->blob.len = (uint16_t)len;
	return true;
}

static bool parse_numbers(char *fields[N_FIELDS], struct lk_agreed_file *f)
{
	uint64_t mode, uid, gid, how;
	size_t len = 0;

	if (!lk_hex_decode(fields[0], strlen(fields[0]), f->digest, LK_AGREED_DIGEST, &len) ||
	    len != LK_AGREED_DIGEST || !to_number(fields[1], 10, UINT64_MAX, &f->size) ||
	    !to_number(fields[2], 8, 0777, &mode) || !to_number(fields[3], 10, UINT32_MAX, &uid) ||
	    !to_number(fields[4], 10, UINT32_MAX, &gid) || !to_number(fields[5], 10, 2, &how))
		return false;
	f->mode = (uint32_t)mode;
	f->uid = (uint32_t)uid;
	f->gid = (uint32_t)gid;
	f->is_volatile = how == 1;
	f->is_copy = how == 2;
	return true;
}

static int parse_file(char *line, struct lk_agreed *a, struct lk_err *err)
{
	char *fields[N_FIELDS], path[LK_ARCHIVE_PATH_MAX + 1];
	struct lk_agreed_file f = { .path = NULL };

	if (split(line, fields) != N_FIELDS || !parse_numbers(fields, &f) ||
	    (*fields[6] && lk_archive_path_check(fields[6], path, NULL) != LK_OK) ||
	    !lk_path_is_plain(fields[7], LK_UC_DEST_MAX + LK_UC_PATH_MAX))
		return lk_err_set(err, LK_E_INPUT, 0, "not a file's line");
	f.path = fields[6];
	f.destination = fields[7];
	return lk_agreed_add(a, &f, err);
}

int lk_agreed_from_text(const char *text, size_t len, struct lk_agreed *ret, struct lk_err *err)
{
	LK_OWNED_AGREED a = LK_AGREED_NONE;
	char line[LK_AGREED_LINE_MAX];
	size_t n = 0;

	for (size_t at = 0; at < len; n++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t size = end ? (size_t)(end - text) - at : len;
		int rc = LK_E_INPUT;

		if (end && size < sizeof(line) && !memchr(text + at, '\0', size)) {
			memcpy(line, text + at, size);
			line[size] = '\0';
			rc = n >= N_HEAD	       ? parse_file(line, &a, err)
			     : parse_head(n, line, &a) ? LK_OK
						       : LK_E_INPUT;
		}
		if (rc == LK_E_INPUT)
			return lk_err_set(err, LK_E_INPUT, 0, "line %zu: not as it was written",
					  n + 1);
		if (rc != LK_OK)
			return rc;
		at += size + 1;
	}
	if (n < N_HEAD)
		return lk_err_set(err, LK_E_INPUT, 0, "line %zu: cut short", n + 1);
	lk_agreed_sort(&a);
	*ret = a;
	a = LK_AGREED_NONE;
	return LK_OK;
}
