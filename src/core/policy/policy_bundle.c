/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns reading and writing bundles of signed policies. */
#include "core/policy/policy_bundle.h"

#include <stdio.h>
#include <string.h>

#define WORD_LEN (sizeof(LK_POLICY_BUNDLE_WORD) - 1)
#define BODY_MAX (LK_POLICY_BUNDLE_MAX - LK_POLICY_BUNDLE_HEAD)

static bool has_at(struct lk_bytes start, size_t at, const void *what, size_t len)
{
	return at <= start.len && len <= start.len - at && memcmp(start.data + at, what, len) == 0;
}

bool lk_policy_bundle_is(struct lk_bytes start)
{
	return has_at(start, 0, LK_POLICY_BUNDLE_WORD " ", WORD_LEN + 1);
}

static bool is_all(struct lk_bytes start, uint8_t byte)
{
	for (size_t i = 0; i < start.len; i++)
		if (start.data[i] != byte)
			return false;
	return true;
}

/* For who put the wrong medium in. Nothing is decided by it. */
static const char *what_it_is(struct lk_bytes start)
{
	static const struct {
		size_t at;
		const char *mark;
		size_t len;
		const char *what;
	} known[] = {
		{ 0, "LUKS\xba\xbe", 6, "there is a LUKS volume" },
		{ 0, "latchkey-signed-policy", 22,
		  "there is one signed policy; \"latchkey policy bundle\" makes a bundle of it" },
		{ 0, "{\"latchkey-signed-policy\"", 25,
		  "there is one signed policy; \"latchkey policy bundle\" makes a bundle of it" },
		{ 0, "hsqs", 4, "there is a squashfs file system" },
		{ 1080, "\x53\xef", 2, "there is an ext2, ext3 or ext4 file system" },
		{ 512, "EFI PART", 8, "there is a partition table (GPT)" },
		{ 510, "\x55\xaa", 2, "there is a FAT file system or a partition table" },
	};

	if (start.len == 0)
		return "there is nothing at all";
	if (is_all(start, 0) || is_all(start, 0xff))
		return "there is nothing written";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (has_at(start, known[i].at, known[i].mark, known[i].len))
			return known[i].what;
	return "there is something else";
}

static size_t number(const uint8_t *digits, size_t n)
{
	size_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (size_t)(digits[i] - '0');
	return v;
}

static int write_head(const struct lk_policy_bundle *b, char out[static LK_POLICY_BUNDLE_HEAD + 1])
{
	char hex[2 * LK_DIGEST_MAX + 1];
	int n;

	lk_hex_encode(b->sha256.data, 32, hex);
	n = snprintf(out, LK_POLICY_BUNDLE_HEAD + 1, LK_POLICY_BUNDLE_WORD " 1 %04zu %07zu %s\n",
		     b->n, b->len, hex);
	return n == (int)LK_POLICY_BUNDLE_HEAD ? LK_OK : LK_E_INPUT;
}

/* What is read must be what would be written: there is one form of each line. */
static bool parse_head(struct lk_bytes start, struct lk_policy_bundle *ret)
{
	char again[LK_POLICY_BUNDLE_HEAD + 1];
	const uint8_t *at = start.data + WORD_LEN + sizeof(" 1 ") - 1;
	struct lk_policy_bundle b = { .sha256.len = 32 };
	size_t len;

	if (start.len < LK_POLICY_BUNDLE_HEAD)
		return false;
	for (size_t i = 0; i < 12; i++)
		if (i != 4 && (at[i] < '0' || at[i] > '9'))
			return false;
	b.n = number(at, 4);
	b.len = number(at + 5, 7);
	if (!lk_hex_decode((const char *)at + 13, 64, b.sha256.data, 32, &len) ||
	    write_head(&b, again) != LK_OK || memcmp(again, start.data, LK_POLICY_BUNDLE_HEAD) != 0)
		return false;
	*ret = b;
	return true;
}

int lk_policy_bundle_head(struct lk_bytes start, struct lk_policy_bundle *ret, struct lk_err *err)
{
	struct lk_policy_bundle b;

	if (!lk_policy_bundle_is(start))
		return lk_err_set(err, LK_E_INPUT, 0, "this is no bundle of signed policies: %s",
				  what_it_is(start));
	if (!has_at(start, WORD_LEN, " 1 ", 3))
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"1:%zu: a bundle of signed policies, but not of version 1, which is the one known here",
			WORD_LEN + 2);
	if (!parse_head(start, &b))
		return lk_err_set(err, LK_E_INPUT, 0,
				  "1:1: the first line isn't one of a bundle of signed policies");
	if (b.n == 0 || b.n > LK_POLICY_BUNDLE_COUNT)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"1:%zu: the bundle says that it has %zu policies; 1 to %u are allowed",
			WORD_LEN + 4, b.n, LK_POLICY_BUNDLE_COUNT);
	if (b.len > BODY_MAX)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"1:%zu: the bundle says that %zu bytes follow; at most %zu are allowed",
			WORD_LEN + 9, b.len, BODY_MAX);
	*ret = b;
	return LK_OK;
}

