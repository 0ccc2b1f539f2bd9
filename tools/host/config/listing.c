/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns listing and comparing the files of two blobs. */
#include "config/listing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "sys/crypto/crypto_stream.h"
#include "sys/os/secret.h"

void lk_listing_done(struct lk_listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->files[i].path);
	free(l->files);
	*l = (struct lk_listing){ .files = NULL };
}

static int out_of_memory(struct lk_err *err)
{
	return lk_err_set(err, LK_E_SYSTEM, ENOMEM, "out of memory");
}

static int hash(const struct lk_source *data, struct lk_digest *ret, struct lk_err *err)
{
	LK_OWNED_HASHER hasher = NULL;
	uint8_t buf[64 * 1024];
	size_t len = 1;
	int rc = lk_hasher_new(LK_ALG_SHA256, &hasher, err);

	while (rc == LK_OK && len) {
		rc = data->read(data->ctx, buf, sizeof(buf), &len, err);
		if (rc == LK_OK)
			rc = lk_hasher_update(hasher, buf, len, err);
	}
	lk_wipe(buf, sizeof(buf));
	return rc == LK_OK ? lk_hasher_final(hasher, ret, err) : rc;
}

static int list_file(void *ctx, const struct lk_content_file *file, struct lk_err *err)
{
	struct lk_listing *l = ctx;
	struct lk_listed f = { .mode = file->mode, .size = file->size };
	int rc;

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct lk_listed *more = reallocarray(l->files, cap, sizeof(*more));

		if (!more)
			return out_of_memory(err);
		l->files = more;
		l->cap = cap;
	}
	rc = hash(file->data, &f.sha256, err);
	if (rc != LK_OK)
		return rc;
	f.path = strdup(file->path);
	if (!f.path)
		return out_of_memory(err);
	l->files[l->n++] = f;
	return LK_OK;
}

static int by_path(const void *a, const void *b)
{
	const struct lk_listed *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int lk_listing_read(const struct lk_opened *blob, struct lk_listing *ret, struct lk_err *err)
{
	LK_OWNED_LISTING l = { .files = NULL };
	const struct lk_content_visitor visitor = { list_file, &l };
	int rc = lk_opened_walk(blob, "reading", &visitor, err);

	if (rc != LK_OK)
		return rc;
	if (l.n)
		qsort(l.files, l.n, sizeof(*l.files), by_path);
	*ret = l;
	l = (struct lk_listing){ .files = NULL };
	return LK_OK;
}

static void print_whole(const char *what, const struct lk_listed *f)
{
	printf("%-8s ", what);
	lk_print_quoted(stdout, f->path, strlen(f->path));
	printf(" %" PRIu64 " bytes, mode %04o, SHA-256 ", f->size, f->mode);
	lk_print_hex(stdout, f->sha256.data, f->sha256.len);
	printf("\n");
}

static void print_change(const struct lk_listed *a, const struct lk_listed *b)
{
	printf("changed  ");
	lk_print_quoted(stdout, b->path, strlen(b->path));
	if (a->size != b->size)
		printf(" %" PRIu64 " to %" PRIu64 " bytes", a->size, b->size);
	if (a->mode != b->mode)
		printf(" mode %04o to %04o", a->mode, b->mode);
	if (!lk_digest_equal(&a->sha256, &b->sha256)) {
		printf(" SHA-256 ");
		lk_print_hex(stdout, a->sha256.data, a->sha256.len);
		printf(" to ");
		lk_print_hex(stdout, b->sha256.data, b->sha256.len);
	}
	printf("\n");
}

static bool is_same(const struct lk_listed *a, const struct lk_listed *b)
{
	return a->size == b->size && a->mode == b->mode && lk_digest_equal(&a->sha256, &b->sha256);
}

size_t lk_listing_diff(const struct lk_listing *a, const struct lk_listing *b)
{
	size_t i = 0, k = 0, n = 0;

	while (i < a->n || k < b->n) {
		int order = i == a->n ? 1 : k == b->n ? -1 : by_path(&a->files[i], &b->files[k]);

		if (order < 0) {
			print_whole("removed", &a->files[i++]);
			n++;
		} else if (order > 0) {
			print_whole("added", &b->files[k++]);
			n++;
		} else {
			if (!is_same(&a->files[i], &b->files[k])) {
				print_change(&a->files[i], &b->files[k]);
				n++;
			}
			i++;
			k++;
		}
	}
	return n;
}
