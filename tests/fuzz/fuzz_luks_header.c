/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns fuzzing of the checks of a LUKS2 header's JSON. */
#include "core/luks/luks_header.h"
#include "fuzz.h"

static const struct lk_luks_areas areas = { .header_size = 16384,
					    .end = 16777216,
					    .copied = 16777216 };

static bool is_text(const struct lk_doc *map, const char *key, const char *want)
{
	return strcmp(lk_doc_get(map, key)->text, want) == 0;
}

/* A number that can be read, and no more than @max. */
static uint64_t number(const struct lk_doc *map, const char *key, uint64_t max)
{
	uint64_t n = 0;

	INVARIANT(lk_doc_get_uint(map, key, 0, max, &n, NULL) == LK_OK);
	return n;
}

static void check_keyslot(const struct lk_doc *slot)
{
	const struct lk_doc *area = lk_doc_get(slot, "area");
	const struct lk_doc *kdf = lk_doc_get(slot, "kdf");

	INVARIANT(is_text(slot, "type", "luks2"));
	INVARIANT(number(area, "offset", areas.end) + number(area, "size", areas.end) <= areas.end);
	(void)number(area, "key_size", 64);
	if (is_text(kdf, "type", "pbkdf2"))
		return;
	(void)number(kdf, "cpus", 16);
	(void)number(kdf, "memory", 1024u * 1024u);
}

/* What an accepted header may not hold, looked for in the bluntest way. */
static void check_accepted(const struct lk_doc *root)
{
	const struct lk_doc *segments = lk_doc_get(root, "segments");
	const struct lk_doc *segment = lk_doc_get(segments, "0");
	const struct lk_doc *config = lk_doc_get(root, "config");

	INVARIANT(is_text(segment, "encryption", "aes-xts-plain64"));
	INVARIANT(is_text(segment, "iv_tweak", "0"));
	INVARIANT(is_text(segment, "size", "dynamic"));
	INVARIANT(number(segment, "offset", INT64_MAX) >= areas.end);
	INVARIANT(!lk_doc_get(segment, "flags"));
	INVARIANT(!lk_doc_get(config, "requirements"));
	for (const struct lk_doc *k = lk_doc_get(root, "keyslots")->child; k; k = k->next->next)
		check_keyslot(k->next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lk_volume vol = {
		.name = "root",
		.format = { .cipher = "aes-xts-plain64", .key_bits = 512, .sector_size = 512 },
		.options = LK_VOL_DISCARD,
	};
	LK_OWNED_YAML yaml = parse_document(data, size);
	struct lk_err err = { 0 };
	uint64_t keyslots;
	int rc;

	if (!yaml)
		return 0;
	rc = lk_luks_header_check(lk_yaml_root(yaml), &vol, &areas, &err);
	if (rc == LK_OK)
		check_accepted(lk_yaml_root(yaml));
	else
		check_error(rc, LK_E_HEADER, &err);
	rc = lk_luks_header_costs_check(lk_yaml_root(yaml), &err);
	if (rc != LK_OK)
		check_error(rc, LK_E_HEADER, &err);
	rc = lk_luks_header_areas_end(lk_yaml_root(yaml), &keyslots, &err);
	if (rc != LK_OK)
		check_error(rc, LK_E_HEADER, &err);
	rc = lk_luks_header_keyslots_size(lk_yaml_root(yaml), &keyslots, &err);
	if (rc == LK_OK)
		INVARIANT(keyslots <= 128u * 1024u * 1024u);
	else
		check_error(rc, LK_E_HEADER, &err);
	return 0;
}