bool lk_policy_bundle_next(struct lk_bytes *body, struct lk_bytes *ret)
{
	const uint8_t *end = body->len ? memchr(body->data, '\n', body->len) : NULL;
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - body->data);
	*ret = (struct lk_bytes){ body->data, len };
	*body = (struct lk_bytes){ end + 1, body->len - len - 1 };
	return true;
}

/* The digest vouches for no line: whoever wrote the bundle chose it. */
static int check_lines(const struct lk_policy_bundle *bundle, struct lk_bytes body,
		       struct lk_err *err)
{
	struct lk_bytes line;
	size_t n = 0;

	while (lk_policy_bundle_next(&body, &line)) {
		n++;
		if (line.len == 0 || line.len > LK_SIGNED_POLICY_TEXT_MAX)
			return lk_err_set(err, LK_E_INPUT, 0,
					  "%zu:1: %zu bytes; a signed policy has 1 to %u", n + 1,
					  line.len, LK_SIGNED_POLICY_TEXT_MAX);
	}
	if (body.len)
		return lk_err_set(err, LK_E_INPUT, 0, "%zu:1: the last line has no end", n + 2);
	if (n != bundle->n)
		return lk_err_set(err, LK_E_INPUT, 0,
				  "1:%zu: the bundle says that it has %zu policies, and it has %zu",
				  WORD_LEN + 4, bundle->n, n);
	return LK_OK;
}

int lk_policy_bundle_check(const struct lk_policy_bundle *bundle, struct lk_bytes body,
			   lk_hash_fn hash, struct lk_err *err)
{
	struct lk_digest digest;

	if (body.len != bundle->len)
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"the bundle isn't whole: %zu of the %zu bytes after its first line are there",
			body.len, bundle->len);
	if (!hash(LK_ALG_SHA256, &body, 1, &digest))
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	if (!lk_digest_equal(&digest, &bundle->sha256))
		return lk_err_set(
			err, LK_E_INPUT, 0,
			"the bundle isn't what was written: its first line has another SHA-256");
	return check_lines(bundle, body, err);
}

int lk_policy_bundle_write(const struct lk_signed_policy *const *list, size_t n, lk_hash_fn hash,
			   uint8_t out[static LK_POLICY_BUNDLE_MAX], size_t *ret_len,
			   struct lk_err *err)
{
	struct lk_policy_bundle b = { .n = n };
	char text[LK_SIGNED_POLICY_TEXT_MAX];
	char head[LK_POLICY_BUNDLE_HEAD + 1];
	uint8_t *body = out + LK_POLICY_BUNDLE_HEAD;
	size_t len;

	if (n == 0 || n > LK_POLICY_BUNDLE_COUNT)
		return lk_err_set(err, LK_E_INPUT, 0, "%zu signed policies; a bundle has 1 to %u",
				  n, LK_POLICY_BUNDLE_COUNT);
	for (size_t i = 0; i < n; i++) {
		if (lk_signed_policy_write(list[i], true, text, sizeof(text)) != LK_OK)
			return lk_err_set(err, LK_E_INPUT, 0, "a signed policy is too long");
		len = strlen(text);
		if (len + 1 > BODY_MAX - b.len)
			return lk_err_set(
				err, LK_E_INPUT, 0,
				"the first %zu of %zu signed policies make more than the %u bytes that a bundle may have",
				i + 1, n, LK_POLICY_BUNDLE_MAX);
		memcpy(body + b.len, text, len);
		body[b.len + len] = '\n';
		b.len += len + 1;
	}
	if (!hash(LK_ALG_SHA256, &(struct lk_bytes){ body, b.len }, 1, &b.sha256) ||
	    write_head(&b, head) != LK_OK)
		return lk_err_set(err, LK_E_SYSTEM, 0, "hashing failed");
	memcpy(out, head, LK_POLICY_BUNDLE_HEAD);
	*ret_len = LK_POLICY_BUNDLE_HEAD + b.len;
	return LK_OK;
}
