/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns letting Python call the archive reader: what it tells a visitor, one line an entry. */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/format/archive.h"
#include "sys/crypto/crypto.h"
#include "sys/crypto/crypto_stream.h"

/* Standard input, in pieces that are as small as the caller of it wants. */
static int read_input(void *ctx, uint8_t *buf, size_t cap, size_t *ret_len, struct lk_err *err)
{
	size_t most = *(size_t *)ctx;
	ssize_t n = read(STDIN_FILENO, buf, cap < most ? cap : most);

	if (n < 0)
		return lk_err_set(err, LK_E_IO, (uint32_t)errno, "input: %s", strerror(errno));
	*ret_len = (size_t)n;
	return LK_OK;
}

static int print_content(const struct lk_source *data, struct lk_err *err)
{
	LK_OWNED_HASHER hasher = NULL;
	struct lk_digest digest;
	uint64_t total = 0;
	uint8_t buf[3000];
	size_t len = 1;
	int rc = lk_hasher_new(LK_ALG_SHA256, &hasher, err);

	while (rc == LK_OK && len) {
		rc = data->read(data->ctx, buf, sizeof(buf), &len, err);
		if (rc == LK_OK)
			rc = lk_hasher_update(hasher, buf, len, err);
		total += len;
	}
	if (rc == LK_OK)
		rc = lk_hasher_final(hasher, &digest, err);
	if (rc != LK_OK)
		return rc;
	printf(" %" PRIu64 " ", total);
	for (size_t i = 0; i < digest.len; i++)
		printf("%02x", digest.data[i]);
	return LK_OK;
}

static int print_entry(void *ctx, const struct lk_archive_entry *entry,
		       const struct lk_source *data, struct lk_err *err)
{
	static const char *const kinds[] = { "file",   "directory", "symlink", "hardlink",
					     "device", "fifo",	    "other" };
	const char *path = entry->path ? entry->path : "";
	const bool *read_it = ctx;
	int rc = LK_OK;

	printf("%s %04o %" PRIu64 " ", kinds[entry->kind], entry->mode, entry->size);
	for (size_t i = 0; path[i]; i++)
		printf("%02x", (uint8_t)path[i]);
	if (*read_it && entry->kind == LK_ARCHIVE_FILE)
		rc = print_content(data, err);
	printf("\n");
	return rc;
}

int main(int argc, char **argv)
{
	size_t piece = argc > 1 ? strtoul(argv[1], NULL, 10) : 65536;
	bool read_it = argc < 3 || strcmp(argv[2], "skip") != 0;
	const struct lk_source from = { read_input, &piece };
	const struct lk_archive_visitor visitor = { print_entry, &read_it };
	struct lk_err err = { 0 };
	int rc;

	(void)setlocale(LC_ALL, "");
	rc = lk_archive_read(&from, &visitor, &err);
	if (rc != LK_OK)
		fprintf(stderr, "%s\n", err.msg);
	return lk_exit_code(rc);
}
