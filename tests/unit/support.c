/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns what unit tests share. */
#include "support.h"

#include <stdio.h>

struct lk_yaml *doc_of(const char *text)
{
	struct lk_yaml *yaml = NULL;
	struct lk_err err = { 0 };

	if (lk_yaml_parse((const uint8_t *)text, strlen(text), &yaml, &err) != LK_OK)
		fail_msg("%s in: %s", err.msg, text);
	return yaml;
}

struct lk_buf data_file(const char *name)
{
	struct lk_buf buf = LK_BUF_NONE;
	struct lk_err err = { 0 };
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", LK_TEST_DATA, name);
	if (lk_fs_read(path, 1u << 20, &buf, &err) != LK_OK)
		fail_msg("%s", err.msg);
	return buf;
}

size_t unhex(const char *hex, uint8_t *out, size_t cap)
{
	size_t len = 0;

	assert_true(lk_hex_decode(hex, strlen(hex), out, cap, &len));
	return len;
}

char *swapped(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = NULL;

	if (!at || strstr(at + 1, from))
		fail_msg("\"%s\" isn't once in: %s", from, text);
	if (asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) < 0)
		fail_msg("out of memory");
	return out;
}

size_t shortest_that_parses(const char *text, size_t len, parse_fn parse)
{
	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		int rc;

		assert_non_null(cut);
		memcpy(cut, text, n);
		rc = parse(cut, n);
		free(cut);
		if (rc == LK_OK)
			return n;
	}
	return len;
}

bool failing_hash(enum lk_alg alg, const struct lk_bytes *parts, size_t n_parts,
		  struct lk_digest *ret)
{
	(void)alg;
	(void)parts;
	(void)n_parts;
	(void)ret;
	return false;
}

void poison(void *p, size_t len)
{
	memset(p, 0xa5, len);
}

bool is_poisoned(const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		if (b[i] != 0xa5)
			return false;
	return true;
}
