/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns strict access to a document tree. */
#include "core/base/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/similar.h"

int lk_doc_error(const struct lk_doc *at, struct lk_err *err, const char *fmt, ...)
{
	char msg[LK_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return lk_err_set(err, LK_E_INPUT, 0, "%u:%u: %.900s", at->line, at->column, msg);
}

const struct lk_doc *lk_doc_get(const struct lk_doc *map, const char *key)
{
	if (map->type != LK_DOC_MAP)
		return NULL;
	for (const struct lk_doc *k = map->child; k; k = k->next->next)
		if (strcmp(k->text, key) == 0)
			return k->next;
	return NULL;
}

/* What a document is, by a key that no other kind has. */
static const char *kind_of_document(const char *key)
{
	static const struct {
		const char *key;
		const char *kind;
	} kinds[] = {
		{ "latchkey-policy", "a policy file" },
		{ "latchkey-signed-policy", "a signed policy" },
		{ "latchkey-device", "a device file" },
		{ "latchkey-root-key", "a signed root key" },
		{ "latchkey-userconfig", "latchkey-userconfig's own file" },
		{ "latchkey-manifest", "a configuration's manifest" },
		{ "latchkey-record", "a provisioning record" },
		{ "latchkey-learned", "a file of what an unlock learned" },
		{ "latchkey-booted", "a file of what opened a volume" },
		{ "latchkey-flavor", "a flavor" },
		{ "latchkey-attest", "latchkey-attest's own file" },
		{ "latchkey-verifier", "latchkey-verifier's own file" },
		{ "sha256", "a file of PCR values" },
		{ "sha384", "a file of PCR values" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].key, key) == 0)
			return kinds[i].kind;
	return NULL;
}

int lk_doc_expect_kind(const struct lk_doc *map, const char *expected, struct lk_err *err)
{
	const char *wanted = kind_of_document(expected);

	if (!wanted || map->type != LK_DOC_MAP)
		return LK_OK;
	for (const struct lk_doc *k = map->child; k; k = k->next->next) {
		const char *kind = kind_of_document(k->text);

		if (kind && strcmp(kind, wanted) != 0)
			return lk_doc_error(k, err, "this is %s; %s is expected here", kind,
					    wanted);
	}
	return LK_OK;
}

int lk_doc_expect_keys(const struct lk_doc *map, const char *const *known, struct lk_err *err)
{
	static const char bundle[] = "latchkey-policy-bundle ";
	char meant[LK_SIMILAR_MAX];

	/* Its first line, and lines of JSON, read as one word. */
	if (map->type == LK_DOC_SCALAR && strncmp(map->text, bundle, sizeof(bundle) - 1) == 0)
		return lk_doc_error(
			map, err,
			"this is a bundle of signed policies; %s is expected here (latchkey policy show shows what is in it)",
			kind_of_document(known[0]) ? kind_of_document(known[0]) : "another file");
	if (map->type != LK_DOC_MAP)
		return lk_doc_error(map, err, "expected keys with values here");
	LK_TRY(lk_doc_expect_kind(map, known[0], err));
	for (const struct lk_doc *k = map->child; k; k = k->next->next) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], k->text) != 0)
			i++;
		if (!known[i])
			return lk_doc_error(k, err, "unknown key \"%.64s\"%s", k->text,
					    lk_similar_say(k->text, known, meant));
	}
	return LK_OK;
}

/* NULL when it isn't there or isn't a scalar; @err then says so. */
static const struct lk_doc *get_scalar(const struct lk_doc *map, const char *key,
				       struct lk_err *err)
{
	const struct lk_doc *node = lk_doc_get(map, key);

	if (!node)
		(void)lk_doc_error(map, err, "key \"%s\" is missing", key);
	else if (node->type != LK_DOC_SCALAR)
		(void)lk_doc_error(node, err, "%s: expected a single value", key);
	return node && node->type == LK_DOC_SCALAR ? node : NULL;
}

int lk_doc_get_text(const struct lk_doc *map, const char *key, size_t max_len, const char **ret,
		    struct lk_err *err)
{
	const struct lk_doc *node = get_scalar(map, key, err);

	if (!node)
		return LK_E_INPUT;
	if (node->len > max_len)
		return lk_doc_error(node, err, "%s: %zu bytes, at most %zu are allowed", key,
				    node->len, max_len);
	*ret = node->text;
	return LK_OK;
}

static bool parse_uint(const char *text, uint64_t *ret)
{
	unsigned int base = 10;
	uint64_t v = 0;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	} else if (text[0] == '0' && text[1] != '\0') {
		return false; /* octal to some readers, decimal to others */
	}
	if (*text == '\0')
		return false;
	for (; *text; text++) {
		unsigned int d;

		if (*text >= '0' && *text <= '9')
			d = (unsigned int)(*text - '0');
		else if (base == 16 && *text >= 'a' && *text <= 'f')
			d = (unsigned int)(*text - 'a') + 10;
		else if (base == 16 && *text >= 'A' && *text <= 'F')
			d = (unsigned int)(*text - 'A') + 10;
		else
			return false;
		if (v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*ret = v;
	return true;
}

/* @what: "key: " or empty, to stand before the message. */
static int uint_of(const struct lk_doc *node, const char *what, const uint64_t range[2],
		   uint64_t *ret, struct lk_err *err)
{
	bool hex = range[1] > 0xffffff;
	uint64_t v;

	if (node->type != LK_DOC_SCALAR || !parse_uint(node->text, &v))
		return lk_doc_error(node, err, "%sexpected a number, decimal or 0x and hexadecimal",
				    what);
	if (v < range[0] || v > range[1])
		return lk_doc_error(node, err,
				    hex ? "%s%s is out of range: 0x%llx to 0x%llx"
					: "%s%s is out of range: %llu to %llu",
				    what, node->text, (unsigned long long)range[0],
				    (unsigned long long)range[1]);
	*ret = v;
	return LK_OK;
}

int lk_doc_uint(const struct lk_doc *node, uint64_t min, uint64_t max, uint64_t *ret,
		struct lk_err *err)
{
	return uint_of(node, "", (const uint64_t[2]){ min, max }, ret, err);
}

int lk_doc_get_uint(const struct lk_doc *map, const char *key, uint64_t min, uint64_t max,
		    uint64_t *ret, struct lk_err *err)
{
	const struct lk_doc *node = get_scalar(map, key, err);
	char what[80];

	if (!node)
		return LK_E_INPUT;
	(void)snprintf(what, sizeof(what), "%s: ", key);
	return uint_of(node, what, (const uint64_t[2]){ min, max }, ret, err);
}

int lk_doc_get_bool(const struct lk_doc *map, const char *key, bool *ret, struct lk_err *err)
{
	static const char *const words[] = { "false", "true", NULL };
	unsigned int word;
	int rc = lk_doc_get_word(map, key, words, &word, err);

	if (rc == LK_OK)
		*ret = word == 1;
	return rc;
}

int lk_doc_get_hex(const struct lk_doc *map, const char *key, uint8_t *out, size_t cap,
		   size_t *ret_len, struct lk_err *err)
{
	const struct lk_doc *node = get_scalar(map, key, err);

	if (!node)
		return LK_E_INPUT;
	if (!lk_hex_decode(node->text, node->len, out, cap, ret_len))
		return lk_doc_error(node, err,
				    "%s: expected pairs of hexadecimal digits, at most %zu pairs",
				    key, cap);
	return LK_OK;
}

int lk_doc_get_word(const struct lk_doc *map, const char *key, const char *const *words,
		    unsigned int *ret, struct lk_err *err)
{
	const struct lk_doc *node = get_scalar(map, key, err);
	char list[256] = "";
	size_t n = 0;

	if (!node)
		return LK_E_INPUT;
	for (unsigned int i = 0; words[i]; i++) {
		if (strcmp(node->text, words[i]) == 0) {
			*ret = i;
			return LK_OK;
		}
		if (n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
					      words[i]);
	}
	return lk_doc_error(node, err, "%s: \"%.64s\" is not one of: %s", key, node->text, list);
}
int lk_doc_get_bank(const struct lk_doc *map, const char *key, enum lk_alg *ret, struct lk_err *err)
{
	const char *names[LK_ALGS + 1] = { NULL };
	unsigned int bank;

	for (size_t i = 0; i < LK_ALGS; i++)
		names[i] = lk_alg_name(lk_alg_at(i));
	LK_TRY(lk_doc_get_word(map, key, names, &bank, err));
	*ret = lk_alg_at(bank);
	return LK_OK;
}
